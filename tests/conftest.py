"""Fixtures for all tests: where the reference files are, and what to do where they are not."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent


class Reference:
    """The folder of reference files: real annotations and outputs of the original programs.

    `LLAVA_VSD_SHARED` names it; without the variable it is the folder `shared` beside the checkout. A test that
    asks for a file that is not there is skipped, with the path in the reason.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, name: str) -> Path:
        path = self.root / name
        if not path.exists():
            pytest.skip(f"reference file {path} is absent (set LLAVA_VSD_SHARED to the folder that holds it)")
        return path

    def json(self, name: str) -> Any:
        path = self.path(name)
        with (
            gzip.open(path, "rt", encoding="utf-8")
            if path.suffix == ".gz"
            else path.open(encoding="utf-8") as file
        ):
            return json.load(file)

    def jsonl(self, name: str) -> list[Any]:
        with gzip.open(self.path(name), "rt", encoding="utf-8") as file:
            return [json.loads(line) for line in file]


@pytest.fixture(autouse=True)
def _no_cache_of_the_user(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """What someone has fetched (the original grammar) must not decide what a test sees."""
    monkeypatch.setenv("LLAVA_VSD_CACHE", str(tmp_path_factory.getbasetemp() / "user-cache"))


@pytest.fixture(scope="session")
def reference() -> Reference:
    return Reference(Path(os.environ.get("LLAVA_VSD_SHARED", ROOT.parent / "shared")))
