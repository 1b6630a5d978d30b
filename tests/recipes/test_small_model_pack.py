"""What ships of the small model says the same as the run that it was packed from."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file

from llava_vsd.errors import CheckpointError, FileError, UsageError
from llava_vsd.jsonl import write_rows
from llava_vsd.model.load import load
from llava_vsd.model.merge import merged
from llava_vsd.model.small import FILES, about, assembled
from llava_vsd.schema import Item
from small_run import ABOUT, SmallRun, recipe, small_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> SmallRun:
    return small_run(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def pack() -> Any:
    return recipe()


def final(run: SmallRun) -> dict[str, torch.Tensor]:
    """Weights of the run's last model, by PEFT alone."""
    loaded = load(run.run / "instruct-merged", dtype="float32", device="cpu")
    model = PeftModel.from_pretrained(loaded.model, str(run.run / "vsd")).merge_and_unload()
    return dict(model.named_parameters())


def test_the_one_adapter_is_the_sum_of_both_stages_to_float16_rounding(run: SmallRun) -> None:
    """Worked out by PEFT: the merged model of stage two with the adapter of stage three on it."""
    made, _ = assembled(run.shipped, language=str(run.language))
    wanted = final(run)
    found = dict(made.named_parameters())
    assert set(found) == set(wanted)
    start = dict(load(run.run.parent / "start", dtype="float32", device="cpu").model.named_parameters())
    changed = 0
    for name, one in wanted.items():
        rounding = 2.0**-10 * float(one.abs().max())
        assert float((found[name] - one).abs().max()) <= rounding, name
        changed += bool((start[name] - one).abs().max() > 20 * rounding)
    assert changed > 20  # else there was nothing to get wrong


def test_the_adapter_is_a_standard_one_of_both_ranks_together(run: SmallRun) -> None:
    base = load(run.run.parent / "start", dtype="float32", device="cpu")
    config = json.loads((run.shipped / "adapter_config.json").read_text())
    assert (config["r"], config["lora_alpha"], config["peft_type"]) == (6, 6, "LORA")
    adapted = merged(PeftModel.from_pretrained(base.model, str(run.shipped)))
    wanted = final(run)
    name = "model.language_model.layers.1.mlp.down_proj.weight"
    found = dict(adapted.named_parameters())[name]
    torch.testing.assert_close(found, wanted[name], atol=1e-3, rtol=1e-3)
    weights = load_file(run.shipped / "adapter_model.safetensors")
    assert {one.dtype for one in weights.values()} == {torch.float16}
    assert all("language_model" in one for one in weights)


def test_the_folder_holds_what_is_needed_and_no_more(run: SmallRun) -> None:
    assert {file.name for file in run.shipped.iterdir()} == {*FILES, "README.md"}
    assert about(run.shipped) == ABOUT
    parts = load_file(run.shipped / "parts.safetensors")
    assert {one.dtype for one in parts.values()} == {torch.float16}
    assert not any("language_model" in name for name in parts)
    assert str(run.run) not in "".join(
        (run.shipped / name).read_text() for name in FILES if name.endswith(".json")
    )


def test_a_smaller_rank_is_the_best_of_that_rank(pack: Any) -> None:
    torch.manual_seed(1)
    parts = [
        {"q": (torch.randn(3, 10), torch.randn(8, 3)), "k": (torch.randn(3, 10), torch.randn(4, 3))},
        {"q": (torch.randn(2, 10), torch.randn(8, 2))},
    ]
    whole, lost = pack.summed(parts)
    assert lost == 0
    target = {
        "q": sum(b @ a for part in parts for a, b in [part["q"]]),
        "k": parts[0]["k"][1] @ parts[0]["k"][0],
    }
    for name, (a, b) in whole.items():
        assert a.shape[0] == b.shape[1] == 5
        torch.testing.assert_close(b @ a, target[name])
    small, lost = pack.summed(parts, rank=2)
    rest = 0.0
    for name, (a, b) in small.items():
        u, values, v = np.linalg.svd(target[name].numpy(), full_matrices=False)
        best = (u[:, :2] * values[:2]) @ v[:2]
        np.testing.assert_allclose((b @ a).numpy(), best, atol=1e-4)
        rest += float((values[2:] ** 2).sum())
    size = sum(float((one**2).sum()) for one in target.values())
    assert lost == pytest.approx((rest / size) ** 0.5, rel=1e-4)


def test_factors_of_unlike_size_are_balanced_without_rounding(pack: Any) -> None:
    a, b = torch.randn(2, 5), torch.randn(3, 2) * 1e-6
    product = (b.double() @ a.double()).clone()
    (one, other) = pack.summed([{"q": (a, b)}])[0]["q"]
    assert torch.equal(other.double() @ one.double(), product)
    assert 0.2 < float(one.abs().max() / other.abs().max()) < 5


def test_too_large_a_folder_is_refused_and_leaves_nothing(
    run: SmallRun, pack: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pack, "LIMIT", 10_000)
    with pytest.raises(UsageError, match=r"MB, .* adapter of rank 6; expected 0 MB at most \(--rank"):
        pack.pack(run.run, tmp_path / "out", ABOUT, language=str(run.language))
    assert not list(tmp_path.iterdir())


def test_another_language_model_than_the_run_began_with_is_refused(
    run: SmallRun, pack: Any, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for file in run.language.iterdir():
        (other / file.name).write_bytes(file.read_bytes())
    weights = load_file(other / "model.safetensors")
    name = "model.layers.0.mlp.up_proj.weight"
    weights[name] = weights[name] + 0.1
    save_file(weights, other / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(CheckpointError, match=r"up_proj\.weight: differs from the run's model"):
        pack.pack(run.run, tmp_path / "out", ABOUT, language=str(other))
    assert not (tmp_path / "out").exists()


def test_a_run_that_is_none_is_told(run: SmallRun, pack: Any, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="holds none of connector, instruct, vsd"):
        pack.pack(tmp_path, tmp_path / "out", ABOUT)
    (tmp_path / "vsd").mkdir()
    with pytest.raises(CheckpointError, match="vsd: is no adapter"):
        pack.pack(tmp_path, tmp_path / "out", ABOUT)


def test_the_command_takes_names_and_temperature_from_files(
    run: SmallRun,
    pack: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    box = (0, 1, 0, 1)
    triples = [
        {"subject": one, "object": other, "relation": "on", "subject_box": box, "object_box": box}
        for one, other in (("mug", "desk"), ("cat", "desk"))
    ]
    write_rows(tmp_path / "items.jsonl", [Item.model_validate({"id": "a", "image": "1", "triples": triples})])
    (tmp_path / "fit.json").write_text('{"temperature": 1.25, "triples": 2}')
    arguments = [run.run, "-o", tmp_path / "out", "--items", tmp_path / "items.jsonl"]
    arguments += ["--calibration", tmp_path / "fit.json", "--language", run.language, "--rank", 3]
    monkeypatch.setattr(sys, "argv", ["pack.py", *map(str, arguments)])
    pack.main()
    assert "3 names, temperature 1.25" in capsys.readouterr().out
    found = about(tmp_path / "out")
    assert (found.names, found.temperature) == (("cat", "desk", "mug"), 1.25)
    assert json.loads((tmp_path / "out" / "adapter_config.json").read_text())["r"] == 3
    assert "% of the change is left out" in (tmp_path / "out" / "README.md").read_text()


@pytest.mark.parametrize("content", [None, "", "[1]", '{"temperature": null}', '{"triples": 2}'])
def test_a_calibration_that_is_none_is_told(pack: Any, tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "fit.json"
    if content is not None:
        file.write_text(content)
    says = "No such file" if content is None else "holds no temperature; expected what vsd calibrate"
    with pytest.raises(FileError, match=rf"fit\.json: .*{says}"):
        pack.fitted(file)
