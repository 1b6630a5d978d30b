import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llava_vsd.errors import FileError, UsageError
from llava_vsd.metrics.spice import pipeline, pycocoevalcap
from llava_vsd.metrics.spice.grammar import Grammar
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


def test_neither_order_nor_processes_nor_a_cache_change_a_score(
    spice, original_file, reference, tmp_path, monkeypatch
):
    monkeypatch.setattr(pipeline, "_WORTH_A_POOL", 400)
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
    for gts, res in [(["a"], ["a", "b"]), (["a"], "b"), ("a", ["b"]), ([], ["b"])]:
        with pytest.raises(UsageError, match="image 1: expected one candidate"):
            scorer.compute_score({1: gts}, {1: res})
    with pytest.raises(UsageError, match="names of several types"):
        scorer.compute_score({1: ["a"], "b": ["a"]}, {1: ["a"], "b": ["a"]})
    _, rows = scorer.compute_score({7: ["a horse"], 3: ["a dog"]}, {7: ["a dog"], 3: ["a dog"]})
    assert [row["All"]["f"] for row in rows] == [1.0, 0.0]  # of 3, then 7: sorted, as the original has them


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


def test_a_grammar_of_the_same_name_gets_nothing_out_of_anothers_cache(
    original_grammar, original_file, tmp_path
):
    namesake = tmp_path / "namesake.npz"
    keep(replace(Grammar.load(CAPTIONS), name=original_grammar.name), namesake)
    caption, cache = "the dog left is standing next to the man right of the car", tmp_path / "cache.sqlite"
    first = Spice(original_file, cache=cache)
    first._cache.put({caption: [("made", "up")]})
    assert first.tuples([caption]) == {caption: [("made", "up")]}
    second = Spice(namesake, cache=cache)
    assert second.name == first.name
    assert second.tuples([caption])[caption] == Spice(CAPTIONS).tuples([caption])[caption]


def test_tuples_are_those_of_the_captions_asked_for(spice):
    assert list(spice.tuples(["a cat", "a dog", "a cat"])) == ["a cat", "a dog"]
    assert spice.tuples(["a dog"]) == {"a dog": [("dog",)]}


def test_the_hash_seed_of_python_changes_nothing():
    code = (
        "from llava_vsd.metrics.spice.pipeline import Spice; print(Spice('captions').score("
        "'a lot of cars and two autos in front of a red house', ['some people left of a car', 'a home of red brick']))"
    )
    printed = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "77")
    ]
    assert len(set(printed)) == 1
    assert b"Match(tuple=" in printed[0]


def test_no_references_score_nothing(spice):
    assert spice.score("a cat", []).f == 0.0
    assert spice.score_all([]) == []


def test_what_is_no_text_is_refused(spice):
    for pair, says in [
        (("a cat", ["a dog", None]), "pair 1: reference 1: None, expected a text"),
        ((["a cat"], ["a dog"]), r"pair 1: candidate: \['a cat'\], expected a text"),
        (("a cat", [["a dog"]]), r"pair 1: reference 0: \['a dog'\], expected a text"),
        (("a cat", "a dog"), "pair 1: references: 'a dog', expected a list of texts"),
        (("a cat", None), "pair 1: references: None, expected a list of texts"),
    ]:
        with pytest.raises(UsageError, match=says):
            spice.score_all([("a cat", ["a dog"]), pair])
    with pytest.raises(UsageError, match="caption 1: 3, expected a text"):
        spice.tuples(["a cat", 3])
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


def test_a_user_without_a_home_folder_gets_the_captions_grammar(monkeypatch):
    def nowhere():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("LLAVA_VSD_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", nowhere)
    assert grammar_file() == CAPTIONS
    with pytest.raises(UsageError, match="set LLAVA_VSD_CACHE to a folder"):
        grammar_file("original")


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
