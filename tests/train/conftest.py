from __future__ import annotations

import gc
import shutil
from pathlib import Path

import pytest
import torch

from stand_ins import settings


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data, pictures, a tiny model and settings; not to be written to."""
    folder = tmp_path_factory.mktemp("made")
    settings(folder, texts=3)
    gc.freeze()  # every run collects garbage three times: what all tests loaded need not be looked through
    return folder


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def run_file(made: Path, tmp_path: Path) -> Path:
    """Settings whose output is a folder of the test."""
    path = tmp_path / "run.yaml"
    shutil.copy(made / "run.yaml", path)
    path.write_text(path.read_text().replace(f"output: {made / 'out'}", f"output: {tmp_path / 'out'}"))
    return path
