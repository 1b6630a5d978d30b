"""How far names and boxes go: the baseline fitted on VSD val and tested on VSD test, on one core.

    python benchmarks/baseline.py --data DIR [--spice original]

DIR holds vsdv1_val.json, vsdv2_val.json, vsdv1_test.json and vsdv2_test.json.

Prints accuracy, log loss and calibration error of task 1, from nothing (the majority), names, boxes and both, over
the first triple of each item and over all; the scores of all tasks, from the predicted and from the gold relation; and
time, size and rate. Nothing here chose anything: cross-validation on val did.
"""

from __future__ import annotations

import argparse
import platform
import tempfile
import time
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from llava_vsd.data.vsd import read_items
from llava_vsd.evaluate import evaluate
from llava_vsd.inference.baseline import FEATURES, Summary, fit, load
from llava_vsd.inference.baseline.phrases import Pair
from llava_vsd.inference.engine import Engine
from llava_vsd.metrics.spice.pipeline import Spice
from llava_vsd.relations import RELATIONS
from llava_vsd.schema import Item, Prediction


def row(name: str, found: Summary) -> str:
    """A line of a table of relations."""
    return f"| {name} | {100 * found.accuracy:.2f} | {found.log_loss:.4f} | {100 * found.calibration_error:.2f} |"


def task1(known: list[Item], asked: list[Item], predictions: dict[str, list[Prediction]]) -> None:
    """Prints the table of relations."""
    labels = np.array([RELATIONS.index(one.relation) for item in asked for one in item.triples])
    first = np.cumsum([0, *(len(item.triples) for item in asked[:-1])])
    learned = [RELATIONS.index(one.relation) for item in known for one in item.triples]
    shares = np.bincount(learned, minlength=len(RELATIONS)) / len(learned)
    tables = {"nothing (majority)": np.tile(shares, (len(labels), 1))}
    for features, rows in predictions.items():
        tables[features] = np.array(
            [[one.scores[name] for name in RELATIONS] for row in rows for one in row.relations]
        )
    for what, places in (("first triples", first), ("all triples", np.arange(len(labels)))):
        print(f"\n| task 1, {len(places):,} {what} | accuracy % | log loss (nats) | calibration error % |")
        print("|---|---|---|---|")
        for features, table in tables.items():
            print(row(features, Summary.of(table[places], labels[places])))


FIGURES = {
    "F1 micro": ("task1", "f1_micro"),
    "F1 macro": ("task1", "f1_macro"),
    "BLEU-4 best": ("task2", "bleu4_best"),
    "BLEU-4 corpus": ("task2", "bleu4_corpus"),
    "SPICE best, task 2": ("task2", "spice_best"),
    "SPICE corpus, task 2": ("task2", "spice_corpus"),
    "states the relation": ("task2", "relation_accuracy"),
    "mBLEU-4": ("task3", "mbleu4"),
    "SPICE best, task 3": ("task3", "spice_best"),
    "SPICE corpus, task 3": ("task3", "spice_corpus"),
    "all three state it": ("task3", "relation_accuracy"),
    "z2 best": ("z2", "best"),
    "z2 corpus": ("z2", "corpus"),
    "z3 best": ("z3", "best"),
    "z3 corpus": ("z3", "corpus"),
    "overall micro/best": ("overall", "micro/best"),
    "overall micro/corpus": ("overall", "micro/corpus"),
    "overall macro/best": ("overall", "macro/best"),
    "overall macro/corpus": ("overall", "macro/corpus"),
}


def all_tasks(asked: list[Item], variants: dict[str, list[Prediction]], spice: Spice | None) -> None:
    """Prints the scores of all tasks against v1; SPICE, and what needs it, where it is wanted."""
    scores = {name: evaluate(asked, rows, resamples=0, spice=spice) for name, rows in variants.items()}
    print(f"\n| v1 test, {spice.name if spice else 'without SPICE'} | {' | '.join(scores)} |")
    print(f"|---|{'---|' * len(scores)}")
    for figure, (part, name) in FIGURES.items():
        found = [one.get(part, {}).get(name) for one in scores.values()]
        if None not in found:
            print(f"| {figure} | {' | '.join(f'{value:.2f}' for value in found)} |")


def answer(engine: Engine, asked: list[Item]) -> tuple[list[Prediction], float]:
    """The predictions, and how many it made in a second."""
    start, size = time.perf_counter(), engine.batch_size
    rows = [row for at in range(0, len(asked), size) for row in engine.predict(asked[at : at + size])]
    return rows, len(rows) / (time.perf_counter() - start)


def main() -> None:
    """Fits, predicts, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--spice", metavar="GRAMMAR", help="compute SPICE too: original, captions or a file")
    arguments = parser.parse_args()
    spice = Spice(arguments.spice) if arguments.spice else None
    known, asked = (
        read_items(arguments.data / f"vsdv1_{split}.json", arguments.data / f"vsdv2_{split}.json")
        for split in ("val", "test")
    )
    with threadpool_limits(1), tempfile.TemporaryDirectory() as folder:
        start, processor = time.perf_counter(), time.process_time()
        model, validation = fit(known, seed=arguments.seed)
        wall, busy = time.perf_counter() - start, time.process_time() - processor
        path = Path(folder) / "vsd.json"
        model.save(path)
        predictions, rate = {}, 0.0
        for features in FEATURES:
            predictions[features], rate = answer(load(path, features), asked)
        size = path.stat().st_size
        told = model.sentences.compose(
            [Pair(item.pair.subject, item.pair.object, item.pair.relation) for item in asked],
            model.relation.vectors,
        )
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}, one core")
    print(
        f"fit on {len(known):,} items: {wall:.1f} s ({busy:.1f} s of processor time); file {size / 1e6:.1f} MB"
    )
    print(f"predict: {rate:,.0f} items a second")
    print("\n| cross-validation on val | accuracy % | log loss (nats) | calibration error % |")
    print("|---|---|---|---|")
    for features, found in validation.summaries().items():
        print(row(features, found))
    task1(known, asked, predictions)
    gold = [
        row.model_copy(
            update={
                "description": one,
                "descriptions": three,
                "relations": [
                    answer.model_copy(update={"relation": triple.relation, "scores": {}})
                    for answer, triple in zip(row.relations, item.triples, strict=True)
                ],
            }
        )
        for row, item, (one, three) in zip(predictions["both"], asked, told, strict=True)
    ]
    all_tasks(asked, {**predictions, "gold relation": gold}, spice)


if __name__ == "__main__":
    main()
