from math import log

import numpy as np
import pytest

from llava_vsd.metrics.spice.grammar import Grammar
from llava_vsd.metrics.spice.lexicon import CountedLexicon, signature
from llava_vsd.metrics.spice.spelling import american


@pytest.mark.parametrize(
    ("word", "first", "name"),
    [
        ("frisbee", False, "UNK-LCe"),
        ("t-shirt", False, "UNK-LC-DASHt"),
        ("10:07", False, "UNK-DIG"),
        ("2015", False, "UNK-NUM"),
        ("7", False, "UNK-NUM"),
        ("Fido", True, "UNK-INITo"),
        ("Fido", False, "UNK-UCo"),
        ("NASA", True, "UNK-ALLCa"),
        ("TV", False, "UNK-ALLC"),
        ("iPad", False, "UNK-LCd"),
        ("B-52", False, "UNK-ALLC-DASH-DIG"),
        ("a", False, "UNK-LC"),
        ("--", False, "UNK-DASH"),
        ("....", False, "UNK."),
        ("ÉCOLE", False, "UNK-ALLCe"),
        ("٣٤", False, "UNK-NUM"),
        ("שלום", False, "UNKם"),
        ("", False, "UNK"),
        ("🙂", False, "UNK"),
        ("🙂🙂", False, "UNK\udc00"),
        ("𝐀𝐁", False, "UNK\udc00"),
        ("DŽ", False, "UNK-ALLC"),
        ("ǅA", False, "UNK-UC"),
        ("KOŠİ", False, "UNK-ALLCi"),
    ],
)
def test_the_class_of_an_unknown_word(word, first, name):
    assert signature(word, first=first) == name


def small_lexicon() -> CountedLexicon:
    """Tags N, V, D. "dog" 3 times N and once V, "the" 200 times D and never else, both with 8 of 204 rare."""
    return CountedLexicon(
        words=["dog", "the"],
        signatures=["UNK-LCt"],
        word_count=np.array([4.0, 200.0]),
        seen_of=np.array([0, 0, 1], dtype=np.int32),
        seen_tag=np.array([0, 1, 2], dtype=np.int32),
        seen_count=np.array([3.0, 1.0, 200.0]),
        tag_count=np.array([3.0, 1.0, 200.0]),
        total=204.0,
        signature_count=np.array([2.0]),
        unseen_of=np.array([0], dtype=np.int32),
        unseen_tag=np.array([0], dtype=np.int32),
        unseen_count=np.array([2.0]),
        unseen_tag_count=np.array([6.0, 2.0, 0.0]),
        unseen_total=8.0,
        open_tags=np.array([0], dtype=np.int32),
    )


def test_a_rare_word_may_take_any_tag_that_rare_words_take():
    scores = small_lexicon().scores("dog", first=False)
    noun = (3 + 0.2 * 0.75) / 4.2  # P(N | dog) with the prior 6/8, and so on
    verb = (1 + 0.2 * 0.25) / 4.2
    assert scores[:2] == pytest.approx([log(noun * 4 / 204 / (3 / 204)), log(verb * 4 / 204 / (1 / 204))])
    assert scores[2] == -np.inf


def test_a_frequent_word_keeps_to_its_tags():
    assert small_lexicon().scores("the", first=False).tolist() == [-np.inf, -np.inf, 0.0]


def test_an_unknown_word_takes_open_tags_by_its_class():
    scores = small_lexicon().scores("cart", first=False)
    assert scores[0] == pytest.approx(log((2 + 0.75) / (2 + 1) * (1 / 204) / (3 / 204)))
    assert scores[1:].tolist() == [-np.inf, -np.inf]
    of_no_class = small_lexicon().scores("cat", first=False)
    assert of_no_class[0] == pytest.approx(log(0.75 * (1 / 204) / (3 / 204)))


def test_opened_every_tag_has_a_score():
    scores = small_lexicon().open_scores("the", first=False)
    assert scores[0] == pytest.approx(log(0.2 * 0.75 / 200.2 * 200 / 204 / (3 / 204)))
    assert scores[2] == 0
    opened = small_lexicon().open_scores("cat", first=False)
    assert opened[2] == -1000


def test_a_lexicon_is_kept_as_arrays():
    arrays = small_lexicon().arrays()
    assert arrays["words"].tobytes() == b"dog\nthe"
    assert all(isinstance(value, np.ndarray) and value.dtype != object for value in arrays.values())


def test_original_scores_to_the_last_bit(original_grammar: Grammar, reference):
    lexicon = original_grammar.lexicon
    assert isinstance(lexicon, CountedLexicon)
    names = [original_grammar.states[state] for state in original_grammar.tags]
    entries = reference.json("oracle/spice/pcfg_checks.json")["lexicon"]
    for entry in entries:
        first = entry["position"] == "first"
        assert american(entry["w"]) == entry["as"]
        assert signature(entry["as"], first=first) == entry["signature"]
        assert lexicon._counts(entry["as"])[0] == entry["count"]
        scores = lexicon.scores(entry["w"], first=first)
        finite = scores[scores > -np.inf].astype(float)
        assert len(finite) == entry["n_tags"]
        assert finite.sum() == pytest.approx(entry["sum"], abs=1e-4)
        bits = dict(zip(names, scores.view(np.int32).tolist(), strict=True))
        assert [bits[tag] for tag, _, _ in entry["top"]] == [expected for _, _, expected in entry["top"]]
        elsewhere = signature(entry["as"], first=not first) == entry["signature"]
        assert elsewhere == entry["same_elsewhere"]
    assert len(entries) == 30
