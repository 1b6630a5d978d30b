"""How long `vsd --help` takes, start of Python included, beside a Python that does nothing.

python benchmarks/startup.py [--repeats 20]    # the Python of an environment in which the package is installed
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path


def seconds(command: list[str]) -> float:
    """Wall time of a command."""
    start = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def main() -> None:
    """Runs both in turn and prints median and slowest."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=20)
    repeats = parser.parse_args().repeats
    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    commands = {
        "vsd --help": [str(Path(sys.executable).with_name("vsd")), "--help"],
        "python -c pass": [sys.executable, "-c", "pass"],
    }
    runs = [{name: seconds(command) for name, command in commands.items()} for _ in range(repeats + 1)]
    for name in commands:
        times = [run[name] for run in runs[1:]]  # the first one fills the disk's cache
        print(f"{name}: median {statistics.median(times):.3f} s, slowest {max(times):.3f} s of {repeats}")


if __name__ == "__main__":
    main()
