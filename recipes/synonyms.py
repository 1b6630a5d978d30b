"""Makes the synonym table of SPICE from a WordNet 3.0 `dict` folder: recipes/synonyms.py /usr/share/wordnet

Ids are offsets in the data files of the original release. Debian's `wordnet-base` corrects three entries,
which moves the entries after them; the recipe moves them back. Any other version of WordNet is refused.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import sys
from pathlib import Path

from llava_vsd.errors import FileError, VsdError

POS = ("noun", "verb", "adj", "adv")
# Offset and length in bytes of these entries in the original release: their length in a corrected folder
# tells by how much it moved what follows.
CORRECTED = {"verb": ((612841, 177), (2422663, 304)), "adj": ((1681307, 170),)}
SYNSETS_SHA256 = "aa6c3d1cc81b4e408126e45d76cd2cf28f46c7b5b31375097678a5efe9d7488a"
EXCEPTIONS_SHA256 = "50dd2da05b14ccd4412e1ba0bcb7d739371ded55757384eee628e28708e874a8"


def shifts(folder: Path, pos: str) -> list[tuple[int, int]]:
    """Entries whose length differs from the original release: (offset in this folder, bytes added)."""
    found, added = [], 0
    with (folder / f"data.{pos}").open("rb") as file:
        for offset, length in CORRECTED.get(pos, ()):
            file.seek(offset + added)
            line = file.readline()
            if not line.startswith(b"%08d " % (offset + added)):
                raise FileError(
                    folder / f"data.{pos}", f"not WordNet 3.0: no synset at offset {offset + added}"
                )
            found.append((offset + added, len(line) - length))
            added += len(line) - length
    return found


def read_synsets(folder: Path) -> dict[str, set[int]]:
    """Ids of each lemma, of all parts of speech together."""
    ids: dict[str, set[int]] = {}
    for pos in POS:
        moved = shifts(folder, pos)
        for line in (folder / f"index.{pos}").read_text("ascii").splitlines():
            if line.startswith(" "):  # the notice
                continue
            lemma, _, count, *rest = line.split()
            offsets = map(int, rest[-int(count) :])
            ids.setdefault(lemma, set()).update(
                o - sum(added for edge, added in moved if edge < o) for o in offsets
            )
    return ids


def read_exceptions(folder: Path) -> dict[str, set[str]]:
    """Base forms of each irregular form, of all parts of speech together."""
    bases: dict[str, set[str]] = {}
    for pos in POS:
        for line in (folder / f"{pos}.exc").read_text("ascii").splitlines():
            form, *rest = line.split()
            bases.setdefault(form, set()).update(rest)
    return bases


def read_notice(folder: Path) -> str:
    """The licence that stands, in numbered lines, at the head of every file."""
    lines = (folder / "index.noun").read_text("ascii").splitlines()
    return "".join(line.strip().partition(" ")[2] + "\n" for line in lines if line.startswith(" "))


def table(entries: dict[str, set[int]] | dict[str, set[str]]) -> str:
    """One line a key, in the order of the keys: the key and its values."""
    return "".join(" ".join([key, *map(str, sorted(entries[key]))]) + "\n" for key in sorted(entries))


def write(path: Path, text: str, sha256: str) -> None:
    """Writes a compressed table after comparing its sum with that of WordNet 3.0."""
    data = text.encode()
    if hashlib.sha256(data).hexdigest() != sha256:
        raise FileError(
            path, "not written: the folder is not WordNet 3.0 (the table has another sum than expected)"
        )
    path.write_bytes(gzip.compress(data, 9, mtime=0))
    print(f"{path}: {text.count(chr(10)):,} keys, {path.stat().st_size:,} bytes")


def main() -> None:
    """Reads the folder, writes `synsets.txt.gz`, `exceptions.txt.gz` and the notice as `LICENSE`."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="the dict folder of WordNet 3.0")
    parser.add_argument("-o", "--output", type=Path, default=Path("src/llava_vsd/weights/wordnet"))
    options = parser.parse_args()
    try:
        options.output.mkdir(parents=True, exist_ok=True)
        write(options.output / "synsets.txt.gz", table(read_synsets(options.folder)), SYNSETS_SHA256)
        write(options.output / "exceptions.txt.gz", table(read_exceptions(options.folder)), EXCEPTIONS_SHA256)
        (options.output / "LICENSE").write_text(read_notice(options.folder), "ascii")
    except FileNotFoundError as error:
        sys.exit(str(FileError(error.filename, "missing; the folder must hold index.*, data.* and *.exc")))
    except OSError as error:
        sys.exit(f"{error.filename}: {error.strerror}")
    except (ValueError, IndexError) as error:  # lines of another form
        sys.exit(str(FileError(options.folder, f"not WordNet 3.0: {error}")))
    except VsdError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
