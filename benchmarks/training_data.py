"""How fast conversations are indexed and rows are made, and in how much memory: docs/training.md.

    python benchmarks/training_data.py --v1 vsdv1_val.json --v2 vsdv2_val.json --times 7

takes the conversations of val that often, about blank pictures of 500 x 375 pixels, with the tokenizer and
template of a tiny LLaVA (its tokenizer has few merges, so that texts are more tokens than with a published one).
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from torch.utils.data import DataLoader

from llava_vsd.config import Config
from llava_vsd.data.build import conversations
from llava_vsd.data.vsd import VsdFiles
from llava_vsd.jsonl import write_rows
from llava_vsd.schema import Conversation, Item
from llava_vsd.train.data import Rows, index
from llava_vsd.train.ready import get_ready

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from tiny_models import tiny


def main() -> None:
    """Prints conversations a second, rows a second, and the peak memory of this process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--v1", type=Path, required=True)
    parser.add_argument("--v2", type=Path, required=True)
    parser.add_argument("--times", type=int, default=7)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--rows", type=int, default=100)
    chosen = parser.parse_args()
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "images").mkdir()
        Image.new("RGB", (500, 375), (90, 120, 150)).save(folder / "one.jpg")
        items = list(VsdFiles(chosen.v1, chosen.v2).items())
        count = write_rows(folder / "data.jsonl", _repeated(items, chosen.times, folder))
        model, processor = tiny("llava-clip-vicuna")
        model.save_pretrained(folder / "model")
        processor.save_pretrained(folder / "model")
        del model
        config = Config.model_validate(
            {
                "model": str(folder / "model"),
                "output": folder / "out",
                "images": [folder / "images"],
                "stages": [{"data": [folder / "data.jsonl"]}],
            }
        )
        ready = get_ready(config, config.stages[0], config.model, folder)
        before = _memory()
        begun = time.perf_counter()
        known = index(ready.files, ready.samples, workers=chosen.workers)
        taken = time.perf_counter() - begun
        print(f"index: {count:,} conversations, {count / taken:,.0f} a second with {chosen.workers} workers")
        begun = time.perf_counter()
        plan = ready.plan(known, 1)
        print(f"plan: {plan.steps:,} steps in {time.perf_counter() - begun:.1f} s")
        rows = Rows(known, plan, ready.samples, ready.model_config, 0)
        loader = DataLoader(rows, batch_size=None, num_workers=chosen.workers, prefetch_factor=4)
        begun, seen = time.perf_counter(), 0
        for seen, _ in enumerate(loader, 1):
            if seen == chosen.rows:
                break
        taken = time.perf_counter() - begun
        print(f"rows: {seen / taken:.1f} steps of 16 conversations a second with {chosen.workers} workers")
        print(f"memory: {before:.0f} MiB before, {_memory():.0f} MiB at its peak")


def _repeated(items: list[Item], times: int, folder: Path) -> Iterator[Conversation]:
    """The items' conversations that often, each time about pictures of their own."""
    for again in range(times):
        for number, item in enumerate(items):
            image = f"{again * len(items) + number + 1}"
            (folder / f"images/{image}.jpg").hardlink_to(folder / "one.jpg")
            for row in conversations(item):
                yield row.model_copy(update={"id": f"{row.id}/{again}", "image": image})


def _memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
