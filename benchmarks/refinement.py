"""What `vsd refine` buys on VSD v1 test, from the baseline's predictions: the tables of docs/refine.md.

The baseline is fitted on val and answers test. It already keeps its three sentences apart, so a second set of
predictions is made as a model without that care would answer: the two descriptions that it likes best, whatever
they share. Rules refine all rows; a text model, if one is named, a sample.

    python benchmarks/refinement.py --data DIR [--model small --sample 300] [--spice original] [-o FOLDER]
"""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from threadpoolctl import threadpool_limits

from llava_vsd.cli import main as vsd
from llava_vsd.inference import baseline
from llava_vsd.inference.baseline.phrases import Pair
from llava_vsd.inference.baseline.templates import fill
from llava_vsd.jsonl import read_rows, write_rows
from llava_vsd.schema import Item, Prediction


def without_care(
    items: Sequence[Item], predictions: Sequence[Prediction], model_file: Path
) -> Iterator[Prediction]:
    """The predictions with the two best descriptions as second and third sentence."""
    model = baseline.load(model_file, "both").model
    for item, row in zip(items, predictions, strict=True):
        answer = row.relations[item.asked]
        pair = Pair(answer.subject, answer.object, answer.relation)
        phrases = model.sentences.phrases[pair.relation]
        with threadpool_limits(1):
            ((best, _),) = phrases.rank([pair], model.relation.vectors, model.sentences.uncounted)
        said = [f"{fill(template, pair.subject, pair.object)}." for template in best[:2]]
        yield row.model_copy(update={"descriptions": [row.descriptions[0], *said]})


def main() -> None:
    """Reads the options, and keeps the files where asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with vsdv1_val.json, vsdv2_val.json, ..._test.json"
    )
    parser.add_argument("--model", default="", help="text model of the sample; default: rules alone")
    parser.add_argument("--sample", type=int, default=300, help="items that the text model gets")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument(
        "--spice", default="", help="grammar; default: the original where it has been fetched"
    )
    parser.add_argument("-o", "--output", type=Path, help="folder that keeps everything")
    options = parser.parse_args()
    print(f"{platform.machine()}, Python {platform.python_version()}")
    with TemporaryDirectory() as scratch:
        folder = options.output or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        run(options, folder)


def run(options: argparse.Namespace, folder: Path) -> None:
    """Makes both sets of predictions and their ablations."""
    for split, more in (("val", []), ("test", ["--items-only"])):
        files = [f"--v{kind}={options.data / f'vsdv{kind}_{split}.json'}" for kind in (1, 2)]
        command("build", *files, "--split", split, "-o", str(folder / split), *more)
    items, model = folder / "test" / "items.jsonl", folder / "baseline.json"
    command("baseline", "fit", str(folder / "val" / "items.jsonl"), "-o", str(model))
    apart, alike = folder / "apart.jsonl", folder / "alike.jsonl"
    command("predict", str(items), "--model", f"baseline:{model}", "-o", str(apart), "--overwrite")
    asked = list(read_rows(items, Item))
    write_rows(alike, without_care(asked, list(read_rows(apart, Prediction)), model))
    for predictions in (apart, alike):
        common = [str(items), str(predictions), "--spice-cache", str(folder / "spice.sqlite")]
        common += ["--grammar", options.spice] if options.spice else []
        command("ablate", *common, "--model", "rules", "-o", str(folder / f"{predictions.stem}-rules.json"))
        if options.model:
            sample = ["--model", options.model, "--sample", str(options.sample)]
            sample += ["--batch-size", str(options.batch_size)]
            command("ablate", *common, *sample, "-o", str(folder / f"{predictions.stem}-model.json"))


def command(*arguments: str) -> None:
    """Runs `vsd` and stops if it fails."""
    print(f"\n$ vsd {' '.join(arguments)}", flush=True)
    try:
        vsd(list(arguments))
    except SystemExit as end:
        if end.code:
            sys.exit(end.code)


if __name__ == "__main__":
    main()
