"""The golden trees that the captions grammar learns from, and trees of captions in their written form."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from llava_vsd.metrics.spice import original
from llava_vsd.metrics.spice.bounds import fit_costs
from llava_vsd.metrics.spice.pcfg import Parser
from llava_vsd.metrics.spice.sample import SENTENCES
from llava_vsd.metrics.spice.trees import Tree

COCO: Final = ("train_coco_trees_0", "train_coco_trees_1", "train_coco_trees_2")
VSD_LIKE: Final = ("train_vsd_like_trees_0", "train_vsd_like_trees_1")
VSD_VAL: Final = "parses_val"
ORIGINAL: Final = "englishPCFG.ser.gz"

WRITTEN_EVERY: Final = {"coco": 5, "vsd": 3}  # one caption in so many is also parsed in its written form
CAPITAL: Final = {"coco": 0.87, "vsd": 0.2}  # shares of captions that are written with a capital, a full stop
FULL_STOP: Final = {"coco": 0.85, "vsd": 0.9}
NAMES: Final = 0.08  # share of captions in which a word inside has a capital
PHRASE_EVERY: Final = 20  # of one caption in so many a noun phrase is parsed by itself
SHOUTED: Final = 0.015  # share of captions in capitals throughout
BRACKETED: Final = 0.015  # share of captions with a word in quotation marks or brackets
BRACKETS: Final = (("``", "''"), ("-LRB-", "-RRB-"))
MARKED: Final = {"coco": 0.12, "vsd": 0.02}  # share of captions in which a comma is tried before some words
MARK_BEFORE: Final = {"and": 0.5, "while": 0.5, "with": 0.15, "a": 0.15, "next": 0.15, "near": 0.15}
INSIDE: Final = {",": 0.85, ";": 0.03, ":": 0.03, "-": 0.04, "--": 0.03, "&": 0.02}  # which mark it is
END: Final = {".": 0.955, "!": 0.015, ";": 0.01, "?": 0.01, ":": 0.01}


def trees(folder: Path, name: str) -> Iterator[str]:
    """All trees of one golden file, one a sentence."""
    with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
        for line in file:
            yield from json.loads(line)["tree"]


def written(golden: Sequence[str], style: str, rng: random.Random) -> Iterator[list[str]]:
    """Some sentences as people write them: the golden trees are of captions that had lost capitals and punctuation.

    Args:
        golden: bracketed trees.
        style: `coco` or `vsd`: how often there are capitals, full stops and commas.
    """
    for tree in golden[:: WRITTEN_EVERY[style]]:
        words = [leaf.word or "" for leaf in Tree.read(tree).leaves()]
        if rng.random() < NAMES:
            place = rng.randrange(len(words))
            words[place] = words[place].capitalize()
        if rng.random() < CAPITAL[style]:
            words[0] = words[0].capitalize()
        if rng.random() < SHOUTED:
            words = [word.upper() for word in words]
        if rng.random() < BRACKETED:
            place = rng.randrange(len(words))
            opening, closing = rng.choice(BRACKETS)
            words[place : place + 1] = [opening, words[place], closing]
        if rng.random() < MARKED[style]:
            for place in range(len(words) - 1, 2, -1):
                if rng.random() < MARK_BEFORE.get(words[place], 0):
                    words.insert(place, *rng.choices(list(INSIDE), list(INSIDE.values())))
        if rng.random() < FULL_STOP[style] and words[-1] != ".":
            words += rng.choices(list(END), list(END.values()))
        yield words


def phrases(golden: Sequence[str], rng: random.Random) -> Iterator[list[str]]:
    """A noun phrase of some sentences: captions of one or two words, which the golden trees lack."""
    for tree in golden[::PHRASE_EVERY]:
        found = list(_noun_phrases(Tree.read(tree)))
        if found:
            yield [leaf.word or "" for leaf in rng.choice(found).leaves()]


def _noun_phrases(tree: Tree) -> Iterator[Tree]:
    if tree.label == "NP":
        yield tree
    for child in tree.children:
        yield from _noun_phrases(child)


def original_parser(folder: Path) -> Parser:
    """The parser with the original grammar of the folder."""
    path = folder / ORIGINAL
    grammar = original.read(gzip.decompress(path.read_bytes()), path)
    return Parser(replace(grammar, tag_costs=fit_costs(grammar, SENTENCES)))
