import json

import pytest

from llava_vsd.errors import FileError, RowError
from llava_vsd.metrics.spice.files import Pair, output, read_pairs
from llava_vsd.metrics.spice.score import score


def test_input_reads_whatever_an_image_id_is(tmp_path):
    path = tmp_path / "in.json"
    path.write_text(
        json.dumps(
            [{"image_id": {"a": 1}, "test": "x", "refs": ["y", "z"]}, {"image_id": 7, "test": "", "refs": []}]
        )
    )
    assert read_pairs(path) == [Pair({"a": 1}, "x", ["y", "z"]), Pair(7, "", [])]


@pytest.mark.parametrize(
    ("content", "error", "says"),
    [
        ("[", FileError, "line 1, column 2: not JSON"),
        ("{}", FileError, "expected a JSON list of"),
        ("", FileError, "not JSON"),
        ("[" * 100_000, FileError, "nested too deeply"),
        ('[{"image_id": ' + "1" * 5_000 + "}]", FileError, "cannot be read: Exceeds the limit"),
        ("[3]", RowError, "entry 0: expected an object"),
        ('[{"image_id": 1, "test": "a"}]', RowError, r"entry 0 \(image_id 1\): refs: missing"),
        ('[{"image_id": 1, "test": null, "refs": []}]', RowError, "test: None, expected a text"),
        ('[{"image_id": 1, "test": "a", "refs": "b"}]', RowError, "refs: 'b', expected a list of texts"),
        ('[{"image_id": 1, "test": "a", "refs": ["b", 4]}]', RowError, r"refs\[1\]: 4, expected a text"),
    ],
)
def test_a_broken_input_names_its_place(tmp_path, content, error, says):
    (tmp_path / "in.json").write_text(content)
    with pytest.raises(error, match=says):
        read_pairs(tmp_path / "in.json")


def comparable(entries):
    """The order of names that were merged (car/auto) is that of a hash set in the original."""
    return sorted(
        (entry["truth_value"], ["/".join(sorted(name.split("/"))) for name in entry["tuple"]])
        for entry in entries
    )


def test_output_has_the_form_of_the_original(reference):
    """Every item of the golden file: the same entry, tuples and truth values included."""
    golden = reference.jsonl("oracle/spice/scores.jsonl.gz")[:400]
    for row in golden:
        found = output(
            [Pair(row["id"], "", [])], [score(row["test"], row["refs"])], detailed=True, subset=True
        )[0]
        assert found["image_id"] == row["id"]
        assert found["scores"] == {
            name: {
                key: pytest.approx(value, abs=1e-12) if value is not None else None
                for key, value in one.items()
            }
            for name, one in row["scores"].items()
        }
        assert comparable(found["test_tuples"]) == comparable(row["test_tuples"])
        assert comparable(found["ref_tuples"]) == comparable(row["ref_tuples"])
    assert output([Pair(1, "", [])], [score([], [])]) == [
        {
            "image_id": 1,
            "scores": {"All": {"pr": 0.0, "re": 0.0, "f": 0.0, "fn": 0, "numImages": 1, "fp": 0, "tp": 0}},
        }
    ]
