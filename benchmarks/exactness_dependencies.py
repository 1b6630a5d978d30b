"""Agreement of lemmas and basic dependencies with CoreNLP 3.6.0 on every golden set, what differs, and the speed.

    python benchmarks/exactness_dependencies.py [--data DIR] [--sets NAME ...] [--differences FILE] [--kinds N]

DIR holds oracle/ (default: LLAVA_VSD_SHARED). A third of the odd trees, by a hash of the tree, is kept unread: of it
only the share of equal sentences is told. FILE gets every other sentence that differs; the kinds of difference are
listed by phrase, child, and relations.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import os
import platform
import re
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from llava_vsd.metrics.spice.dependencies import basic
from llava_vsd.metrics.spice.lemmas import lemma
from llava_vsd.metrics.spice.trees import Tree, Word

SETS = (
    "parses_val",
    "parses_coco_a",
    "train_coco_trees_0",
    "train_coco_trees_1",
    "train_coco_trees_2",
    "train_vsd_like_trees_0",
    "train_vsd_like_trees_1",
    "hand_trees",
    "random_trees",
    "odd_trees",
)
PARTLY_UNREAD = "odd_trees"
LEMMAS_ONLY = ("parses_raw_val", "parses_raw_coco_a")


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a gzipped JSON-lines file."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)


def top_level(text: str) -> list[str]:
    """The bracketed trees that stand side by side in a text."""
    trees, depth, start = [], 0, 0
    for match in re.finditer(r"[()]", text):
        depth += 1 if match.group() == "(" else -1
        if depth == 0:
            trees.append(text[start : match.end()])
            start = match.end()
    return trees


def golden(row: dict[str, Any]) -> Iterator[tuple[str, list[Word]]]:
    """Each tree of a row with the words that the original makes of it, whichever form the file has."""
    if "deps" in row:
        edges = {dependent: (head, relation) for dependent, head, relation in row["deps"]}
        leaves = list(Tree.read(row["tree"]).leaves())
        yield (
            row["tree"],
            [
                Word(leaf.word or "", leaf.label, base, *edges.get(number, (-1, "")))
                for number, (leaf, base) in enumerate(zip(leaves, row["lemmas"], strict=True), start=1)
            ],
        )
    elif "basic" in row:
        for tree, graph in zip(top_level(row["tree"]), row["basic"], strict=True):
            heads = {dependent: (int(head), relation) for head, relation, dependent in graph["edges"]}
            heads |= dict.fromkeys(graph["roots"], (0, "root"))
            yield (
                tree,
                [
                    Word(word, tag, base, *heads.get(node, (-1, "")))
                    for node, word, tag, base in graph["nodes"]
                ],
            )
    else:
        for tree, words in zip(row.get("tree", []), row["s"], strict=True):
            yield tree, [Word(*word) for word in words]


def unread(tree: str) -> bool:
    """Whether a tree is of the third that is kept unread."""
    return int(hashlib.sha1(tree.encode(), usedforsecurity=False).hexdigest(), 16) % 3 == 0


def kinds(tree: str, wanted: list[Word], found: list[Word]) -> Iterator[str]:
    """What differs in a sentence: where the word stands in the tree, and both relations."""
    places = dict(enumerate(places_of(Tree.read(tree)), start=1))
    for number, (want, have) in enumerate(zip(wanted, found, strict=True), start=1):
        if (want.head, want.relation) != (have.head, have.relation):
            moved = "" if want.head == have.head else ", at another word"
            yield f"{places[number]}: {want.relation}, found {have.relation}{moved}"


def places_of(node: Tree, above: str = "") -> Iterator[str]:
    """For each word its tag and the two categories over it."""
    if node.word is not None:
        yield f"{above} > {node.label}"
    for child in node.children:
        yield from places_of(child, f"{above.rpartition(' > ')[2]} > {node.label}".removeprefix(" > "))


def measure(name: str, folder: Path, differing: list[str], found_kinds: Counter[str]) -> None:
    """One line of the table, for a set with an unread part three."""
    pairs = [pair for row in rows(folder / f"{name}.jsonl.gz") for pair in golden(row)]
    trees = [Tree.read(tree) for tree, _ in pairs]
    start = time.perf_counter()
    found = [basic(tree) for tree in trees]
    seconds = time.perf_counter() - start
    equal: dict[bool, list[bool]] = {False: [], True: []}
    words = words_equal = 0
    for (tree, wanted), have in zip(pairs, found, strict=True):
        words += len(wanted)
        words_equal += sum(a == b for a, b in zip(wanted, have, strict=True))
        hidden = name == PARTLY_UNREAD and unread(tree)
        equal[hidden].append(wanted == have)
        if wanted != have and not hidden:
            found_kinds.update(kinds(tree, wanted, have))
            differing.append(f"{name}\t{tree}\t{shown(wanted)}\t{shown(have)}")
    print(
        f"{name:<24} {share(equal[False] + equal[True])}   {words_equal / words:9.4%} of words   "
        f"{len(pairs) / seconds:>7,.0f} sentences/s",
        flush=True,
    )
    if equal[True]:
        print(f"{'  read':<24} {share(equal[False])}\n{'  unread':<24} {share(equal[True])}")


def share(equal: list[bool]) -> str:
    """How many of the sentences are equal."""
    return f"{sum(equal):>7,} of {len(equal):>7,} sentences {sum(equal) / len(equal):9.3%}"


def shown(words: list[Word]) -> str:
    """Relations and governors in one line."""
    return " ".join(f"{number}:{word.relation}@{word.head}" for number, word in enumerate(words, start=1))


def main() -> None:
    """Prints the table and the kinds of difference."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--data", type=Path, default=os.environ.get("LLAVA_VSD_SHARED", "../shared"))
    options.add_argument("--sets", nargs="*", default=list(SETS))
    options.add_argument("--differences", type=Path, help="a file for all sentences that differ")
    options.add_argument("--kinds", type=int, default=30, help="how many kinds of difference to list")
    given = options.parse_args()
    folder = given.data / "oracle" / "spice"
    print(f"Python {platform.python_version()}, one process\n")
    pairs: set[tuple[str, str, str]] = set()
    for name in [*given.sets, *LEMMAS_ONLY]:
        for row in rows(folder / f"{name}.jsonl.gz"):
            sentences = (
                [words for _, words in golden(row)]
                if name in SETS
                else [[Word(*w) for w in s] for s in row["s"]]
            )
            pairs.update((word.word, word.tag, word.lemma) for words in sentences for word in words)
    equal = sum(lemma(word, tag) == base for word, tag, base in pairs)
    print(f"lemmas: {equal:,} of {len(pairs):,} distinct triples of word, tag and lemma\n")
    differing: list[str] = []
    found_kinds: Counter[str] = Counter()
    for name in given.sets:
        measure(name, folder, differing, found_kinds)
    print("\nwhat differs: categories and tag, wanted and found")
    for kind, count in found_kinds.most_common(given.kinds):
        print(f"{count:>6,}  {kind}")
    if given.differences:
        given.differences.write_text("\n".join(differing) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
