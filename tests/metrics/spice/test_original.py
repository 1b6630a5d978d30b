import numpy as np
import pytest

from llava_vsd.errors import FileError
from llava_vsd.metrics.spice import original
from llava_vsd.metrics.spice.grammar import Grammar
from llava_vsd.metrics.spice.lexicon import CountedLexicon
from llava_vsd.metrics.spice.tables import body


def test_the_published_grammar_has_the_documented_sizes_and_sums(original_grammar: Grammar, reference):
    sizes = reference.json("oracle/spice/pcfg_checks.json")["sizes"]
    grammar, lexicon = original_grammar, original_grammar.lexicon
    assert isinstance(lexicon, CountedLexicon)
    assert len(grammar.states) == sizes["states"] == 12_977
    assert len(grammar.tags) == sizes["tags"] == 614
    assert len(grammar.binary) == sizes["binary"] == 46_091
    assert len(grammar.unary) == sizes["unary"] == 3_135
    assert len(lexicon.words) == sizes["known_words"] == 47_861
    assert len(lexicon.signatures) == 189
    assert grammar.binary.sum() == 652_675_588
    assert grammar.binary_scores.astype(float).sum() == pytest.approx(-32718.43058229983, abs=1e-9)
    assert grammar.unary_scores.astype(float).sum() == pytest.approx(-14793.307539304253, abs=1e-9)
    assert lexicon.total == 1064728.4999999742
    assert lexicon.unseen_total == 14707.853068450902
    assert (grammar.root, grammar.boundary, grammar.end_score) == (423, 424, 0.0)
    assert (lexicon.word_count > lexicon.frequent).sum() == 1_159
    assert (lexicon.unseen_tag_count > 0).sum() == 258
    names = (
        "JJ^NP VB^VP CD^QP NNS^NP VBN^VP NN^NP NNPS^NP CD^NP VBP^VP RB^ADJP VBG^NP NNP^NP JJ^ADJP RB^ADVP^U "
        "VBG^VP VBZ^VP VBD^VP"
    )
    open_tags = {grammar.states[grammar.tags[tag]] for tag in lexicon.open_tags}
    assert open_tags == set(names.split())


def test_the_closed_unary_rules_are_the_documented_ones(original_grammar: Grammar, reference):
    checks = reference.json("oracle/spice/pcfg_checks.json")
    parts = body(original_grammar)
    assert len(parts.closed) == checks["sizes"]["closed_unary_pairs"] == 12_905
    assert parts.closed_score.astype(float).sum() == pytest.approx(checks["closed_sum_f64"], abs=1e-9)
    for example in checks["closed_examples"]:
        child = original_grammar.states.index(example["child"])
        of_child = parts.closed[:, 1] == child
        assert of_child.sum() == example["n"]
        parents = [original_grammar.states[parent] for parent in parts.closed[of_child, 0]]
        scores = dict(zip(parents, parts.closed_score[of_child].tolist(), strict=True))
        assert [scores[parent] for _, parent in example["best"]] == [score for score, _ in example["best"]]


def test_the_converted_grammar_is_small_and_the_same(original_grammar: Grammar, tmp_path):
    original_grammar.save(tmp_path / "g.npz")
    assert (tmp_path / "g.npz").stat().st_size < 1_000_000
    again = Grammar.load(tmp_path / "g.npz")
    assert again.states == original_grammar.states
    assert (again.binary == original_grammar.binary).all()
    assert (again.unary_scores.view(np.int32) == original_grammar.unary_scores.view(np.int32)).all()
    for word in ("a", "dog", "frisbee", "monday"):
        expected = original_grammar.lexicon.scores(word, first=False)
        assert (again.lexicon.scores(word, first=False) == expected).all()


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        (b"NP^S-B", b"NP^S-C", "states"),
        (b"skateboarding", b"skateboardinG", "words"),
    ],
)
def test_another_version_is_refused_by_its_first_different_part(original_stream: bytes, old, new, part):
    assert old in original_stream
    with pytest.raises(FileError, match=rf"x\.gz: not the grammar of version 3.6.0: its {part} have CRC-32"):
        original.read(original_stream.replace(old, new, 1), "x.gz")


def test_what_is_no_grammar_is_refused(original_stream: bytes):
    for data, message in (
        (b"", "not a Java serialisation stream"),
        (b"PK\3\4", "not a Java serialisation stream"),
        (original_stream[:100_000], "expected the serialised parser englishPCFG, but"),
        (b"\xac\xed\0\5t\0\1x", "no .* in it"),
        (b"\xac\xed\0\5p", "no .* in it"),
    ):
        with pytest.raises(FileError, match=message):
            original.read(data, "x.gz")
