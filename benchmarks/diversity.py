"""What diverse decoding does to task 3: one sentence after the other, against the best of several under a penalty.

    python benchmarks/diversity.py MODEL ITEMS IMAGES [--count 300] [--candidates 4] [--penalties 0 1 3]

MODEL is a checkpoint or an adapter, as for `vsd predict`; ITEMS an items.jsonl with descriptions; IMAGES the folder
with the pictures. All ways answer the same items with the same model: greedy; the best of so many drawn answers, and
with --beams the best of so many beams, under each penalty for 4-grams that the three sentences share
(`--overlap-penalty` of `vsd predict`). Printed are mBLEU-4 and relation accuracy of the three sentences, SPICE against
--references, the share of answers with three sentences, and seconds for all three tasks.
"""

from __future__ import annotations

import argparse
import platform
import random
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import torch

from llava_vsd.data.images import ImageStore
from llava_vsd.evaluate import evaluate
from llava_vsd.inference.settings import Decoding, Settings
from llava_vsd.inference.transformers import Transformers
from llava_vsd.jsonl import read_rows
from llava_vsd.metrics.spice.pipeline import Spice
from llava_vsd.model.load import load
from llava_vsd.schema import SENTENCES, Item

FIGURES = ("mbleu4", "spice_best", "spice_corpus", "relation_accuracy")


def ways(options: argparse.Namespace) -> Iterator[tuple[str, Decoding]]:
    """Ways to decode, with their names; greedy first."""
    count = options.candidates
    yield "greedy", Decoding()
    for penalty in options.penalties:
        drawn = Decoding(
            sample=options.sample, top_p=options.top_p, candidates=count, overlap_penalty=penalty
        )
        yield f"best of {count} drawn, penalty {penalty:g}", drawn
    for penalty in options.penalties if options.beams else ():
        yield (
            f"best of {count} beams, penalty {penalty:g}",
            Decoding(beams=count, candidates=count, overlap_penalty=penalty),
        )


def main() -> None:
    """Prints a row for each way."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model")
    parser.add_argument("items", type=Path)
    parser.add_argument("images", type=Path)
    parser.add_argument("--count", type=int, default=300, help="items, drawn by chance; 0 for all")
    parser.add_argument("--candidates", type=int, default=4)
    parser.add_argument("--penalties", type=float, nargs="+", default=[0.0, 1.0, 3.0])
    parser.add_argument("--sample", type=float, default=0.7, help="temperature")
    parser.add_argument("--top-p", type=float, default=0.9)
    parser.add_argument("--beams", action="store_true", help="beams too, which take longer")
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--max-tokens", type=int, help="of an answer; default: as vsd predict")
    parser.add_argument("--references", default="v1", choices=("v1", "v2", "both"))
    parser.add_argument(
        "--spice", default="", help="grammar; default: the original where it has been fetched"
    )
    options = parser.parse_args()
    items = list(read_rows(options.items, Item))
    if 0 < options.count < len(items):
        items = random.Random(0).sample(items, options.count)
    store, spice = ImageStore(options.images), Spice(options.spice)
    store.require(item.image for item in items)
    loaded = load(options.model, dtype=options.dtype, device=options.device)
    print(
        f"{platform.machine()}, {torch.get_num_threads()} threads, {loaded.model.device}, {loaded.model.dtype}: "
        f"{len(items):,} items, {options.references} references, SPICE with {spice.name}"
    )
    print("| way | mBLEU-4 | SPICE best | SPICE corpus | relation accuracy | three sentences, % | seconds |")
    print("|---|---|---|---|---|---|---|")
    for name, decoding in ways(options):
        settings = Settings(batch_size=options.batch_size, max_tokens=options.max_tokens, decoding=decoding)
        engine = Transformers(options.model, store, settings, loaded=loaded)
        start = perf_counter()
        rows = list(engine.predict(items))
        seconds = perf_counter() - start
        found = evaluate(items, rows, references=options.references, spice=spice, resamples=0)["task3"]
        whole = 100 * sum(len(row.descriptions) == SENTENCES for row in rows) / len(rows)
        figures = " | ".join(f"{found[figure]:.2f}" for figure in FIGURES)
        print(f"| {name} | {figures} | {whole:.1f} | {seconds:.0f} |", flush=True)


if __name__ == "__main__":
    main()
