import json

from hypothesis import given
from hypothesis import strategies as st

from llava_vsd import json_list
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
