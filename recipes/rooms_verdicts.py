"""Counts what those who saw pictures of `vsd rooms` and their claims alone disputed, and what of it would pass today.

python recipes/rooms_verdicts.py

Reads `rooms_verdicts.tsv` (claims of 480 pictures, with the visible shares of the pair and the least side of its boxes)
and `rooms_verdicts_sentences.tsv` (280 sentences of 40 other pictures), which lie beside it. The pictures were made
before the rules that came of the verdicts; one that the rules of today refuse for what its row says would be drawn
anew, and counts as mended.
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter
from pathlib import Path

from llava_vsd.relations import RELATIONS
from llava_vsd.rooms.shown import LEAST_SHARE, LEAST_SHARES, LEAST_SIDE, THROUGH_SLOTS
from llava_vsd.rooms.things import named_models

HERE = Path(__file__).parent


def read(name: str) -> list[dict[str, str]]:
    """Rows of a table beside this file, by their column's name."""
    with (HERE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def refused(row: dict[str, str], slotted: set[str]) -> bool:
    """Whether the checker now refuses a picture for what its row says."""
    relation = next(one for one in RELATIONS if one == row["relation"])
    least = LEAST_SHARES.get(relation, (LEAST_SHARE, LEAST_SHARE))
    return (
        float(row["subject_shown"]) < least[0]
        or float(row["object_shown"]) < least[1]
        or int(row["least_side"]) < LEAST_SIDE
        or (relation in THROUGH_SLOTS and row["object"] in slotted)
    )


def kind(row: dict[str, str]) -> str:
    """Of a dispute: what stands before the colon."""
    return row["reason"].partition(":")[0]


def table(rows: list[dict[str, str]], slotted: set[str], column: str, groups: list[str]) -> None:
    """Prints what was judged and disputed, by the values of a column, and what of it remains."""
    print(f"| {column} | judged | disputed | % | remain | % |\n|---|---|---|---|---|---|")
    for group in (*groups, "all"):
        here = [row for row in rows if group in ("all", row[column])]
        kept = [row for row in here if not refused(row, slotted)]
        counts = [sum(row["verdict"] == "disputed" for row in part) for part in (here, kept)]
        shares = [
            f"{count} | {100 * count / len(part):.1f}"
            for count, part in zip(counts, (here, kept), strict=True)
        ]
        print(f"| {group} | {len(here)} | {' | '.join(shares)} |")


def kinds(rows: list[dict[str, str]]) -> str:
    """The kinds of dispute with their counts, the most frequent first."""
    found = Counter(kind(row) for row in rows if row["verdict"] == "disputed")
    return ", ".join(f"{name} {count}" for name, count in found.most_common())


def main() -> None:
    """Prints the tables."""
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    rows = read("rooms_verdicts.tsv")
    slotted = {name for name, roles, _ in named_models() if "s" in roles}
    kept = [row for row in rows if not refused(row, slotted)]
    table(rows, slotted, "relation", list(RELATIONS))
    print(f"disputed by kind: {kinds(rows)}\nof which remain: {kinds(kept)}")
    agreed = sum(row["verdict"] == "agree" for row in rows) - sum(row["verdict"] == "agree" for row in kept)
    print(f"of the pictures that were agreed to the rules refuse {agreed}")
    sentences = read("rooms_verdicts_sentences.tsv")
    disputed = sum(row["verdict"] == "disputed" for row in sentences)
    share = 100 * disputed / len(sentences)
    print(f"sentences: {len(sentences)} judged, {disputed} disputed ({share:.1f} %): {kinds(sentences)}")


if __name__ == "__main__":
    main()
