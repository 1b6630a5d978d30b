import json

import pytest

from llava_vsd.errors import FileError, RowError, VsdError
from llava_vsd.metrics.spice.told import Told


def lines(path, *rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_given_tuples_are_scored_as_the_specification_says(tmp_path):
    """Hand calculation: of (cat, in, house), (cat), (house) the two objects are met; 2 of 3 against 2 of 2: F 0.8."""
    path = lines(
        tmp_path / "told.jsonl",
        {"caption": "a", "tuples": [["cat", "house", "in"], ["cat"], ["house"]]},
        {"caption": "b", "tuples": [["cat"], ["house"]]},
    )
    told = Told.load(path)
    assert told.name == "SPICE (tuples of told.jsonl)"
    assert told([("a", ["b"]), ("b", ["b"])]) == pytest.approx([0.8, 1.0])
    with pytest.raises(VsdError, match=r"no tuples for 2 captions, such as 'c', 'd'"):
        told([("c", ["a", "d"])])


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"tuples": []}, "line 2: caption: missing, expected a text"),
        ({"caption": "x"}, "line 2: tuples: missing, expected a list"),
        (
            {"caption": "x", "tuples": [["a"], []]},
            r"line 2: tuples\[1\]: \[\], expected one, two or three names",
        ),
        ({"caption": "x", "tuples": [["a", 2]]}, r"tuples\[0\]"),
        ([], "caption: missing"),
    ],
)
def test_a_fault_names_line_and_field(tmp_path, row, says):
    with pytest.raises(RowError, match=says):
        Told.load(lines(tmp_path / "told.jsonl", {"caption": "a", "tuples": []}, row))


def test_what_is_no_such_file_is_refused(tmp_path):
    with pytest.raises(FileError, match="no such file"):
        Told.load(tmp_path / "no.jsonl")
    with pytest.raises(FileError, match="empty; expected"):
        Told.load(lines(tmp_path / "empty.jsonl"))
    (tmp_path / "bad.jsonl").write_text("{")
    with pytest.raises(RowError, match="line 1: not JSON"):
        Told.load(tmp_path / "bad.jsonl")
    for line in ("1" * 5_000, "[" * 100_000):
        (tmp_path / "bad.jsonl").write_text(line)
        with pytest.raises(RowError, match="line 1: cannot be read"):
            Told.load(tmp_path / "bad.jsonl")
