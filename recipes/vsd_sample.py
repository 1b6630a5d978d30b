"""Draws the sample in examples/vsd: 60 entries of VSD val, half to fit on and half to score, at random.

python recipes/vsd_sample.py --data DIR    # DIR holds vsdv1_val.json and vsdv2_val.json
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path
from typing import Any

EACH = 30
TARGET = Path(__file__).resolve().parent.parent / "examples" / "vsd"


def chosen(entries: list[dict[str, Any]], count: int, seed: int) -> list[int]:
    """Places of `count` entries, at random among those with 2 to 5 unique descriptions."""
    places = [place for place, entry in enumerate(entries) if 2 <= len(set(entry["captions"])) <= 5]
    return random.Random(seed).sample(places, count)


def main() -> None:
    """Writes the four files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    folder = parser.parse_args().data
    files = {
        version: json.loads((folder / f"vsd{version}_val.json").read_text("utf-8"))
        for version in ("v1", "v2")
    }
    places = chosen(files["v1"], 2 * EACH, seed=0)
    for version, entries in files.items():
        for name, half in (("fit", places[:EACH]), ("score", places[EACH:])):
            rows = ",\n".join(json.dumps(entries[place], ensure_ascii=False) for place in half)
            (TARGET / f"vsd{version}_{name}.json").write_text(f"[\n{rows}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
