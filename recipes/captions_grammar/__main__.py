"""Makes the captions grammar from golden trees: python recipes/captions_grammar DIR [-o FILE] [--without-val]

DIR holds `train_coco_trees_*.jsonl.gz`, `train_vsd_like_trees_*.jsonl.gz`, `parses_val.jsonl.gz` and the original
grammar, with which some captions are parsed again with capitals and punctuation. Takes about 8 minutes on two cores.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import treebank
from annotate import derivation
from estimate import Model, estimate
from reweigh import reweigh

from llava_vsd.metrics.spice.bounds import fit_costs
from llava_vsd.metrics.spice.grammar import ROOT, Grammar
from llava_vsd.metrics.spice.pcfg import Parser
from llava_vsd.metrics.spice.sample import SENTENCES
from llava_vsd.metrics.spice.trees import Tree

TARGET: Final = Path(__file__).resolve().parents[2] / "src/llava_vsd/weights/captions_grammar/captions.npz"
ROUNDS: Final = 1
FINENESS: Final = (
    64  # scores are rounded to this part of a unit: the file packs to a third, trees stay the same
)


def collect(folder: Path, *, val: bool, every: int, processes: int | None) -> list[str]:
    """All golden trees, and those of captions in written form and of phrases.

    Args:
        val: whether the captions of VSD val count.
        every: one tree in so many, for trials.
    """
    coco = [tree for name in treebank.COCO for tree in treebank.trees(folder, name)][::every]
    vsd = [tree for name in treebank.VSD_LIKE for tree in treebank.trees(folder, name)][::every]
    if val:
        vsd += list(treebank.trees(folder, treebank.VSD_VAL))[::every]
    rng = random.Random(0)
    sentences = [*treebank.written(coco, "coco", rng), *treebank.written(vsd, "vsd", rng)]
    sentences += treebank.phrases([*coco, *vsd], rng)
    print(f"parsing {len(sentences)} captions in written form and phrases", file=sys.stderr)
    global _parser
    _parser = treebank.original_parser(folder)
    with ProcessPoolExecutor(processes, multiprocessing.get_context("fork")) as pool:
        again = list(pool.map(_parse, sentences, chunksize=100))
    return [*coco, *vsd, *(tree for tree in again if tree.startswith(f"({ROOT} "))]


_parser: Parser


def _parse(words: Sequence[str]) -> str:
    return str(_parser.parse(words))


def learn(trees: Sequence[str], *, rounds: int, processes: int | None = None) -> Grammar:
    """The grammar of these trees, from ROOT each; the same for the same trees."""
    model = estimate(derivation(Tree.read(tree)) for tree in trees)
    print(
        f"{len(model.states)} states, {len(model.places)} rules, {len(model.tagging_places)} taggings",
        file=sys.stderr,
    )
    return finished(reweigh(model, trees, rounds=rounds, processes=processes))


def finished(model: Model) -> Grammar:
    """The grammar as it ships: scores rounded, costs of tags fitted."""
    grammar = model.grammar(np.round(model.scores * FINENESS) / FINENESS)
    return replace(grammar, tag_costs=fit_costs(grammar, SENTENCES).astype(np.float32).astype(np.float64))


def main() -> None:
    """Reads the folder, learns, writes the file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=TARGET)
    parser.add_argument("--without-val", action="store_true", help="leave VSD val out, to measure on it")
    parser.add_argument("--every", type=int, default=1, help="one tree in so many")
    parser.add_argument("--processes", type=int)
    chosen = parser.parse_args()
    names = [f"{name}.jsonl.gz" for name in (*treebank.COCO, *treebank.VSD_LIKE, treebank.VSD_VAL)]
    missing = [name for name in (*names, treebank.ORIGINAL) if not (chosen.folder / name).is_file()]
    if missing:
        sys.exit(f"{chosen.folder}: expected {', '.join(missing)} in this folder")
    trees = collect(chosen.folder, val=not chosen.without_val, every=chosen.every, processes=chosen.processes)
    grammar = learn(trees, rounds=ROUNDS, processes=chosen.processes)
    grammar.save(chosen.output)
    print(f"{chosen.output}: {chosen.output.stat().st_size:,} bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
