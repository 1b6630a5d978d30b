"""Unpacks chosen members of an archive or folder, and lets none of them leave the target folder or fill the disk."""

from __future__ import annotations

import gzip
import lzma
import os
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol, cast

from llava_vsd.data.images import files_under
from llava_vsd.data.web import Progress
from llava_vsd.errors import FileError

BROKEN = (
    *(zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, zlib.error, lzma.LZMAError, struct.error),
    *(EOFError, NotImplementedError, RuntimeError, UnicodeDecodeError, ValueError),
)
"""What the readers of the standard library raise over a damaged, encrypted or exotic archive."""


@dataclass(frozen=True)
class Member:
    """One name in an archive. `plain` is whether it is a file, and no folder, link or device; `size` is in bytes."""

    name: str
    size: int
    plain: bool = True


@dataclass(frozen=True)
class Limits:
    """Unpacked bytes at most: of one member, and of all that has to be unpacked to get at them."""

    member: int = 64 << 20
    total: int = 64 << 30


class Archive(Protocol):
    """Something with members."""

    @property
    def label(self) -> str:
        """What an error calls it."""
        ...

    def select(self, wanted: Callable[[Member], bool]) -> Iterator[tuple[Member, IO[bytes] | None]]:
        """All members; with each wanted one its content, to be read before the next."""
        ...


@dataclass(frozen=True)
class ZipFile:
    """A zip archive on disk."""

    path: Path

    @property
    def label(self) -> str:
        """Its path."""
        return str(self.path)

    def select(self, wanted: Callable[[Member], bool]) -> Iterator[tuple[Member, IO[bytes] | None]]:
        """See Archive."""
        with zipfile.ZipFile(self.path) as archive:
            for info in archive.infolist():
                yield from select_zipped(archive, info, wanted)


def zipped_member(info: zipfile.ZipInfo) -> Member:
    """A member of a zip archive. What Unix wrote there may be a link, which only its attributes tell."""
    kind = stat.S_IFMT(info.external_attr >> 16)
    return Member(info.filename, info.file_size, not info.is_dir() and kind in (0, stat.S_IFREG))


def select_zipped(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, wanted: Callable[[Member], bool]
) -> Iterator[tuple[Member, IO[bytes] | None]]:
    """One member of a zip archive, with its content if it is wanted."""
    member = zipped_member(info)
    if wanted(member):
        with archive.open(info) as content:
            yield member, content
    else:
        yield member, None


@dataclass(frozen=True)
class TarFile:
    """A tar archive on disk, plain or gzipped.

    It is read twice: the only checksum of a tar.gz stands at its end, and before it nothing must be written.
    """

    path: Path
    limits: Limits = field(default_factory=Limits)

    @property
    def label(self) -> str:
        """Its path."""
        return str(self.path)

    def select(self, wanted: Callable[[Member], bool]) -> Iterator[tuple[Member, IO[bytes] | None]]:
        """See Archive."""
        with self._stream() as stream:
            left = self.limits.total
            while block := stream.read(1 << 20):
                left -= len(block)
                if left < 0:  # a small tar.gz can hold terabytes of zeros
                    raise tarfile.TarError("unpacks to more bytes than are allowed")
        with self._stream() as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
            for info in archive:
                member = Member(info.name, info.size, info.isreg())
                yield member, archive.extractfile(info) if wanted(member) else None

    def _stream(self) -> IO[bytes]:
        with self.path.open("rb") as raw:
            gzipped = raw.read(2) == b"\x1f\x8b"
        return cast("IO[bytes]", gzip.open(self.path)) if gzipped else self.path.open("rb")


@dataclass(frozen=True)
class Folder:
    """The files under a folder, at any depth, as if it were an archive."""

    path: Path

    @property
    def label(self) -> str:
        """Its path."""
        return str(self.path)

    def select(self, wanted: Callable[[Member], bool]) -> Iterator[tuple[Member, IO[bytes] | None]]:
        """See Archive."""
        for entry in sorted(files_under(self.path), key=lambda entry: entry.path):
            member = Member(Path(entry.path).relative_to(self.path).as_posix(), entry.stat().st_size)
            if wanted(member):
                with open(entry.path, "rb") as content:
                    yield member, content
            else:
                yield member, None


def open_archive(path: Path, limits: Limits) -> Archive:
    """A zip, tar or tar.gz file, told by its content, or a folder.

    Raises:
        FileError: it is none of these.
    """
    if path.is_dir():
        return Folder(path)
    try:
        if zipfile.is_zipfile(path):
            return ZipFile(path)
        if tarfile.is_tarfile(path):
            return TarFile(path, limits)
    except BROKEN:
        pass
    except OSError as error:
        raise FileError(path, f"cannot be read: {error.strerror}") from None
    raise FileError(path, "is neither a zip nor a tar archive, or it is cut off")


def inside(folder: Path, name: str) -> Path | None:
    """Where a member of this name goes, or None if that is not safely inside the folder.

    Refused are absolute names, `..`, drives and streams (`C:`), and control characters, with either slash as the
    separator, on every system: an archive is not safer for being unpacked on another one.
    """
    parts = name.replace("\\", "/").split("/")
    kept = [part for part in parts if part not in ("", ".")]
    unsafe = (
        not kept
        or parts[0] == ""
        or any(part.strip(" .") == "" for part in kept)
        or any(char == ":" or char < " " or "\ud800" <= char <= "\udfff" for char in name)
    )
    return None if unsafe else folder.joinpath(*kept)


@dataclass
class Unpacked:
    """What became of an archive's members.

    Attributes:
        members: sizes by name of those that match, wanted or not.
        written, kept: how many of the wanted were written, and how many were there before with the right size.
        bytes: written.
        refused: wanted ones that are links or devices; they are not followed.
    """

    members: dict[str, int] = field(default_factory=dict)
    written: int = 0
    kept: int = 0
    bytes: int = 0
    refused: list[str] = field(default_factory=list)


def unpack(
    archive: Archive,
    to: Path,
    matches: Callable[[str], object],
    wanted: Callable[[str], bool],
    progress: Progress,
    limits: Limits | None = None,
) -> Unpacked:
    """Writes the wanted members under a folder by their own names, each one whole or not at all.

    Args:
        matches: by name, which members count at all; the others (read-me files) are passed over.
        wanted: by name, which of those to write. One that is there with the right size is left alone, and one
            that is a link or a device is never written.

    Raises:
        FileError: the archive is damaged, a name leads out of the folder, a member is larger than allowed or than
            it says, or the disk does not take it. What was written before stays.
    """
    limits = limits or Limits()
    done = Unpacked()
    promised = 0

    def needed(member: Member) -> bool:
        nonlocal promised
        if not matches(member.name):
            return False
        target = inside(to, member.name)
        if target is None:
            raise FileError(archive.label, f"member {member.name!r} would leave the folder; unpacking stops")
        if not member.plain:
            if wanted(member.name):
                done.refused.append(member.name)
            return False
        done.members[member.name] = member.size
        if not wanted(member.name):
            return False
        if is_there(target, member.size):
            done.kept += 1
            return False
        promised += member.size
        if member.size > limits.member or promised > limits.total:
            size = member.size if member.size > limits.member else promised
            raise FileError(
                archive.label, f"member {member.name!r} brings {size:,} bytes, more than is allowed"
            )
        return True

    try:
        for member, content in archive.select(needed):
            if content is not None:
                write(content, member, cast("Path", inside(to, member.name)), progress)
                done.written += 1
                done.bytes += member.size
    except BROKEN as error:
        raise FileError(archive.label, f"is damaged or not readable: {error}") from None
    except OSError as error:
        place = error.filename or archive.label
        raise FileError(place, f"{error.strerror or error}") from None
    return done


def is_there(place: Path, size: int) -> bool:
    """Whether a file of this size is there."""
    try:
        return place.stat().st_size == size
    except OSError:
        return False


def write(
    content: IO[bytes],
    member: Member,
    place: Path,
    progress: Progress,
    accept: Callable[[Path], None] = lambda path: None,
) -> None:
    """Writes one member; the name appears when it is whole and `accept`, which may raise, has seen it.

    Raises:
        OSError: the disk does not take it.
        EOFError: the content is shorter or longer than the archive says.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    part = place.with_name(f".{place.name}.{os.getpid()}.part")
    left = member.size
    try:
        with part.open("wb") as file:
            while block := content.read(1 << 20):
                left -= len(block)
                if left < 0:
                    break
                file.write(block)
                progress.advance(len(block))
        if left:
            raise EOFError(f"member {member.name!r} is not the {member.size:,} bytes that it says")
        accept(part)
        part.replace(place)
    finally:
        part.unlink(missing_ok=True)
