import pytest

from llava_vsd.metrics.spice.grammar import Grammar
from llava_vsd.metrics.spice.labels import INTERMEDIATE, basic, phrase


@pytest.mark.parametrize(
    ("state", "category"),
    [
        ("NP^S-B", "NP"),
        ("NP-TMP^VP", "NP"),
        ("NN-TMP^NP", "NN"),
        ("PRP$^NP", "PRP$"),
        ("$^NP", "$"),
        ("#^NP", "#"),
        ("-LRB-", "-LRB-"),
        ("-LRB-^PRN", "-LRB-"),
        ("-RRB--X", "-RRB-"),
        (".$$.", ".$$."),
        ("''", "''"),
        ("IN-SC^SBAR", "IN"),
        ("-", "-"),
        ("--^X", "-"),
    ],
)
def test_a_category_ends_before_the_first_mark(state, category):
    assert basic(state) == category


def test_only_temporal_phrases_keep_a_function():
    assert phrase("NP-TMP^VP") == "NP-TMP"
    assert phrase("NP-ADV^VP") == "NP"


def test_the_original_has_27_phrases_and_46_tags(original_grammar: Grammar):
    tags = {int(state) for state in original_grammar.tags}
    assert len({basic(original_grammar.states[state]) for state in tags}) == 46
    phrases = {
        phrase(name)
        for number, name in enumerate(original_grammar.states)
        if number not in tags and INTERMEDIATE not in name
    }
    assert len(phrases - {"ROOT"}) == 27
