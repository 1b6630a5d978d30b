"""Build time and peak memory on as many items as VSD train has, resampled from val.

    python benchmarks/build.py --data DIR [--items 20490] [--repeats 3]    # DIR holds vsdv1_val.json, vsdv2_val.json

Prints seconds (user + system time of one process, start-up included) and peak resident memory for the size asked for
and for a quarter of it: memory that does not grow with the items is constant.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def resample(source: Path, target: Path, places: list[int]) -> None:
    """Writes a VSD file with the entries at `places`, each with an image id of its own."""
    entries = json.loads(source.read_text("utf-8"))
    with target.open("w", encoding="utf-8") as file:
        for number, place in enumerate(places):
            row = json.dumps(entries[place] | {"img_id": f"{number}"}, ensure_ascii=False)
            file.write(("[" if number == 0 else ",\n") + row)
        file.write("]\n")


def measure(command: list[str]) -> tuple[float, float, float, str]:
    """Wall seconds, processor seconds, peak MiB and output of a command."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{command} failed with {process.returncode}")
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, output


def main() -> None:
    """Resamples, builds, prints."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--items", type=int, default=20_490)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    vsd = str(Path(sys.executable).with_name("vsd"))
    size = len(json.loads((options.data / "vsdv1_val.json").read_text("utf-8")))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for count in (options.items // 4, options.items):
            places = random.Random(0).choices(range(size), k=count)
            for version in ("v1", "v2"):
                resample(options.data / f"vsd{version}_val.json", folder / f"{version}_train.json", places)
            command = [vsd, "build", "--v1", f"{folder}/v1_train.json", "--v2", f"{folder}/v2_train.json"]
            for forms in ("", "llava,sharegpt,messages,openai"):
                runs = [
                    measure([*command, "-o", f"{folder}/out", "--format", forms])
                    for _ in range(options.repeats)
                ]
                wall, cpu, memory, output = min(runs)
                print(output.split(" in ")[0])
                print(
                    f"  forms {forms or 'none'}: best of {options.repeats}: "
                    f"{wall:.2f} s ({cpu:.2f} s of processor), {memory:.0f} MiB peak"
                )


if __name__ == "__main__":
    main()
