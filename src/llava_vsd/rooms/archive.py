"""Furniture archives of Sweet Home 3D (`.sh3f`, zip files), read from a folder or from a Debian package."""

from __future__ import annotations

import io
import lzma
import re
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from llava_vsd.errors import FileError
from llava_vsd.rooms.mesh import Floats, Mesh, decimated, standing
from llava_vsd.rooms.obj import read_obj

CATALOGUE = "PluginFurnitureCatalog.properties"
PLACES = (Path("/usr/share/sweethome3d/furniture"), Path("/usr/local/share/sweethome3d/furniture"))
"""Where Debian's package `sweethome3d-furniture` puts them."""


@dataclass(frozen=True)
class Entry:
    """What the catalogue says of one model.

    Attributes:
        key: `Scopia/mug`: the archive's stem and the name of the model's file; unique.
        name: as the catalogue has it (English).
        size: width, depth, height in metres.
        rotation: what the catalogue turns the model by before it is scaled, [3, 3], in OBJ's axes.
        creator: who made it; empty where the catalogue does not say.
    """

    key: str
    name: str
    path: str
    size: tuple[float, float, float]
    rotation: tuple[float, ...]
    creator: str


class Archive:
    """One `.sh3f` file: its entries, its licence, its models.

    Raises:
        FileError: it is no such archive.
    """

    def __init__(self, stem: str, file: Path | io.BytesIO, shown: Path) -> None:
        self.stem, self.shown = stem, shown
        try:
            self._zip = zipfile.ZipFile(file)
            listing = self._zip.read(CATALOGUE).decode("latin-1")
        except (zipfile.BadZipFile, KeyError, OSError):
            raise FileError(shown, f"not a furniture archive; expected a zip file with {CATALOGUE}") from None
        fields = dict(re.findall(r"^([\w#]+)[ \t]*=[ \t]*(.*?)\s*$", listing, re.MULTILINE))
        self.licence = fields.get("license", "")
        self.entries: dict[str, Entry] = {}
        for field, path in fields.items():
            word, _, number = field.partition("#")
            if word != "model":
                continue
            key = f"{stem}/{Path(path).stem}"
            self.entries[key] = Entry(
                key,
                fields.get(f"name#{number}", ""),
                path.lstrip("/"),
                (
                    float(fields[f"width#{number}"]) / 100,
                    float(fields[f"depth#{number}"]) / 100,
                    float(fields[f"height#{number}"]) / 100,
                ),
                tuple(float(part) for part in fields.get(f"modelRotation#{number}", "").split()),
                fields.get(f"creator#{number}", ""),
            )

    def mesh(self, entry: Entry) -> Mesh:
        """The model: turned and scaled as the catalogue says, standing on the origin, decimated."""
        mesh = read_obj(entry.path, self._zip.read)
        if len(entry.rotation) == 9:
            mesh = _turned(mesh, np.array(entry.rotation, np.float32).reshape(3, 3))
        return decimated(standing(mesh, entry.size))


def _turned(mesh: Mesh, rotation: Floats) -> Mesh:
    swap = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]], np.float32)  # OBJ's axes to ours
    turn = (swap @ rotation @ swap.T).T.astype(np.float32)  # row vectors
    return Mesh(
        mesh.corners @ turn,
        mesh.normals @ turn,
        mesh.uvs,
        mesh.material,
        mesh.colours,
        mesh.textured,
        mesh.textures,
        mesh.materials,
    )


def open_archives(source: Path) -> Iterator[Archive]:
    """All furniture archives in a folder (at any depth) or in a Debian package, by name.

    Raises:
        FileError: it is neither, or holds none.
    """
    if source.is_dir():
        found = sorted(source.rglob("*.sh3f"))
        yield from (Archive(path.stem, path, path) for path in found)
    elif source.suffix == ".deb" and source.is_file():
        held = dict(_members(source))
        found = sorted(held)
        yield from (Archive(path.stem, io.BytesIO(held[path]), source) for path in found)
    else:
        raise FileError(
            source, "expected a folder of .sh3f files, or the package sweethome3d-furniture_*.deb"
        )
    if not found:
        raise FileError(source, "holds no .sh3f file")


def _members(package: Path) -> Iterator[tuple[Path, bytes]]:
    """The `.sh3f` files of a Debian package: an `ar` archive whose member `data.tar.*` is a tar archive."""
    data = package.read_bytes()
    place = 8
    if data[:8] != b"!<arch>\n":
        raise FileError(package, "not a Debian package")
    while place + 60 <= len(data):
        name = data[place : place + 16].decode("latin-1").strip().rstrip("/")
        size = int(data[place + 48 : place + 58])
        place += 60
        if name.startswith("data.tar"):
            try:
                with tarfile.open(fileobj=io.BytesIO(data[place : place + size])) as tar:
                    for member in tar:
                        file = tar.extractfile(member) if member.name.endswith(".sh3f") else None
                        if file:
                            yield Path(member.name), file.read()
            except (tarfile.TarError, lzma.LZMAError) as error:
                raise FileError(package, f"its {name} cannot be read: {error}") from None
        place += size + size % 2
