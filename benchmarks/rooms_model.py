"""One model on the rooms tests: the table that says what it can do, beside what the names alone give away.

    python benchmarks/rooms_model.py MODEL --rooms DIR [--tests layouts,instances,pairs,names] [--full layouts]
                                     [--limit N] [--work FOLDER] [--options "--batch-size 4 ..."]

MODEL is what `vsd predict --model` takes. DIR holds val, test-layouts, test-instances, test-pairs and test-names, as
`vsd rooms` writes them, and train if the control is to learn from it, else it learns from val. The commands that a
user has do the work: `vsd predict`, `vsd calibrate` on val, `vsd evaluate`; what is in FOLDER already is not made
again. The tests of --full are asked under the probes too (four times as many answers) and scored with SPICE. Scores
are asked for as they are, without a temperature that a model ships with. --limit takes the first N items of each.
--options go to every `vsd predict`. Prints Markdown; docs/scores.md defines the figures.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import islice
from pathlib import Path
from typing import Any

from llava_vsd.data.probes import PROBES
from llava_vsd.evaluate import evaluate
from llava_vsd.inference import baseline
from llava_vsd.jsonl import read_rows, write_rows
from llava_vsd.metrics.calibration import probabilities, tempered
from llava_vsd.relations import RELATIONS
from llava_vsd.schema import Item, Prediction
from rooms import accuracies

VSD = [sys.executable, "-c", "from llava_vsd.cli import main; main()"]

TESTS = ("layouts", "instances", "pairs", "names")
REACH = {"layouts": (70, 85, 95), "instances": (60, 75, 88), "pairs": (60, 75, 88)}
"""What is to be reached: strict, at least; strict, aim; lenient, aim."""
ABOVE_NAMES = 40
NAMES_BELOW = 35

FIGURES = (
    ("task 2 states what task 1 answered", "task2.consistency", "90"),
    ("task 2 states the asked relation", "task2.relation_accuracy", ""),
    ("task 3: three distinct sentences", "task3.well_formed", "99"),
    ("swapped: the answer holds in that order", "probes.swap.accuracy_lenient", "90"),
    ("swapped: the converse of the first answer", "probes.swap.consistency", "90"),
    ("mirrored: left and right turn, the rest stays", "probes.mirror.consistency", "90"),
    ("of these, left and right turn", "probes.mirror.left_right", ""),
    ("of these, the rest stays", "probes.mirror.rest", ""),
    ("without pixels: strict", "probes.blank.accuracy", ""),
    ("without pixels: lenient", "probes.blank.accuracy_lenient", ""),
    ("calibration error, points", "task1.calibration_error", ""),
    ("calibration error at the temperature of val, points", "tempered.calibration_error", "under 5"),
    ("z1, micro F1", "z1.micro", ""),
    ("z1, macro F1", "z1.macro", ""),
    ("z2, best reference / corpus", "z2.best z2.corpus", ""),
    ("z3, best reference / corpus", "z3.best z3.corpus", ""),
    ("overall (micro F1), best reference / corpus", "overall.micro/best overall.micro/corpus", ""),
)
"""What is said of it, paths in `scores.json`, and what is to be reached."""


def vsd(*arguments: object) -> str:
    """Runs a command and returns what it printed; ends where it fails, after its own message."""
    done = subprocess.run([*VSD, *map(str, arguments)], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"{Path(__file__).name}: vsd {arguments[0]} ended with {done.returncode}")
    return done.stdout


def kept(file: Path, make: Callable[[], str]) -> Any:
    """The content of a JSON file, which `make` writes the first time."""
    if not file.exists():
        part = file.with_suffix(".part")
        part.write_text(make())
        part.replace(file)
    return json.loads(file.read_text())


@dataclass(frozen=True)
class Asked:
    """A model and the items of one split that it is asked."""

    model: str
    options: Sequence[str]
    pictures: Path
    folder: Path
    items: Sequence[Item]

    @property
    def answers(self) -> Path:
        """Its predictions."""
        return self.folder / "predictions.jsonl"

    def predict(self, *options: object, times: int = 1) -> tuple[int, float]:
        """Asks what is not answered yet, `times` the items in all; rows that were made, and seconds that it took."""
        before = _rows(self.answers)
        if before >= times * len(self.items):
            return 0, 0.0
        start = time.perf_counter()
        vsd(
            "predict", self.folder / "items.jsonl", "--model", self.model, "--images", self.pictures,
            "-o", self.answers, "--temperature", 1, *self.options, *options,
        )  # fmt: skip
        return _rows(self.answers) - before, time.perf_counter() - start

    def timed(self) -> str:
        """Seconds of the first answer with start-up, of each further one, and how many these were, as JSON.

        What a run that was killed has answered already is not timed.
        """
        first = 0.0 if _rows(self.answers) else self.predict("--shard", f"1/{len(self.items)}")[1]
        made, rest = self.predict()
        each = (rest - first) / (made - 1) if first and made > 1 else None
        return json.dumps({"first": first or None, "each": each, "further": made})

    def plain(self) -> list[Prediction]:
        """The answers to the items as they are."""
        return [row for row in read_rows(self.answers, Prediction) if row.probe is None]


def _rows(file: Path) -> int:
    return file.read_bytes().count(b"\n") if file.exists() else 0


def asked(rooms: Path, split: str, work: Path, given: argparse.Namespace) -> Asked:
    """The first items of a split, in a folder of their own."""
    folder = work / split
    folder.mkdir(parents=True, exist_ok=True)
    items = list(islice(read_rows(rooms / split / "items.jsonl", Item), given.limit))
    write_rows(folder / "items.jsonl", items)
    return Asked(given.model, shlex.split(given.options), rooms / split / "images", folder, items)


def at_temperature(rows: Sequence[Prediction], temperature: float) -> list[Prediction]:
    """The same answers, as sure as they are at this temperature."""
    changed = []
    for row in rows:
        relations = []
        for one in row.relations:
            scores = dict(zip(RELATIONS, tempered(probabilities(one.scores), temperature), strict=True))
            relations.append(one.model_copy(update={"scores": scores}))
        changed.append(row.model_copy(update={"relations": relations}))
    return changed


def scored(test: Asked, full: bool, temperature: float | None, cache: Path) -> dict[str, Any]:
    """The scores of a test, and what the temperature changes in them."""
    test.predict(*(("--probe", ",".join(PROBES)) if full else ()), times=1 + len(PROBES) * full)
    spice = ("--cache", cache) if full else ("--no-spice",)
    scores = kept(
        test.folder / ("scores-full.json" if full else "scores.json"),
        lambda: vsd("evaluate", test.folder / "items.jsonl", test.answers, "--json", *spice),
    )
    found: dict[str, Any] = dict(scores)
    if temperature is not None:
        found["tempered"] = evaluate(test.items, at_temperature(test.plain(), temperature), resamples=0)[
            "task1"
        ]
    return found


def figure(scores: dict[str, Any], paths: str) -> str:
    """The figures at these paths, a stroke between; a dash where there is none: not asked, or nothing to divide by."""
    try:
        values = [reduce(lambda tree, part: tree[part], path.split("."), scores) for path in paths.split()]
    except KeyError:
        return "–"
    return " / ".join(f"{value:.1f}" for value in values)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Prints a table in Markdown."""
    for row in (head, ["---"] * len(head), *rows):
        print(f"| {' | '.join(row)} |")
    print()


def report(found: dict[str, dict[str, Any]], names: dict[str, tuple[float, float]]) -> None:
    """Prints the tables."""
    rows = []
    for test, scores in found.items():
        low, high = scores["intervals"]["figures"]["task1.accuracy"]
        least, strict, lenient = (f"{part}" for part in REACH.get(test, ("", "", "")))
        above = scores["task1"]["accuracy"] - names[test][0]
        rows.append(
            [
                f"new {test}", f"{scores['items']:,}",
                f"{figure(scores, 'task1.accuracy')} ({low:.1f} to {high:.1f})", least, strict,
                figure(scores, "task1.accuracy_lenient"), lenient,
                f"{names[test][0]:.1f} / {names[test][1]:.1f}", f"{above:+.1f}",
            ]
        )  # fmt: skip
    head = ["test", "items", "strict (95 % interval)", "at least", "aim", "lenient", "aim"]
    table([*head, "names alone, strict / lenient", "points above names"], rows)
    if "layouts" in found:
        alone, strict = names["layouts"][0], found["layouts"]["task1"]["accuracy"]
        print(
            f"new layouts, names alone {alone:.1f} %, under {NAMES_BELOW} %: {_yes(alone < NAMES_BELOW)}; ",
            end="",
        )
        print(f"{strict - alone:+.1f} points, {ABOVE_NAMES} or more: {_yes(strict - alone >= ABOVE_NAMES)}\n")
    table(
        ["figure", "aim", *(f"new {test}" for test in found)],
        [
            [label, aim, *(figure(scores, paths) for scores in found.values())]
            for label, paths, aim in FIGURES
        ],
    )
    grammars = {scores["spice"]["name"] for scores in found.values() if "spice" in scores}
    if grammars:
        print(f"{', '.join(sorted(grammars))}; references {next(iter(found.values()))['references']}")


def _yes(holds: bool) -> str:
    return "yes" if holds else "no"


def measure(given: argparse.Namespace, work: Path) -> None:
    """Makes what is missing and prints it all."""
    settings = {"model": given.model, "limit": given.limit, "options": given.options}
    if kept(work / "settings.json", lambda: json.dumps(settings)) != settings:
        sys.exit(f"{work} was made with other settings than {settings}; expected another --work")
    tests = {test: asked(given.rooms, f"test-{test}", work, given) for test in given.tests}
    first, *_ = tests.values()
    times = kept(work / "times.json", first.timed)
    val = asked(given.rooms, "val", work, given)
    val.predict()
    temperature = None
    if all(answer.scores for row in val.plain() for answer in row.relations):
        fitted = kept(
            work / "temperature.json",
            lambda: vsd("calibrate", val.folder / "items.jsonl", val.answers, "--json"),
        )
        temperature = fitted["temperature"]
    found = {
        test: scored(one, test in given.full, temperature, work / "spice.sqlite")
        for test, one in tests.items()
    }
    control, source = work / "baseline.json", "train" if (given.rooms / "train").exists() else "val"
    if not control.exists():
        vsd("baseline", "fit", given.rooms / source / "items.jsonl", "-o", control)
    blind = baseline.load(control, "names")
    names = {test: accuracies(blind, one.items) for test, one in tests.items()}
    print(f"{given.model} {given.options}".strip())
    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(f"names alone: learned from {blind.model.items:,} items of {source}")
    if temperature is None:
        print("no probabilities: no calibration")
    else:
        print(f"temperature {temperature:.3g}, from {len(val.items):,} items of val")
    if times["first"]:
        print(f"start-up and one item {times['first']:.1f} s", end="")
        print(f"; {times['each']:.2f} s an item over {times['further']:,} more" if times["each"] else "")
    print()
    report(found, names)


def main() -> None:
    """Reads the arguments."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model")
    parser.add_argument("--rooms", type=Path, required=True)
    parser.add_argument("--tests", type=_tests, default=TESTS, metavar="NAMES")
    parser.add_argument("--full", type=_tests, default=("layouts",), metavar="NAMES")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--options", default="")
    given = parser.parse_args()
    given.rooms = given.rooms.resolve()
    if Path(given.model).is_dir():
        given.model = str(Path(given.model).resolve())
    if given.work:
        given.work.mkdir(parents=True, exist_ok=True)
        measure(given, given.work.resolve())
        return
    with tempfile.TemporaryDirectory() as scratch:
        measure(given, Path(scratch))


def _tests(text: str) -> tuple[str, ...]:
    names = tuple(name for name in text.split(",") if name)
    if not names or set(names) - set(TESTS):
        raise argparse.ArgumentTypeError(f"{text!r}, expected some of {','.join(TESTS)}")
    return names


if __name__ == "__main__":
    main()
