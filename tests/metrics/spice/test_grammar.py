import gzip
import random
from dataclasses import replace

import numpy as np
import pytest

from llava_vsd.errors import FileError
from llava_vsd.metrics.spice.grammar import Grammar
from llava_vsd.metrics.spice.lexicon import CountedLexicon


def counted(words: dict[str, dict[int, float]], tags: int) -> CountedLexicon:
    """A lexicon of frequent words: each keeps to its tags."""
    rows = [(place, tag, count) for place, entry in enumerate(words.values()) for tag, count in entry.items()]
    return CountedLexicon(
        words=list(words),
        signatures=["UNK"],
        word_count=np.array([sum(entry.values()) for entry in words.values()]),
        seen_of=np.array([row[0] for row in rows], dtype=np.int32),
        seen_tag=np.array([row[1] for row in rows], dtype=np.int32),
        seen_count=np.array([row[2] for row in rows]),
        tag_count=np.full(tags, 100.0),
        total=1000.0,
        signature_count=np.zeros(1),
        unseen_of=np.zeros(0, dtype=np.int32),
        unseen_tag=np.zeros(0, dtype=np.int32),
        unseen_count=np.zeros(0),
        unseen_tag_count=np.ones(tags),
        unseen_total=float(tags),
        open_tags=np.arange(tags, dtype=np.int32),
        frequent=1.0,
    )


LEXICON = counted({"the": {0: 60}, "cat": {1: 40, 2: 5}, "naïve\u00a0x": {2: 20}}, 4)


def small_grammar() -> Grammar:
    """ROOT -> S .$$. ; S -> NP VP ; NP -> D N ; NP -> N ; VP -> V NP ; VP -> V."""
    return Grammar(
        name="small",
        states=["ROOT", ".$$.", "S", "NP", "VP", "D", "N", "V"],
        tags=np.array([5, 6, 7, 1], dtype=np.int32),
        binary=np.array([[0, 2, 1], [2, 3, 4], [3, 5, 6], [4, 7, 3]], dtype=np.int32),
        binary_scores=np.log(np.array([1, 1, 0.5, 0.5], dtype=np.float32)),
        unary=np.array([[3, 6], [4, 7]], dtype=np.int32),
        unary_scores=np.log(np.array([0.5, 0.5], dtype=np.float32)),
        end_score=0.0,
        tag_costs=np.zeros(4),
        lexicon=LEXICON,
    )


def test_a_grammar_comes_back_from_its_file_as_it_was(tmp_path):
    grammar = small_grammar()
    grammar.save(tmp_path / "small.npz")
    again = Grammar.load(tmp_path / "small.npz")
    assert (again.name, again.states, again.end_score) == (grammar.name, grammar.states, grammar.end_score)
    assert (again.root, again.boundary) == (0, 1)
    for name in ("tags", "binary", "binary_scores", "unary", "unary_scores", "tag_costs"):
        expected, found = getattr(grammar, name), getattr(again, name)
        assert found.dtype == expected.dtype
        assert (found == expected).all()
    for word in ("the", "cat", "naïve\u00a0x", "unknown"):
        assert (again.lexicon.scores(word, first=True) == grammar.lexicon.scores(word, first=True)).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"states": ["ROOT", "x", "S", "NP", "VP", "D", "N", "V"]}, "ROOT and the boundary tag among them"),
        ({"binary_scores": np.zeros(3, dtype=np.float32)}, "binary rules have 3 states and one score each"),
        (
            {"unary_scores": np.array([0, np.nan], dtype=np.float32)},
            "unary rules have 2 states and one score each",
        ),
        ({"binary": np.full((4, 3), 8, dtype=np.int32)}, "binary rules name states that exist"),
        ({"unary": np.full((2, 2), -1, dtype=np.int32)}, "unary rules name states that exist"),
        ({"tags": np.array([5, 5, 7, 1], dtype=np.int32)}, "tags are different states"),
        ({"tag_costs": np.zeros(3)}, "every tag has a cost"),
        ({"lexicon": counted({"a": {4: 2}}, 4)}, "the lexicon's arrays fit together"),
        ({"lexicon": replace(LEXICON, seen_count=np.ones(2))}, "the lexicon's arrays fit together"),
        ({"lexicon": replace(LEXICON, word_count=np.ones(2))}, "the lexicon's arrays fit together"),
        ({"lexicon": replace(LEXICON, total=0.0)}, "the lexicon's arrays fit together"),
        ({"lexicon": replace(LEXICON, total=np.ones(2))}, "an array of the grammar has another form"),
        ({"lexicon": counted({"a": {0: 2}}, 3)}, "the lexicon scores every tag"),
        ({"unary": np.array([[5, 6], [4, 7]], dtype=np.int32)}, "no tag is the parent of a rule"),
        ({"unary": np.array([[0, 6], [4, 7]], dtype=np.int32)}, "ROOT occurs nowhere else"),
        ({"unary": np.array([[3, 1], [4, 7]], dtype=np.int32)}, "the boundary tag occurs nowhere else"),
        (
            {"binary": np.array([[0, 2, 7], [2, 3, 4], [3, 5, 6], [4, 7, 3]], dtype=np.int32)},
            "ROOT, and nothing else",
        ),
    ],
)
def test_a_grammar_that_does_not_fit_together_is_refused(tmp_path, change, message):
    path = tmp_path / "odd.npz"
    replace(small_grammar(), **change).save(path)
    with pytest.raises(FileError, match=message) as caught:
        Grammar.load(path)
    assert caught.value.path == path


def test_what_is_no_grammar_is_refused(tmp_path):
    absent, text, other, old = (
        tmp_path / name for name in ("absent.npz", "text.npz", "other.npz", "old.npz")
    )
    text.write_text("not an archive")
    published = tmp_path / "englishPCFG.ser.gz"
    published.write_bytes(gzip.compress(b"\xac\xed\x00\x05"))
    np.savez(other, a=np.zeros(3))
    arrays = {"format": "llava-vsd grammar 0"}
    np.savez(old, **arrays)
    small_grammar().save(tmp_path / "good.npz")
    whole = (tmp_path / "good.npz").read_bytes()
    (tmp_path / "half.npz").write_bytes(whole[: len(whole) // 2])
    for path, message in (
        (absent, "no such grammar file"),
        (text, "cannot be read as a grammar"),
        (other, "expected a file marked 'llava-vsd grammar 1', found 'no mark'"),
        (old, "found 'llava-vsd grammar 0'"),
        (tmp_path / "half.npz", "cannot be read as a grammar"),
        (published, "no .npz; `vsd fetch spice-grammar --from FILE` takes the original's file"),
        (tmp_path, "cannot be read as a grammar"),
    ):
        with pytest.raises(FileError, match=message):
            Grammar.load(path)


def test_a_missing_array_is_named(tmp_path):
    small_grammar().save(tmp_path / "good.npz")
    with np.load(tmp_path / "good.npz") as file:
        arrays = {name: file[name] for name in file.files if name != "unary"}
    np.savez(tmp_path / "less.npz", **arrays)
    with pytest.raises(FileError, match="lacks the array 'unary'"):
        Grammar.load(tmp_path / "less.npz")


def test_a_damaged_file_is_an_error_or_a_grammar_to_ask(tmp_path):
    small_grammar().save(tmp_path / "good.npz")
    whole, rng, path = (tmp_path / "good.npz").read_bytes(), random.Random(0), tmp_path / "damaged.npz"
    refused = 0
    for _ in range(300):
        damaged = bytearray(whole)
        for _ in range(rng.choice((1, 3, 10))):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        path.write_bytes(damaged)
        try:
            lexicon = Grammar.load(path).lexicon
        except FileError:
            refused += 1
            continue
        for word in ("the", "cat", "unknown"):
            assert lexicon.open_scores(word, first=False).shape == (4,)
    assert 0 < refused < 300
