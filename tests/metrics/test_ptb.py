"""PTB tokens of captions against pycocoevalcap's own output."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llava_vsd.metrics.ptb import tokenize


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        ("The CAT isn't on the dog's left-hand side; it can't see \"it\".",
         "the cat is n't on the dog 's left-hand side it ca n't see it"),
        ("It’s (see) [b]...", "it 's -lrb- see -rrb- -lsb- b -rsb-"),
        ("wow!!! hmm?! a - b -- c", "wow !!! hmm ?! a b c"),
        ("", ""),
        (" . ", ""),
    ],
)  # fmt: skip
def test_captions(caption: str, expected: str) -> None:
    assert tokenize([caption]) == [expected]


@pytest.mark.parametrize("name", ["val", "coco_a"])
def test_every_caption_as_the_original(reference: Any, name: str) -> None:
    golden: dict[str, str] = reference.json(f"oracle/cocoeval_{name}.json.gz")["tokens"]
    assert len(golden) > 9000
    assert dict(zip(golden, tokenize(list(golden)), strict=True)) == golden


def test_odd_strings_as_the_original(reference: Any) -> None:
    rows = reference.jsonl("oracle/tokens_odd.jsonl.gz")
    found = tokenize([row["raw"] for row in rows])
    assert len(rows) == 4000
    assert [row["raw"] for row, ours in zip(rows, found, strict=True) if ours != row["ptb"]] == []


def test_lines_as_the_original_tokenizer(reference: Any) -> None:
    captions = reference.path("oracle/spice/ptb_in.txt").read_text(encoding="utf-8").split("\n")
    lines = reference.path("oracle/spice/ptb_out.txt").read_text(encoding="utf-8").split("\n")
    dropped = [
        "''",
        "'",
        "``",
        "`",
        "-LRB-",
        "-RRB-",
        "-LCB-",
        "-RCB-",
        ".",
        "?",
        "!",
        ",",
        ":",
        "-",
        "--",
        "...",
        ";",
    ]
    expected = [" ".join(word for word in line.split(" ") if word and word not in dropped) for line in lines]
    assert len(captions) > 10
    assert tokenize(captions) == expected


@pytest.mark.parametrize("code", [0x0A, 0x0D, 0x0B, 0x0C, 0x1C, 0x1E, 0x85, 0x2028, 0x2029])
def test_a_line_break_inside_a_caption_shifts_nothing(code: int) -> None:
    caption = f"a cat{chr(code)}on a mat{chr(code)}"
    assert tokenize(["one dog.", caption, "two dogs."]) == ["one dog", "a cat on a mat", "two dogs"]


def test_an_initial_at_the_end_is_judged_by_the_next_caption() -> None:
    assert tokenize(["in box A.", "The box"]) == ["in box a", "the box"]
    assert tokenize(["in box A.", "box"]) == ["in box a.", "box"]


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=40))
def test_neighbours_of_any_caption_are_left_alone(caption: str) -> None:
    first, ours, last = tokenize(["a man's dog", caption, "they're here"])
    assert (first, last) == ("a man 's dog", "they 're here")
    assert "\n" not in ours
    assert ours == ours.strip(" ")
