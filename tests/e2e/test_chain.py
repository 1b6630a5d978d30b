"""The whole way by the commands: build, train a few steps, predict, calibrate, refine, evaluate."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from llava_vsd.data.images import image_key
from llava_vsd.jsonl import read_rows
from llava_vsd.metrics.calibration import probabilities
from llava_vsd.schema import Item, Prediction
from stand_ins import checkpoint, vsd

SAMPLE = Path(__file__).parents[2] / "examples" / "vsd"


def draw_pictures(items: list[Item], folder: Path) -> None:
    """Noise for each picture; what the chain learns of it is nothing, and need not be more."""
    folder.mkdir()
    for number, item in enumerate(items):
        pixels = np.random.default_rng(number).integers(0, 256, (48, 64, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{image_key(item.image)}.png")


def test_from_the_files_of_vsd_to_scores(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.set_num_threads(1)
    fit, test = tmp_path / "fit", tmp_path / "test"
    for name, folder in (("fit", fit), ("score", test)):
        files = ("--v1", SAMPLE / f"vsdv1_{name}.json", "--v2", SAMPLE / f"vsdv2_{name}.json")
        assert vsd("build", *files, "--split", "val", "-o", folder) == 0
    items = list(read_rows(test / "items.jsonl", Item))[:12]
    (test / "items.jsonl").write_text("".join(item.model_dump_json() + "\n" for item in items), "utf-8")
    images = tmp_path / "images"
    draw_pictures([*read_rows(fit / "items.jsonl", Item), *items], images)

    run = tmp_path / "run.yaml"
    run.write_text(
        f"model: {checkpoint(tmp_path / 'model', 'llava-next-vicuna')}\noutput: {tmp_path / 'out'}\n"
        f"images: [{images}]\ndtype: float32\nworkers: 0\nstages:\n  - stage: vsd\n    max_steps: 6\n"
        f"    data: [{fit / 'conversations.jsonl'}]\n    batch_conversations: 16\n    row_tokens: 2000\n"
        "    max_tokens: 2000\n    learning_rate: 2e-2\n    connector_learning_rate: 1e-2\n"
        "    lora: {rank: 8, alpha: 16}\n",
        encoding="utf-8",
    )
    assert vsd("train", run) == 0
    adapter = tmp_path / "out" / "vsd"

    said, refined = tmp_path / "predictions.jsonl", tmp_path / "refined.jsonl"
    asking = ("predict", test / "items.jsonl", "--images", images, "--max-tokens", 40, "--probe", "swap")
    assert vsd(*asking, "--model", adapter, "-o", said) == 0
    whole = said.read_bytes()
    rows = list(read_rows(said, Prediction))
    assert [(row.id, row.probe) for row in rows] == [
        (item.id, probe) for probe in (None, "swap") for item in items
    ]
    for row in rows:
        assert row.settings["engine"] == "transformers"
        assert row.settings["dtype"] == "float32"
        for answer in row.relations:
            scores = probabilities(answer.scores)
            assert scores.sum() == pytest.approx(1, abs=1e-4)
            assert answer.scores[answer.relation] == scores.max()

    # a run that was cut off in the middle of a line ends in the same file, in other batches too
    said.write_bytes(whole[: len(whole) // 2])
    assert vsd(*asking, "--model", adapter, "-o", said, "--batch-size", 3) == 0
    again = list(read_rows(said, Prediction))
    assert [row.raw for row in again] == [row.raw for row in rows]

    # the adapter changed what the model says
    plain = tmp_path / "plain.jsonl"
    assert vsd(*asking, "--model", tmp_path / "model", "-o", plain) == 0
    assert [row.raw for row in read_rows(plain, Prediction)] != [row.raw for row in rows]

    capsys.readouterr()
    assert vsd("calibrate", test / "items.jsonl", said, "--json") == 0
    fitted = json.loads(capsys.readouterr().out)
    assert fitted["triples"] == sum(len(item.triples) for item in items)
    assert fitted["log_loss"]["after"] <= fitted["log_loss"]["before"]

    assert vsd("refine", said, "-o", refined, "--model", "rules", "--items", test / "items.jsonl") == 0
    assert all(row.refinement for row in read_rows(refined, Prediction) if row.descriptions[2:])
    scores = tmp_path / "scores.json"
    assert (
        vsd(
            "evaluate",
            test / "items.jsonl",
            refined,
            "-o",
            scores,
            "--no-spice",
            "--intervals",
            20,
            "--allow-missing",
        )
        == 0
    )
    figures = json.loads(scores.read_text("utf-8"))
    named = [answer.relation for row in rows[: len(items)] for answer in row.relations]
    gold = [triple.relation for item in items for triple in item.triples]
    right = sum(one == other for one, other in zip(named, gold, strict=True)) / len(gold)
    assert figures["task1"]["accuracy"] == pytest.approx(100 * right)
