from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest
import torch

from llava_vsd.errors import CheckpointError
from llava_vsd.model.load import load, read_checkpoint
from llava_vsd.model.out_of_memory import is_out_of_memory
from memory_errors import MEMORY_ERRORS
from tiny_models import tiny


@pytest.mark.parametrize("error", MEMORY_ERRORS, ids=lambda error: str(error)[:30])
def test_every_allocators_words_are_known(error: Exception) -> None:
    assert is_out_of_memory(error)


def test_what_torch_and_numpy_raise_here_is_known() -> None:
    for make in (lambda: torch.empty(1 << 60), lambda: np.empty(1 << 58)):
        with pytest.raises((RuntimeError, MemoryError)) as raised:
            make()
        assert is_out_of_memory(raised.value)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5)"),
        RuntimeError("CUDA error: device-side assert triggered"),
        OSError(errno.ENOSPC, "No space left on device"),
        ValueError("MPS backend out of memory"),
    ],
)
def test_another_error_is_not_taken_for_it(error: Exception) -> None:
    assert not is_out_of_memory(error)


@pytest.mark.parametrize("error", MEMORY_ERRORS, ids=lambda error: str(error)[:30])
def test_a_model_too_large_to_read_is_told_in_one_line(error: Exception, tmp_path: Path) -> None:
    def read() -> None:
        raise error

    (tmp_path / "large").mkdir()
    with pytest.raises(CheckpointError, match=r"/large: memory does not suffice for its weights; expected"):
        read_checkpoint(str(tmp_path / "large"), "weights", read)


def test_a_model_too_large_for_its_device_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = tiny("llava-clip-vicuna")
    made.model.save_pretrained(tmp_path / "seeing")
    made.processor.save_pretrained(tmp_path / "seeing")
    plain = torch.nn.Module.to
    error = MEMORY_ERRORS[1]

    def full(module: torch.nn.Module, *given: object, **more: object) -> torch.nn.Module:
        if given and isinstance(given[0], torch.device):
            raise error
        return plain(module, *given, **more)

    monkeypatch.setattr(torch.nn.Module, "to", full)
    with pytest.raises(CheckpointError, match="/seeing: memory does not suffice for its weights") as told:
        load(tmp_path / "seeing")
    assert "\n" not in str(told.value)
    monkeypatch.setattr(
        torch.nn.Module, "to", lambda *_, **__: (_ for _ in ()).throw(RuntimeError("another"))
    )
    with pytest.raises(RuntimeError, match="another"):
        load(tmp_path / "seeing")
