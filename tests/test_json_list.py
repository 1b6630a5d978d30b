import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llava_vsd import json_list
from llava_vsd.errors import FileError
from llava_vsd.json_list import read_list

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(
    entries=st.lists(VALUES, min_size=1, max_size=8),
    block=st.integers(1, 40),
    indent=st.sampled_from([None, 2]),
    ascii_only=st.booleans(),
    mark=st.sampled_from(["", "\ufeff"]),
)
def test_whatever_the_size_of_the_blocks_the_entries_are_those_of_the_json_module(
    tmp_path_factory, entries, block, indent, ascii_only, mark
):
    path = tmp_path_factory.getbasetemp() / "list.json"
    path.write_text(
        mark + json.dumps(entries, indent=indent, ensure_ascii=ascii_only), encoding="utf-8", errors="replace"
    )
    expected = json.loads(path.read_text(encoding="utf-8-sig"))
    before, json_list._BLOCK = json_list._BLOCK, block
    try:
        assert list(read_list(path, of="values")) == expected
    finally:
        json_list._BLOCK = before


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (
            r'["whole \ud83d\ude00", {"a": ["\uD83D"]}]',
            r"line 1, column 24: entry 1 holds \ud83d, half of a surrogate",
        ),
        pytest.param(
            "[1, " + "9" * 5000 + "]",
            "line 1, column 5: entry 1 holds a number of thousands of digits",
            marks=pytest.mark.skipif(
                not hasattr(sys, "get_int_max_str_digits"), reason="this Python takes it"
            ),
        ),
    ],
)
def test_what_is_json_but_neither_text_nor_number_is_refused(tmp_path, content, problem):
    path = tmp_path / "list.json"
    path.write_text(content)
    with pytest.raises(FileError) as caught:
        list(read_list(path, of="values"))
    assert caught.value.problem.startswith(problem)
