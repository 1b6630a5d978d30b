import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llava_vsd.errors import FileError, UsageError
from llava_vsd.metrics.spice import pycocoevalcap
from llava_vsd.metrics.spice.locate import keep, kept_grammar
from llava_vsd.metrics.spice.pipeline import CAPTIONS, Spice, grammar_file


@pytest.fixture(scope="module")
def original_file(original_grammar, tmp_path_factory):
    path = tmp_path_factory.mktemp("grammar") / "original.npz"
    keep(original_grammar, path)
    return path


@pytest.fixture(scope="module")
def spice(original_file):
    return Spice(original_file)


def pairs_of(reference, name, count):
    pairs = reference.json(f"oracle/pairs_{name}.json.gz")[
        :: max(1, 14_172 // count) if name == "val" else 5
    ][:count]
    tokens = reference.json(f"oracle/cocoeval_{name}.json.gz")["tokens"]
    golden = reference.json(f"oracle/spice/spice_{name}.json.gz")["items"]
    asked = [(tokens[pair["test"]], [tokens[text] for text in pair["refs"]]) for pair in pairs]
    return asked, [golden[str(pair["image_id"])] for pair in pairs]


@pytest.mark.parametrize("name", ["val", "coco_a"])
def test_the_scores_are_those_of_the_original_to_the_last_digit(spice, reference, name):
    """A sample; benchmarks/spice.py compares all of them."""
    asked, golden = pairs_of(reference, name, 300)
    for found, gold in zip(spice.score_all(asked), golden, strict=True):
        assert found.f == pytest.approx(gold["All"], abs=1e-12)
        for category, value in gold.items():
            assert found.categories[category].f == (
                None if value is None else pytest.approx(value, abs=1e-12)
            )


def test_neither_order_nor_processes_nor_a_cache_change_a_score(spice, original_file, reference, tmp_path):
    asked, _ = pairs_of(reference, "coco_a", 120)
    scores = [found.f for found in spice.score_all(asked)]
    assert [found.f for found in spice.score_all(asked[::-1])] == scores[::-1]
    cache = tmp_path / "parses.sqlite"
    many = Spice(original_file, processes=2, cache=cache)
    captions = {text for candidate, references in asked for text in (candidate, *references)}
    assert len(captions) > 400  # enough to start processes
    heard = []
    assert [
        found.f for found in many.score_all(asked, report=lambda done, total: heard.append((done, total)))
    ] == scores
    assert heard[-1] == (len(captions), len(captions))
    again = Spice(original_file, cache=cache)
    again._parser = None  # all comes from the cache: parsing would fail
    assert [found.f for found in again.score_all(asked)] == scores


def test_it_takes_the_place_of_pycocoevalcaps_class(spice, original_file, reference):
    asked, golden = pairs_of(reference, "coco_a", 40)
    scorer = pycocoevalcap.Spice(original_file)
    mean, rows = scorer.compute_score(
        {place: references for place, (_, references) in enumerate(asked)},
        {place: [candidate] for place, (candidate, _) in enumerate(asked)},
    )
    assert mean == pytest.approx(sum(gold["All"] for gold in golden) / len(golden), abs=1e-12)
    for row, gold in zip(rows, golden, strict=True):
        assert row.keys() == gold.keys()
        for category, value in gold.items():
            found = row[category]["f"]
            assert math.isnan(found) if value is None else found == pytest.approx(value, abs=1e-12)
            assert row[category].keys() == {"pr", "re", "f", "tp", "fp", "fn", "numImages"}
    assert scorer.method() == "SPICE (original grammar)"
    with pytest.raises(UsageError, match="different images"):
        scorer.compute_score({1: ["a"]}, {2: ["a"]})
    with pytest.raises(UsageError, match="image 1: expected one candidate"):
        scorer.compute_score({1: ["a"]}, {1: ["a", "b"]})


@pytest.mark.parametrize(
    "caption",
    [
        "", " ", "\n\t ", "🐈 🐕", "قطة على الطاولة",
        "a\x00cat\x07 on\x1b a mat", "\ud800 lone", "a" * 5_000, "( [ { } ] )",
        "cat " * 300, "!!! ??? ...", "ﷺ" * 50, "a cat. a dog! a horse? " * 20, "-LRB- -RRB- (X (Y", "\u2028a\u2029b",
    ],
)  # fmt: skip
def test_odd_captions_get_a_score_and_do_not_hang(spice, caption):
    found = spice.score(caption, ["a cat on a mat"])
    assert 0 <= found.f <= 1
    assert 0 <= spice.score("a cat on a mat", [caption]).f <= 1


def test_no_references_score_nothing(spice):
    assert spice.score("a cat", []).f == 0.0
    assert spice.score_all([]) == []


def test_what_is_no_text_is_refused(spice):
    with pytest.raises(UsageError, match=r"caption 1: None, expected a text"):
        spice.score("a cat", [None])
    with pytest.raises(UsageError, match="processes: 0, expected 1 or more"):
        Spice("captions", processes=0)


def test_the_original_is_the_default_where_it_has_been_fetched(original_file, tmp_path, monkeypatch):
    monkeypatch.setenv("LLAVA_VSD_CACHE", str(tmp_path))
    assert grammar_file() == CAPTIONS
    with pytest.raises(FileError, match="has not been fetched; `vsd fetch spice-grammar` does it"):
        grammar_file("original")
    with pytest.raises(FileError, match="no such grammar file"):
        grammar_file("nowhere.npz")
    kept_grammar().parent.mkdir(parents=True)
    kept_grammar().write_bytes(original_file.read_bytes())
    assert grammar_file() == grammar_file("original") == kept_grammar()
    assert grammar_file("captions") == CAPTIONS
    assert Spice().name == "SPICE (original grammar)"


WORDS = st.sampled_from(
    "a the cat dogs on in front of left is standing two and with who him 's n't , . ( ) \" -".split()  # noqa: SIM905
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    caption=st.one_of(
        st.text(max_size=60), st.lists(st.one_of(WORDS, st.text(max_size=4)), max_size=25).map(" ".join)
    )
)
def test_any_text_gets_a_score_against_itself(spice, caption):
    """1, or 0 where nothing is found in it; recall can pass 1 (several tuples may meet one), and F with it."""
    found = spice.score(caption, [caption])
    assert found.f == 0 if not found.candidate else found.f >= 1
    assert found.precision in (0, 1)
