"""The parser of SPICE against the original's trees, and its speed, on whole sets of captions.

    python benchmarks/spice_parser.py --reference DIR [--processes 1,2] [--captions 4984]

DIR holds `oracle/spice/` with englishPCFG.ser.gz and parses_*.jsonl.gz. Prints: how many trees (of raw captions: tags)
are the original's; captions a second by number of processes, over distinct captions of COCO and of VSD, the lexicon's
cache cold and everything compiled; the same for one process that computes whole charts; time to the first tree with and
without machine code on disk; peak memory of a process.
"""

from __future__ import annotations

import argparse
import gzip
import json
import multiprocessing
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from llava_vsd.metrics.spice.grammar import Grammar
from llava_vsd.metrics.spice.locate import fetch_grammar, kept_grammar
from llava_vsd.metrics.spice.pcfg import Parser

SETS = ("coco_a", "val", "raw_coco_a", "raw_val")
FIRST_TREE = """
import sys, time
start = time.perf_counter()
from pathlib import Path
from llava_vsd.metrics.spice.grammar import Grammar
from llava_vsd.metrics.spice.pcfg import Parser
Parser(Grammar.load(Path(sys.argv[1]))).parse(["a", "dog"])
print(time.perf_counter() - start)
"""


def rows(reference: Path, name: str) -> list[dict[str, Any]]:
    """The entries of one set."""
    with gzip.open(reference / f"oracle/spice/parses_{name}.jsonl.gz", "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def agreement(parser: Parser, entries: list[dict[str, Any]]) -> tuple[int, int]:
    """How many sentences have the original's tree, or its tags where there is no tree; and how many there are."""
    equal = total = 0
    for entry in entries:
        trees = entry.get("tree", [None] * len(entry["s"]))
        for words, tree in zip(entry["s"], trees, strict=True):
            found = parser.parse([word[0] for word in words])
            tags = [(leaf.word, leaf.label) for leaf in found.leaves()]
            same = str(found) == tree if tree else tags == [(word[0], word[1]) for word in words]
            equal, total = equal + same, total + 1
    return equal, total


def timed(work: tuple[list[list[str]], bool, Any]) -> tuple[float, float, float]:
    """Parses sentences in this process once all are ready: seconds by the clock, of the processor; peak MiB."""
    sentences, prune, ready = work
    parser = Parser(Grammar.load(kept_grammar()), prune=prune)
    parser.parse(["a", "dog"])
    ready.wait()
    start, used = time.perf_counter(), time.process_time()
    for words in sentences:
        parser.parse(words)
    return time.perf_counter() - start, time.process_time() - used, peak_memory()


def peak_memory() -> float:
    """The most memory that this process has held, MiB (getrusage would count what its parent held before exec)."""
    status = Path("/proc/self/status").read_text("ascii")
    return float(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) / 1024


def speed(name: str, sentences: list[list[str]], processes: int, prune: bool = True) -> None:
    """Measures and prints one line."""
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, context.Pool(processes) as pool:
        ready = manager.Barrier(processes)
        shares = [(sentences[start::processes], prune, ready) for start in range(processes)]
        found = pool.map(timed, shares, chunksize=1)
    wall = max(seconds for seconds, _, _ in found)
    cpu = sum(seconds for _, seconds, _ in found)
    peak = max(size for _, _, size in found)
    how = "pruned exactly" if prune else "whole charts"
    print(
        f"{name:8} {processes} process(es), {how}: {len(sentences) / wall:6.0f} captions/s by the clock, "
        f"{len(sentences) / cpu:6.0f} per processor second; peak {peak:.0f} MiB a process"
    )


def main() -> None:
    """Parses all, prints."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--reference", type=Path, required=True)
    options.add_argument("--processes", default="1,2")
    options.add_argument("--captions", type=int, default=4984, help="distinct captions to time")
    chosen = options.parse_args()
    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["LLAVA_VSD_CACHE"] = folder
        fetch_grammar(chosen.reference / "oracle/spice/englishPCFG.ser.gz")
        command = [sys.executable, "-c", FIRST_TREE, str(kept_grammar())]
        for state in ("nothing compiled", "compiled before"):
            environment = os.environ | {"NUMBA_CACHE_DIR": f"{folder}/code"}
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
            print(f"from start to first tree, {state}: {float(done.stdout):.1f} s")
        for name in ("coco_a", "val"):
            captions = list(dict.fromkeys(entry["c"] for entry in rows(chosen.reference, name)))
            sentences = [caption.split(" ") for caption in captions[: chosen.captions]]
            for processes in map(int, chosen.processes.split(",")):
                speed(name, sentences, processes)
            speed(name, sentences, 1, prune=False)
        parser = Parser(Grammar.load(kept_grammar()))
        for name in SETS:
            equal, total = agreement(parser, rows(chosen.reference, name))
            print(f"{name:12} {'tags' if 'raw' in name else 'trees'} equal: {equal} of {total} sentences")


if __name__ == "__main__":
    main()
