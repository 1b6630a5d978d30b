"""Writes who made the models that rooms show, from the catalogues of the furniture archives.

python recipes/rooms_notice.py sweethome3d-furniture_1.8-1_all.deb > src/llava_vsd/weights/rooms/NOTICE.md
"""

from __future__ import annotations

import sys
from pathlib import Path

from llava_vsd.rooms.archive import open_archives
from llava_vsd.rooms.things import named_models

LICENCES = {
    "BlendSwap-CC-0": "CC0 1.0",
    "BlendSwap-CC-BY": "CC BY 3.0",
    "KatorLegaz": "CC BY 3.0 US, (c) 2003-2008 Andrew Kator & Jennifer Legaz",
    "Scopia": "CC BY 3.0, (c) eTeks and Scopia Visual Interfaces Systems, s.l.",
}
"""By archive, as its LICENSE.TXT and the package's copyright file have it."""


def main() -> None:
    """Prints a section for each archive."""
    print("# Who made the models\n")
    print(
        "The pictures of `vsd rooms` show models of Debian's package `sweethome3d-furniture` 1.8. The models are no\n"
        "part of this project; pictures made from them owe their makers this notice. Models were reduced to 8,000\n"
        "triangles, scaled, and some were painted in other colours."
    )
    models = {key for _, _, keys in named_models() for key in keys}
    for archive in open_archives(Path(sys.argv[1])):
        shown = sorted(models & set(archive.entries))
        if not shown:
            continue
        makers: dict[str, list[str]] = {}
        for key in shown:
            makers.setdefault(archive.entries[key].creator or "unnamed", []).append(key.partition("/")[2])
        print(f"\n## {archive.stem}: {LICENCES[archive.stem]}\n")
        for maker in sorted(makers, key=str.lower):
            print(f"- {maker}: {', '.join(makers[maker])}")


if __name__ == "__main__":
    main()
