"""Time and memory of `vsd evaluate` on VSD test, start-up included, on one core.

    python benchmarks/evaluation.py --data DIR [--repeats 3]    # DIR holds vsdv1_test.json, vsdv2_test.json

The predictions are made: scores for every relation, right in half of the triples; sentences of the item, of another
item, and composed. Prints the best of the repeats, without and with 1,000 resamples, and with a comparison.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from build import measure

from llava_vsd.data.vsd import read_items
from llava_vsd.jsonl import write_rows
from llava_vsd.relations import RELATIONS
from llava_vsd.schema import Item, Prediction

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def predictions(items: list[Item], seed: int) -> Iterator[Prediction]:
    """One made prediction an item."""
    draw = random.Random(seed)
    for item in items:
        relations = []
        for triple in item.triples:
            right = draw.random() < 0.5
            weights = {name: draw.random() + 9 * (right and name == triple.relation) for name in RELATIONS}
            scores = {name: weight / sum(weights.values()) for name, weight in weights.items()}
            relations.append(
                {
                    "subject": triple.subject,
                    "object": triple.object,
                    "relation": max(scores, key=lambda name: scores[name]),
                    "scores": scores,
                }
            )
        pair, other = item.pair, draw.choice(items)
        texts = [
            f"the {pair.subject} is {relations[item.asked]['relation']} the {pair.object}.",
            draw.choice(item.descriptions_v1),
            draw.choice(item.descriptions_v2),
            draw.choice(other.descriptions_v1),
        ]
        yield Prediction(
            id=item.id,
            image=item.image,
            model="made",
            relations=relations,
            description=draw.choice(texts),
            descriptions=draw.sample(texts, 3),
        )


def main() -> None:
    """Makes predictions, evaluates, prints."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    os.environ |= ONE_THREAD
    if hasattr(os, "sched_setaffinity"):  # the children inherit it
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print(f"{platform.platform()}, one of {os.cpu_count()} cores, Python {platform.python_version()}")
    vsd = str(Path(sys.executable).with_name("vsd"))
    items = read_items(options.data / "vsdv1_test.json", options.data / "vsdv2_test.json")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_rows(folder / "items.jsonl", items)
        for seed, side in enumerate(("ours", "theirs")):
            write_rows(folder / f"{side}.jsonl", predictions(items, seed))
        command = [
            vsd,
            "evaluate",
            f"{folder}/items.jsonl",
            f"{folder}/ours.jsonl",
            "-o",
            f"{folder}/scores.json",
        ]
        for what, arguments in (
            ("without SPICE and intervals", ["--no-spice", "--no-intervals"]),
            ("with 1,000 resamples", ["--no-spice"]),
            ("with SPICE (captions grammar)", ["--grammar", "captions", "--no-intervals"]),
            (
                "with SPICE, resamples and a comparison",
                ["--grammar", "captions", "--compare", f"{folder}/theirs.jsonl"],
            ),
        ):
            wall, cpu, memory, _ = min(measure([*command, *arguments]) for _ in range(options.repeats))
            print(
                f"{len(items):,} items, {what}: best of {options.repeats}: "
                f"{wall:.2f} s ({cpu:.2f} s of processor), {memory:.0f} MiB peak"
            )


if __name__ == "__main__":
    main()
