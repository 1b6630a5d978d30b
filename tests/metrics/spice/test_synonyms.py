import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llava_vsd.errors import FileError
from llava_vsd.metrics.spice.synonyms import Synonyms, read, wordnet


def test_ids_of_all_keys_are_those_of_meteor(reference):
    lines = (
        gzip.decompress(reference.path("oracle/spice/meteor_synsets.txt.gz").read_bytes())
        .decode()
        .splitlines()
    )
    expected = {
        key: frozenset(map(int, ids.split())) for key, ids in zip(lines[::2], lines[1::2], strict=True)
    }
    assert len(expected) == 147_306
    assert {key: wordnet().ids(key) for key in expected} == expected


def test_irregular_forms_have_the_bases_of_meteor(reference):
    lines = reference.path("oracle/spice/meteor_exceptions.txt").read_text().splitlines()
    bases = {}
    for base, forms in zip(lines[::2], lines[1::2], strict=True):
        for form in forms.split():
            bases.setdefault(form, set()).add(base)
    assert len(bases) == 5_940
    for form, expected in bases.items():
        assert wordnet().stem(form) == frozenset().union(*map(wordnet().ids, expected)), form


@pytest.mark.parametrize(
    ("one", "other", "related"),
    [
        ("below", "under", True), ("below", "beneath", True), ("under", "beneath", False), ("near", "close", True),
        ("close to", "around", True), ("inside", "within", True), ("on", "along", True), ("by", "past", True),
        ("left", "leave", True), ("kid", "child", True), ("couch", "sofa", True), ("left", "right", False),
        ("above", "over", False), ("in", "inside", False), ("man", "person", False), ("boy", "child", False),
        ("road", "street", False), ("dogs", "dog", True), ("In", " in ", True),
    ],
)  # fmt: skip
def test_which_words_of_captions_are_synonyms(one, other, related):
    assert bool(wordnet().concept(one) & wordnet().concept(other)) == related


@pytest.mark.parametrize(
    "text",
    ["onto", "on top of", "beside", "next to", "in front of", "inside of", "into", "against", "with", "of", "far from",
     "toward", "towards", "left of", "adjacent to", "sit in front of", "", " ", "\x00", "猫", "🐈"],
)  # fmt: skip
def test_expressions_outside_of_wordnet_have_no_ids(text):
    assert wordnet().concept(text) == frozenset()


def test_an_id_has_no_part_of_speech():
    assert 1740 in wordnet().ids("entity") & wordnet().ids("breathe") & wordnet().ids("able")


TINY = Synonyms(
    {"dog": "1 2", "bus": "3", "box": "4", "woman": "5", "fly": "6", "chase": "7", "chas": "8", "walk": "9",
     "goose": "10", "leave": "11", "left": "12", "glass": "13", "as": "14", "a": "15", "hot_dog": "16", "tall": "17"},
    {"geese": "goose", "left": "leave", "axes": "ax axis"},
)  # fmt: skip


@pytest.mark.parametrize(
    ("key", "ids"),
    [
        ("dogs", {1, 2}),
        ("buses", {3}),  # `buse` is no key, `ses` to `s` gives one
        ("boxes", {4}),
        ("women", {5}),
        ("flies", {6}),
        ("chased", {7}),  # ed to e comes before ed to nothing
        ("walking", {9}),
        ("taller", {17}),
        ("tallest", {17}),
        ("geese", {10}),
        ("left", {11}),  # an exception goes before the rules
        ("axes", set()),  # also where its bases are no keys
        ("glass", {13}),  # words in ss are their own stem
        ("as", {14}),  # as are words of two letters
        ("walkful", set()),
        ("cats", set()),
    ],
)
def test_a_stem_is_an_exception_or_the_first_rule_that_meets_a_key(key, ids):
    assert TINY.stem(key) == ids


def test_a_concept_has_the_ids_of_its_key_and_of_its_stem():
    assert TINY.concept(" Left ") == {11, 12}
    assert TINY.concept("hot dogs") == {16}


@given(st.text())
def test_any_text_has_a_set_of_ids_whatever_its_case(text):
    ids = wordnet().concept(text)
    assert wordnet().concept(text.lower()) == ids
    assert wordnet().ids(text) <= ids


def test_a_missing_table_says_how_to_make_it(tmp_path):
    with pytest.raises(FileError, match=r"synsets\.txt\.gz: missing; .*recipes/synonyms\.py"):
        read(tmp_path)


PACKED = gzip.compress(b"dog 1\n" * 99, mtime=0)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"dog 1", id="not compressed"),
        pytest.param(b"", id="empty"),
        pytest.param(PACKED[:-9], id="cut off"),
        pytest.param(PACKED[:12] + b"\xff" * 20, id="overwritten"),
        pytest.param(gzip.compress(b"dog\n", mtime=0), id="without ids"),
    ],
)
def test_a_damaged_table_is_refused_by_name(tmp_path, data):
    (tmp_path / "synsets.txt.gz").write_bytes(data)
    (tmp_path / "exceptions.txt.gz").write_bytes(gzip.compress(b"geese goose\n"))
    with pytest.raises(FileError, match=r"synsets\.txt\.gz: (not a table of synonyms|empty)"):
        read(tmp_path)
