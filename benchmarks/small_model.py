"""Does the small model look at the picture? Trained on VSD val with stand-in pictures, and the same on blank ones.

    python benchmarks/small_model.py --data DIR [--work FOLDER] [--tasks classify]

DIR holds vsdv1_val.json and vsdv2_val.json. Everything is made by the commands that a user has: pictures by
recipes/small_model/shapes.py, a model by `vsd assemble`, tower.py, talk.py, `vsd train`, `vsd predict`, `vsd evaluate`.
What is in FOLDER already is not made again. Both runs start from one model, which was taught by random shapes; they
differ in the folder of pictures alone, and both answer the held-out items with the pictures that they learned from.
The baseline on boxes alone, learned from the same items, says how much there is to be seen.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RECIPE = ROOT / "recipes/small_model"
PICTURES = 80_000
"""Random pictures that the tower is shown."""
VSD = [sys.executable, "-c", "from llava_vsd.cli import main; main()"]


def step(made: Path, *command: object) -> None:
    """Runs a command unless what it makes is there; prints how long it took."""
    if made.exists():
        return
    start = time.perf_counter()
    subprocess.run([str(part) for part in command], check=True)
    print(
        f"{' '.join(str(part) for part in command[-3:])}: {time.perf_counter() - start:.0f} s",
        file=sys.stderr,
        flush=True,
    )


def filled(recipe: str, settings: Path, folders: dict[str, Path]) -> None:
    """Writes a configuration of the recipe with its folders filled in."""
    text = (RECIPE / recipe).read_text()
    for name, folder in folders.items():
        text = text.replace(name, str(folder))
    settings.write_text(text)


def answered(work: Path, name: str, *model: object) -> dict[str, Any]:
    """The scores of a model on the held-out items."""
    held, answers, scores = (work / file for file in ("held/items.jsonl", f"{name}.jsonl", f"{name}.json"))
    step(answers, *VSD, "predict", held, *model, "-o", answers)
    step(scores, *VSD, "evaluate", held, answers, "--no-spice", "-o", scores)
    found: dict[str, Any] = json.loads(scores.read_text())
    return found


def score(work: Path, pictures: str, start: Path, tasks: list[str]) -> dict[str, float]:
    """Trains on one folder of pictures and scores the held-out items; figures in per cent."""
    run, settings = work / f"run-{pictures}", work / f"{pictures}.yaml"
    data = work / "fit" / "learned.jsonl"
    lines = (work / "fit/conversations.jsonl").read_text().splitlines()
    data.write_text("".join(f"{line}\n" for line in lines if json.loads(line)["task"] in tasks))
    filled(
        "shapes.yaml",
        settings,
        {
            "DIR/fit/conversations.jsonl": data,
            "DIR/images": work / pictures,
            "DIR/run": run,
            "START": start,
        },
    )
    step(run / "vsd/README.md", *VSD, "train", settings)
    merged = work / f"merged-{pictures}"
    step(merged, *VSD, "merge", run / "vsd", "-o", merged)
    found = answered(work, pictures, "--model", merged, "--images", work / pictures)
    return {"relation": found["task1"]["accuracy"], "sentence": found["task2"]["relation_accuracy"]}


def main() -> None:
    """Makes what is missing and prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--tasks", default="classify", help="Tasks to learn, with commas between.")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        work = (chosen.work or Path(scratch)).resolve()
        v1, v2 = chosen.data / "vsdv1_val.json", chosen.data / "vsdv2_val.json"
        step(work / "held_v2.json", sys.executable, RECIPE / "shapes.py", "--v1", v1, "--v2", v2, "-o", work)
        for part in ("fit", "held"):
            parts = ("--v1", work / f"{part}_v1.json", "--v2", work / f"{part}_v2.json")
            step(work / part, *VSD, "build", *parts, "--split", "val", "-o", work / part)
        new, taught, start = work / "new", work / "taught", work / "start"
        sizes = ("--image-size", 112, "--patch-size", 16)
        step(new, *VSD, "assemble", "--vision", "clip-tiny", *sizes, "--language", "small", "-o", new)
        teach = (RECIPE / "tower.py", new, "--scenes", "shapes", "--pictures", PICTURES)
        step(taught, sys.executable, *teach, "-o", taught)
        talk = ("--scenes", "shapes", "-o", work / "talk")
        step(work / "talk/talk.jsonl", sys.executable, RECIPE / "talk.py", *talk)
        filled(
            "shapes_talk.yaml",
            work / "talk.yaml",
            {"DIR/talk-run": work / "talk-run", "DIR/talk": work / "talk", "TAUGHT": taught},
        )
        step(work / "talk-run/instruct/README.md", *VSD, "train", work / "talk.yaml")
        step(start, *VSD, "merge", work / "talk-run/instruct", "-o", start)
        tasks = chosen.tasks.split(",")
        found = {pictures: score(work, pictures, start, tasks) for pictures in ("images", "blank")}
        boxes = work / "boxes.model"
        step(boxes, *VSD, "baseline", "fit", work / "fit/items.jsonl", "-o", boxes)
        known = answered(work, "boxes", "--model", f"baseline:{boxes}#boxes")["task1"]["accuracy"]
        items = sum(1 for _ in (work / "held/items.jsonl").open())
    print(f"{platform.machine()}, {items} held-out items, learned: {', '.join(tasks)}\n")
    print("| pictures | relation chosen, % | relation stated in the sentence, % |\n|---|---|---|")
    for pictures, figures in found.items():
        print(f"| {pictures} | {figures['relation']:.1f} | {figures['sentence']:.1f} |")
    print(f"| boxes alone (baseline) | {known:.1f} | |")
    print(
        f"\ndifference: {found['images']['relation'] - found['blank']['relation']:.1f} points of the relation"
    )


if __name__ == "__main__":
    main()
