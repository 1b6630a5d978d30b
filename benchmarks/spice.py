"""SPICE as a whole against the original program: agreement, speed, start-up, memory; for one grammar a run.

    python benchmarks/spice.py --reference DIR --grammar original|captions|FILE [--speed] [--data DIR]

DIR holds the outputs of the original (oracle/...); `--data` the VSD files, for the time of a whole evaluation.
Agreement is printed for VSD val and COCO, in the tokenized form of the COCO protocol and raw: trees (tokenized form),
labelled attachment and tuples against the original's parses, then the scores. With `--speed`: captions a second on one
core and on two, start-up, memory.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from llava_vsd.metrics.spice.pipeline import Analysis, Spice

SETS = ("val", "coco_a")
EQUAL = 1e-9


def read(path: Path) -> Any:
    """A gzipped JSON file, or the rows of a gzipped JSON-lines file."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file] if ".jsonl" in path.name else json.load(file)


def show(name: str, value: str) -> None:
    """A line of the report."""
    print(f"  {name:<58} {value}", flush=True)


def parses(spice: Spice, rows: Sequence[dict[str, Any]]) -> None:
    """Trees, labelled attachment and tuples against the original's parses."""
    trees = same_trees = tokens = attached = labelled = whole = 0
    hits = ours = theirs = 0
    for row in rows:
        found: Analysis = spice.analyse(row["c"])
        if "tree" in row:
            trees += len(row["tree"])
            same_trees += sum(str(a) == b for a, b in zip(found.trees, row["tree"], strict=False))
        flat = [word for sentence in found.dependencies for word in sentence]
        gold = [word for sentence in row["s"] for word in sentence]
        tokens += len(gold)
        if len(flat) == len(gold):
            attached += sum(a.head == b[3] for a, b in zip(flat, gold, strict=True))
            labelled += sum((a.head, a.relation) == (b[3], b[4]) for a, b in zip(flat, gold, strict=True))
        mine, original = Counter(found.tuples), Counter(tuple(one) for one in row["t"])
        whole += mine == original
        hits += (mine & original).total()
        ours += mine.total()
        theirs += original.total()
    if trees:
        show("trees equal", f"{same_trees:,} of {trees:,} ({100 * same_trees / trees:.3f} %)")
    show(
        "tokens with the same governor / and relation",
        f"{100 * attached / tokens:.3f} / {100 * labelled / tokens:.3f} %",
    )
    show("captions with the same tuples", f"{whole:,} of {len(rows):,} ({100 * whole / len(rows):.3f} %)")
    show("precision / recall of the tuples", f"{100 * hits / ours:.3f} / {100 * hits / theirs:.3f} %")


def scores(found: Sequence[float], golden: Sequence[float], what: str) -> None:
    """Agreement of scores, item by item."""
    a, b = np.array(found), np.array(golden)
    equal = int((abs(a - b) <= EQUAL).sum())
    pearson = float(np.corrcoef(a, b)[0, 1])
    show(
        what,
        f"equal {equal:,} of {len(a):,} ({100 * equal / len(a):.3f} %), Pearson {pearson:.5f}, "
        f"mean {100 * a.mean():.4f} (original {100 * b.mean():.4f}, difference {100 * (a.mean() - b.mean()):+.4f}), "
        f"mean distance {100 * abs(a - b).mean():.4f}",
    )


def agreement(spice: Spice, folder: Path) -> None:
    """Every set, tokenized and raw."""
    for name in SETS:
        pairs = read(folder / f"oracle/pairs_{name}.json.gz")
        tokens = read(folder / f"oracle/cocoeval_{name}.json.gz")["tokens"]
        for raw in (False, True):
            print(f"{name}, {'raw' if raw else 'tokenized'}")
            form = "raw_" if raw else ""
            parses(spice, read(folder / f"oracle/spice/parses_{form}{name}.jsonl.gz"))
            golden = read(folder / f"oracle/spice/spice_{form}{name}.json.gz")["items"]
            say = (lambda text: text) if raw else tokens.__getitem__
            found = spice([(say(pair["test"]), [say(text) for text in pair["refs"]]) for pair in pairs])
            gold = [golden[str(pair["image_id"])]["All"] for pair in pairs]
            scores(found, gold, "scores, all items")
            kinds = [str(pair["image_id"]).rpartition("-")[2] for pair in pairs]
            for kind in dict.fromkeys(kinds) if name == "val" else ():
                places = [place for place, other in enumerate(kinds) if other == kind]
                scores([found[p] for p in places], [gold[p] for p in places], f"scores, {kind}")


def speed(grammar: str, folder: Path) -> None:
    """Captions a second by the clock; the best of three. On two cores with the start of the processes."""
    for name in SETS:
        pairs = read(folder / f"oracle/pairs_{name}.json.gz")
        tokens = read(folder / f"oracle/cocoeval_{name}.json.gz")["tokens"]
        captions = list(
            dict.fromkeys(tokens[text] for pair in pairs for text in (pair["test"], *pair["refs"]))
        )
        for processes in (1, 2):
            rates = []
            for _ in range(3):
                spice = Spice(grammar, processes=processes)
                spice.score("a cat on a mat", ["a dog"])  # start-up apart
                start = time.perf_counter()
                spice.tuples(captions)
                rates.append(len(captions) / (time.perf_counter() - start))
            show(
                f"{name}, {len(captions):,} distinct captions, {processes} cores",
                f"{max(rates):,.0f} captions a second",
            )
    code = f"from llava_vsd.metrics.spice.pipeline import Spice; Spice({grammar!r}).score('a cat', ['a dog'])"
    with tempfile.TemporaryDirectory() as empty:
        environment = {**os.environ, "NUMBA_CACHE_DIR": empty}
        times = []
        for _ in range(4):
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True, env=environment)
            times.append(time.perf_counter() - start)
    show("start of Python to first score, with compilation", f"{times[0]:.2f} s")
    show("start of Python to first score, compiled code on disk", f"{min(times[1:]):.2f} s")
    peak = (
        max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        / 1024
    )
    show("peak memory of one process", f"{peak:.0f} MiB")


def evaluation(grammar: str, data: Path) -> None:
    """The time of `vsd evaluate` over VSD test, with the gold descriptions as answers."""
    from llava_vsd.data.vsd import read_items
    from llava_vsd.evaluate import evaluate
    from llava_vsd.schema import Prediction, RelationAnswer

    items = read_items(data / "vsdv1_test.json", data / "vsdv2_test.json")
    answers = [
        Prediction(
            id=item.id,
            image=item.image,
            model="gold",
            relations=[
                RelationAnswer(subject=t.subject, object=t.object, relation=t.relation) for t in item.triples
            ],
            description=item.descriptions_v1[-1],
            descriptions=[
                f"{item.pair.subject} {item.pair.relation} {item.pair.object}.",
                item.descriptions_v1[0],
                item.descriptions_v2[0],
            ],
        )
        for item in items
    ]
    start = time.perf_counter()
    evaluate(items, answers, spice=Spice(grammar, processes=2), resamples=0)
    show(
        f"evaluation of VSD test ({len(items):,} items, tasks 2 and 3), two cores",
        f"{time.perf_counter() - start:.1f} s",
    )


def main(arguments: Iterable[str] | None = None) -> None:
    """Prints the report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--reference", type=Path, required=True)
    parser.add_argument("--grammar", default="original")
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--data", type=Path)
    options = parser.parse_args(list(arguments) if arguments is not None else None)
    spice = Spice(options.grammar)
    print(f"{spice.name}; {platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    if options.speed:
        speed(options.grammar, options.reference)
    else:
        agreement(spice, options.reference)
    if options.data:
        evaluation(options.grammar, options.data)


if __name__ == "__main__":
    main()
