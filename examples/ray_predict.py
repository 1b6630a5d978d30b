"""Answers a large set of items with Ray Data, spread over the machines of a cluster: `vsd predict` on many servers.

Each worker is one engine that asks a server, for example the one on its own machine. Started again, it goes on with the
items that the output lacks.

    python examples/ray_predict.py items.jsonl --model openai:http://localhost:8000/v1#vsd \\
        --images /data/images --workers 8 -o predictions.jsonl

Needs `pip install "ray[data]"` beside llava-vsd, on every machine, and the pictures under the same path on each.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

import ray

from llava_vsd.data.images import ImageStore
from llava_vsd.inference.openai import Asking
from llava_vsd.jsonl import Appender, dump, read_rows
from llava_vsd.predict import load_engine
from llava_vsd.schema import Item, Prediction


class Worker:
    """An engine; answers a batch of items, as rows in JSON."""

    def __init__(self, model: str, images: str, concurrency: int) -> None:
        asking = Asking(pictures=bool(images), at_once=concurrency)
        self.engine = load_engine(model, images=ImageStore(images) if images else None, asking=asking)

    def __call__(self, batch: Mapping[str, Any]) -> dict[str, list[str]]:
        """Items as rows in JSON to predictions as rows in JSON."""
        items = [Item.model_validate_json(row) for row in batch["row"]]
        return {"row": [dump(prediction) for prediction in self.engine.predict(items)]}


def main() -> None:
    """Reads the command line and does the work."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("items", help="items.jsonl")
    options.add_argument("--model", required=True, help="as for vsd predict")
    options.add_argument("--images", default="", help="folder with the pictures; without it none are shown")
    options.add_argument("--workers", type=int, default=1, help="engines, spread over the machines")
    options.add_argument("--concurrency", type=int, default=16, help="items at a time, of each worker")
    options.add_argument("--batch", type=int, default=256, help="items that a worker takes at once")
    options.add_argument("-o", "--output", required=True, help="file for the predictions")
    chosen = options.parse_args()

    done: set[str] = set()
    with Appender(chosen.output, Prediction, lambda row: done.add(row.id)) as file:
        rows = [{"row": dump(item)} for item in read_rows(chosen.items, Item) if item.id not in done]
        answers = ray.data.from_items(
            rows, override_num_blocks=-(-len(rows) // chosen.batch) or 1
        ).map_batches(
            Worker,
            fn_constructor_args=(chosen.model, chosen.images, chosen.concurrency),
            compute=ray.data.ActorPoolStrategy(size=chosen.workers),
            batch_size=chosen.batch,
        )
        for answer in answers.iter_rows() if rows else ():
            file.append(Prediction.model_validate_json(answer["row"]))
    print(f"{len(done) + len(rows):,} predictions in {chosen.output}")


if __name__ == "__main__":
    main()
