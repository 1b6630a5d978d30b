"""How fast rooms are made and what is refused; how far names and boxes go without the pictures.

    python benchmarks/rooms.py speed --furniture PACKAGE_OR_FOLDER [--count 300]
    python benchmarks/rooms.py controls --train DIR --tests DIR DIR ...

`speed` prints accepted pictures a second of processor time of one process, start-up and the encoding of the pictures
apart. `controls` fits the baseline on the items of one folder of `vsd rooms`, and prints for each of the others the
share of items whose asked relation it gives (strict), and any that holds (lenient).
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from llava_vsd.evaluate import evaluate
from llava_vsd.inference import baseline
from llava_vsd.jsonl import read_rows
from llava_vsd.relations import RELATIONS
from llava_vsd.rooms.annotate import Annotator
from llava_vsd.rooms.make import Maker
from llava_vsd.rooms.produce import open_catalogue
from llava_vsd.schema import Item


def speed(furniture: str, count: int) -> None:
    """Makes pictures of the train split and prints the rate and the reasons of refusal."""
    catalogue = open_catalogue(furniture)
    maker, annotator = Maker(catalogue, "train", 0), Annotator(catalogue, "train", 0)
    warm = count // 4  # compiles the loops and reads most models
    refused: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    size = start = wall = 0.0
    for number in range(warm + count):
        if number == warm:
            refused.clear()
            asked.clear()
            size, start, wall = 0.0, time.process_time(), time.perf_counter()
        shot = maker.make(number)
        annotator.item(number, shot)
        size += len(shot.jpeg()) / 1024
        refused += shot.refused
        asked[shot.wish.relation] += 1
    seconds = time.process_time() - start
    print(f"{count / seconds:.1f} accepted pictures a second of processor time", end="")
    print(f" ({1000 * seconds / count:.0f} ms each; {size / count:.0f} KiB each)")
    print(f"wall clock: {count / (time.perf_counter() - wall):.1f} a second")
    total = sum(refused.values())
    placed = total - refused["no place"] - refused["hidden"] - refused["no camera"]
    print(f"{count:,} accepted; before drawing no place, camera or view was found {total - placed:,} times")
    print(
        f"of {count + placed:,} finished scenes the checker refused {100 * placed / (count + placed):.1f} %:"
    )
    for reason, number in refused.most_common():
        print(f"    {reason}: {number:,}")
    print("asked:", ", ".join(f"{name} {100 * asked[name] / count:.1f} %" for name in RELATIONS))


def accuracies(engine: baseline.Baseline, items: Sequence[Item]) -> tuple[float, float]:
    """The accuracy of a control on some rooms, strict and lenient, in %."""
    task1 = evaluate(items, engine.predict(items), resamples=0)["task1"]
    return task1["accuracy"], task1["accuracy_lenient"]


def controls(train: Path, tests: list[Path]) -> None:
    """Fits on one folder, prints the others."""
    learned = list(read_rows(train / "items.jsonl", Item))
    model, _ = baseline.fit(learned)
    print(f"learned from {len(learned):,} items; strict / lenient, %")
    print("| test | items | most frequent relation | names | boxes | both |\n|---|---|---|---|---|---|")
    for test in tests:
        items = list(read_rows(test / "items.jsonl", Item))
        common = Counter(item.pair.relation for item in learned).most_common(1)[0][0]
        row = [f"{100 * sum(item.pair.relation == common for item in items) / len(items):.1f}"]
        for seen in baseline.FEATURES:
            strict, lenient = accuracies(baseline.Baseline(model, seen), items)
            row.append(f"{strict:.1f} / {lenient:.1f}")
        print(f"| {test.name} | {len(items):,} | {' | '.join(row)} |")


def main() -> None:
    """Reads the arguments."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = parser.add_subparsers(dest="what", required=True)
    fast = what.add_parser("speed")
    fast.add_argument("--furniture", default="")
    fast.add_argument("--count", type=int, default=300)
    far = what.add_parser("controls")
    far.add_argument("--train", type=Path, required=True)
    far.add_argument("--tests", type=Path, nargs="+", required=True)
    given = parser.parse_args()
    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    if given.what == "speed":
        speed(given.furniture, given.count)
    else:
        controls(given.train, given.tests)


if __name__ == "__main__":
    main()
