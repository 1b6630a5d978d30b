from pathlib import Path

import pytest

from llava_vsd.errors import FileError
from llava_vsd.folders import writing_folder


def test_a_folder_appears_whole_with_what_was_written(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()  # empty: fine
    with writing_folder(tmp_path / "out") as part:
        (part / "sub").mkdir()
        (part / "sub" / "file").write_text("text")
        assert list((tmp_path / "out").iterdir()) == []
    assert (tmp_path / "out" / "sub" / "file").read_text() == "text"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_an_error_leaves_nothing(tmp_path: Path) -> None:
    def write() -> None:
        with writing_folder(tmp_path / "new" / "out") as part:
            (part / "file").write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()
    assert list((tmp_path / "new").iterdir()) == []


def test_what_is_there_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "kept").write_text("mine")
    for place in (tmp_path / "out", tmp_path / "out" / "kept"):
        with (
            pytest.raises(FileError, match="is there already; expected a name that is free"),
            writing_folder(place),
        ):
            pass
    assert (tmp_path / "out" / "kept").read_text() == "mine"


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(FileError, match=r"file/out: cannot be written: Not a directory"),
        writing_folder(tmp_path / "file" / "out"),
    ):
        pass
