"""Agreement of collapsing, tuples and scores with the original SPICE, on every golden set, and their speed.

    python benchmarks/exactness_spice_graph.py [--data DIR]    # DIR holds oracle/; default: LLAVA_VSD_SHARED

Nothing here parses: graphs start from the golden dependencies, scores from golden parses or tuples.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import platform
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from llava_vsd.metrics.spice.graph import collapse
from llava_vsd.metrics.spice.score import SpiceScore, means, score
from llava_vsd.metrics.spice.synonyms import wordnet
from llava_vsd.metrics.spice.trees import Word
from llava_vsd.metrics.spice.tuples import RawTuple, tuples

FIELDS = ("f", "pr", "re", "tp", "fp", "fn")
PARSES = ("val", "coco_a", "raw_val", "raw_coco_a")
TRAIN = (
    "train_coco_trees_0",
    "train_coco_trees_1",
    "train_coco_trees_2",
    "train_vsd_like_trees_0",
    "train_vsd_like_trees_1",
)


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a gzipped JSON-lines file."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)


def document(path: Path) -> Any:
    """A gzipped JSON file."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return json.load(file)


def report(what: str, equal: int, total: int, remark: str = "") -> None:
    """One line of the table."""
    print(f"{what:<44} {equal:>7,} of {total:>7,}  {equal / total:8.3%}  {remark}", flush=True)


def synonyms(folder: Path) -> None:
    """Ids of all keys of Meteor's file."""
    start = time.perf_counter()
    table = wordnet()
    seconds = time.perf_counter() - start
    lines = gzip.decompress((folder / "meteor_synsets.txt.gz").read_bytes()).decode().splitlines()
    pairs = list(zip(lines[::2], lines[1::2], strict=True))
    equal = sum(table.ids(key) == frozenset(map(int, ids.split())) for key, ids in pairs)
    report("synset ids of keys", equal, len(pairs), f"table loaded in {seconds:.2f} s")


def words_of(graph: dict[str, Any]) -> list[Word]:
    """The words of a golden basic graph."""
    heads = {dependent: (int(head), relation) for head, relation, dependent in graph["edges"]}
    heads |= dict.fromkeys(graph["roots"], (0, "root"))
    return [Word(word, tag, lemma, *heads.get(node, (-1, ""))) for node, word, tag, lemma in graph["nodes"]]


def trees(folder: Path, name: str) -> None:
    """Graphs and tuples of golden basic trees."""
    total = graphs_equal = tuples_equal = sentences = 0
    for row in rows(folder / f"{name}.jsonl.gz"):
        graphs = [collapse(words_of(basic), place) for place, basic in enumerate(row["basic"])]
        for graph, expected in zip(graphs, row["graphs"], strict=True):
            sentences += 1
            edges = sorted(map(list, graph.edges()))
            roots = list(map(graph.name, graph.roots))
            graphs_equal += edges == sorted(expected["edges"]) and roots == expected["roots"]
        total += 1
        tuples_equal += list(map(list, tuples(graphs))) == row["tuples"]
    report(f"{name}: graphs", graphs_equal, sentences)
    report(f"{name}: tuples, in order", tuples_equal, total)


def captions(folder: Path, name: str) -> dict[str, list[RawTuple]]:
    """Tuples of parsed captions, by caption with single blanks."""
    found: dict[str, list[RawTuple]] = {}
    ordered = equal = total = 0
    seconds = 0.0
    for row in rows(folder / f"{name}.jsonl.gz"):
        words = [[Word(*word) for word in sentence] for sentence in row["s"]]
        start = time.perf_counter()
        ours = tuples([collapse(sentence, place) for place, sentence in enumerate(words)])
        seconds += time.perf_counter() - start
        total += 1
        ordered += list(map(list, ours)) == row["t"]
        equal += sorted(map(list, ours)) == sorted(row["t"])
        found[" ".join(row["c"].split())] = ours
    report(f"{name}: tuples", equal, total, f"{ordered:,} in order, {total / seconds:,.0f} captions a second")
    return found


def tuple_scores(folder: Path) -> None:
    """Counts, values and truth values of the items of `scores`."""
    items = list(rows(folder / "scores.jsonl.gz"))
    for synsets, name in ((True, "scores"), (False, "scores_noSynsets")):
        counts = values = truths = 0
        for item in items:
            found = score(item["test"], item["refs"], synsets=synsets)
            ours = {category: tuple(result) for category, result in found.categories.items()}
            theirs = {category: tuple(result[f] for f in FIELDS) for category, result in item[name].items()}
            counts += all(ours[category][3:] == theirs[category][3:] for category in theirs)
            values += all(same(a, b) for c in theirs for a, b in zip(ours[c], theirs[c], strict=True))
            if synsets:
                truths += all(
                    unordered(matches)
                    == unordered((entry["tuple"], entry["truth_value"]) for entry in item[key])
                    for matches, key in ((found.candidate, "test_tuples"), (found.reference, "ref_tuples"))
                )
        report(f"{name}: all counts", counts, len(items))
        report(f"{name}: all of P, R, F to 1e-9", values, len(items))
        if synsets:
            report(f"{name}: merged tuples and truth values", truths, len(items))


def unordered(matches: Any) -> list[Any]:
    """Tuples with truth values; the original's order of merged names is that of its hash tables."""
    return sorted((["/".join(sorted(name.split("/"))) for name in names], found) for names, found in matches)


def same(ours: float | None, theirs: float | None) -> bool:
    """Equal to 1e-9, or both undefined."""
    return ours is theirs is None or (ours is not None and theirs is not None and abs(ours - theirs) <= 1e-9)


def pair_scores(oracle: Path, name: str, parses: dict[str, list[RawTuple]]) -> None:
    """F of all categories of scored pairs, from the tuples of their captions."""
    kind = name.removeprefix("raw_")
    tokens = document(oracle / f"cocoeval_{kind}.json.gz")["tokens"]
    expected = document(oracle / "spice" / f"spice_{name}.json.gz")
    pairs = document(oracle / f"pairs_{kind}.json.gz")

    def parsed(caption: str) -> list[RawTuple]:
        return parses[" ".join((caption if name.startswith("raw_") else tokens[caption]).split())]

    inputs = [(parsed(pair["test"]), [parsed(reference) for reference in pair["refs"]]) for pair in pairs]
    start = time.perf_counter()
    found: list[SpiceScore] = [score(candidate, references) for candidate, references in inputs]
    seconds = time.perf_counter() - start
    equal = sum(
        all(
            same(result.categories[category].f, f)
            for category, f in expected["items"][str(pair["image_id"])].items()
        )
        for pair, result in zip(pairs, found, strict=True)
    )
    mean = means(found)["All"].f
    assert mean is not None
    off = 100 * abs(mean - expected["mean"])
    remark = f"mean {100 * mean:.4f}, off by {off:.1e}; {len(pairs) / seconds:,.0f} items a second"
    report(f"spice_{name}: F of all categories to 1e-9", equal, len(pairs), remark)


def main() -> None:
    """Prints one line a golden set."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("LLAVA_VSD_SHARED", "../shared")))
    oracle = parser.parse_args().data / "oracle"
    folder = oracle / "spice"
    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}, one process")
    synonyms(folder)
    for name in ("hand_trees", "random_trees"):
        trees(folder, name)
    tuple_scores(folder)
    for name in PARSES:
        pair_scores(oracle, name, captions(folder, f"parses_{name}"))
    for name in TRAIN:
        captions(folder, name)


if __name__ == "__main__":
    main()
