import json
import os
import subprocess
import sys
import threading
from dataclasses import replace

import numpy as np
import pytest

from llava_vsd.errors import UsageError
from llava_vsd.metrics.spice.grammar import Grammar
from llava_vsd.metrics.spice.pcfg import MAX_WORDS, Parser, flat
from llava_vsd.metrics.spice.trees import Tree

# Small random grammars, parsed by the plainest means. All scores are multiples of 1/8, so that sums are exact in any
# order and ties are frequent: who wins is then decided by the documented order alone.


class TableLexicon:
    """Words whose scores are a table."""

    def __init__(self, table: dict[str, np.ndarray]) -> None:
        self.table = table

    def scores(self, word, *, first):
        return self.table[word]

    def open_scores(self, word, *, first):
        return np.where(np.isneginf(self.table[word]), np.float32(-1000), self.table[word])

    def arrays(self):
        return {}


def random_grammar(seed: int, phrases: int = 6, tags: int = 4, binary: int = 40, unary: int = 8) -> Grammar:
    """A grammar over phrases P0, P1 ..., intermediate states @0, @1 ... and tags T0, T1 ..., with words w0 ... w5."""
    random = np.random.default_rng(seed)

    def scores(count: int) -> np.ndarray:
        return (-random.integers(1, 9, count) / 8).astype(np.float32)

    names = [f"P{i}" for i in range(phrases)] + [f"@{i}" for i in range(3)]
    states = ["ROOT", *names, ".$$.", *(f"T{i}" for i in range(tags))]
    inner, first_tag = len(names), len(names) + 2
    rules = {
        (
            int(random.integers(1, inner + 1)),
            *(int(random.choice([*range(1, inner + 1), *range(first_tag, len(states))])) for _ in range(2)),
        )
        for _ in range(binary)
    }
    chains = {
        (
            int(random.integers(1, inner + 1)),
            int(random.choice([*range(1, inner + 1), *range(first_tag, len(states))])),
        )
        for _ in range(unary)
    }
    goals = [(0, i, inner + 1) for i in range(1, phrases + 1)]
    all_binary = np.array(random.permutation([*sorted(rules), *goals]), dtype=np.int32)
    all_unary = np.array([pair for pair in sorted(chains) if pair[0] != pair[1]], dtype=np.int32).reshape(
        -1, 2
    )
    table = {}
    for i in range(6):
        row = scores(tags + 1)
        row[random.random(tags + 1) < 0.4] = -np.inf
        row[0] = -np.inf  # the boundary
        table[f"w{i}"] = row
    return Grammar(
        name=f"random {seed}",
        states=states,
        tags=np.array([inner + 1, *range(first_tag, len(states))], dtype=np.int32),
        binary=all_binary,
        binary_scores=scores(len(all_binary)),
        unary=random.permutation(all_unary),
        unary_scores=scores(len(all_unary)),
        end_score=0.0,
        tag_costs=random.normal(0, 1, tags + 1),
        lexicon=TableLexicon(table),
    )


def plainly(grammar: Grammar, words: list[str], *, opened: bool = False) -> tuple[str, float] | None:
    """Best tree and score: a chart of dictionaries, unary rules until nothing changes, candidates in a list."""
    read = grammar.lexicon.open_scores if opened else grammar.lexicon.scores
    n = len(words)
    binary = [
        (*map(int, rule), float(score))
        for rule, score in zip(grammar.binary, grammar.binary_scores, strict=True)
    ]
    unary = [
        (*map(int, rule), float(score))
        for rule, score in zip(grammar.unary, grammar.unary_scores, strict=True)
    ]
    chart: dict[tuple[int, int], dict[int, float]] = {}
    for width in range(1, n + 1):
        for s in range(n - width + 1):
            e = s + width
            cell: dict[int, float] = {}
            if width == 1:
                scores = read(words[s], first=s == 0)
                cell |= {int(t): float(x) for t, x in zip(grammar.tags, scores, strict=True) if x > -np.inf}
                cell.pop(grammar.boundary, None)
            for k in range(s + 1, e):
                for p, left, right, score in binary:
                    if left in chart[s, k] and right in chart[k, e]:
                        cell[p] = max(cell.get(p, -np.inf), score + chart[s, k][left] + chart[k, e][right])
            changed = True
            while changed:
                changed = False
                for p, child, score in unary:
                    if child in cell and score + cell[child] > cell.get(p, -np.inf):
                        cell[p] = score + cell[child]
                        changed = True
            chart[s, e] = cell

    def trees(x: int, s: int, e: int) -> list[Tree]:
        name = grammar.states[x]
        if name.startswith("T"):
            return [Tree(name, word=words[s])]
        candidates = [
            (score + chart[s, k][left] + chart[k, e][right], [(left, s, k), (right, k, e)])
            for k in range(s + 1, e)
            for p, left, right, score in binary
            if p == x and left in chart[s, k] and right in chart[k, e]
        ]
        candidates += [
            (score + chart[s, e][child], [(child, s, e)])
            for p, child, score in unary
            if p == x and child in chart[s, e]
        ]
        best = max(value for value, _ in candidates)
        assert best == chart[s, e][x]
        parts = next(parts for value, parts in candidates if value == best)
        below = [tree for part in parts for tree in trees(*part)]
        return below if name.startswith("@") else [Tree(name, below)]

    goals = [
        (score + chart[0, n][x], x) for p, x, _, score in binary if p == grammar.root and x in chart[0, n]
    ]
    if not goals:
        return None
    best = max(value for value, _ in goals)
    top = next(x for value, x in goals if value == best)
    return str(Tree("ROOT", trees(top, 0, n))), best


@pytest.mark.parametrize("seed", range(12))
def test_small_grammars_are_parsed_as_by_the_plainest_means(seed):
    grammar = random_grammar(seed)
    parser, complete = Parser(grammar), Parser(grammar, prune=False)
    random = np.random.default_rng(seed)
    for _ in range(25):
        words = [f"w{i}" for i in random.integers(0, 6, random.integers(1, 8))]
        expected = plainly(grammar, words)
        opened = expected is None
        if opened:
            expected = plainly(grammar, words, opened=True)
        for found in (parser.derive(words), complete.derive(words)):
            if expected is None:
                assert found is None
            else:
                assert (str(found.tree), found.score, found.inside) == (expected[0], expected[1], expected[1])
                assert found.opened == opened


def test_without_a_parse_the_tree_is_flat():
    grammar = random_grammar(0, binary=1, unary=0)
    words = ["w0"] * 5
    assert plainly(grammar, words, opened=True) is None
    assert str(Parser(grammar).parse(words)) == "(X (XX w0) (XX w0) (XX w0) (XX w0) (XX w0))"


def test_a_sentence_needs_words():
    with pytest.raises(UsageError, match="no words"):
        Parser(random_grammar(0)).parse([])


def test_numba_is_loaded_only_when_a_parser_is_built():
    program = "import sys; from llava_vsd.metrics.spice import locate, pcfg; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


# ------------------------------------------------------------------------------------------------ the original grammar


def bits(score: float) -> int:
    return int(np.float32(score).view(np.int32))


@pytest.mark.parametrize("part", ["captions", "odd_inputs"])
def test_scores_and_trees_equal_the_original_to_the_last_bit(parser: Parser, reference, part):
    for entry in reference.json("oracle/spice/pcfg_checks.json")[part]:
        found = parser.derive(entry["c"].split(" "))
        assert found is not None
        assert str(found.tree) == entry["tree"]
        assert (bits(found.inside), found.score) == (entry["f32_bits"], entry["f64"])
        assert found.opened == entry["flood"]


@pytest.mark.parametrize(("name", "step"), [("val", 30), ("coco_a", 20)])
def test_trees_equal_the_original(parser: Parser, reference, name, step):
    for entry in reference.jsonl(f"oracle/spice/parses_{name}.jsonl.gz")[::step]:
        for words, tree in zip(entry["s"], entry["tree"], strict=True):
            assert str(parser.parse([word[0] for word in words])) == tree


@pytest.mark.parametrize(("name", "step"), [("raw_val", 40), ("raw_coco_a", 30)])
def test_tags_of_raw_captions_equal_the_original(parser: Parser, reference, name, step):
    for entry in reference.jsonl(f"oracle/spice/parses_{name}.jsonl.gz")[::step]:
        for words in entry["s"]:
            leaves = parser.parse([word[0] for word in words]).leaves()
            assert [(leaf.word, leaf.label) for leaf in leaves] == [(word[0], word[1]) for word in words]


@pytest.mark.parametrize(
    ("caption", "tree"),
    [
        (
            "vanilla ice cream in brown cone",
            "(ROOT (NP (NP (NN vanilla) (NN ice)) (NP (NP (NN cream)) (PP (IN in) (NP (JJ brown) (NN cone))))))",
        ),
        (
            "a toilet is placed to the left of a white wall in a bathroom",
            "(VP (VBZ is) (ADJP (VBN placed) (PP ",
        ),
    ],
)
def test_near_ties_go_by_double_precision(parser: Parser, caption, tree):
    assert tree in str(parser.parse(caption.split()))


def test_pruning_changes_nothing(original_grammar: Grammar, parser: Parser, reference):
    complete = Parser(original_grammar, prune=False)
    entries = reference.jsonl("oracle/spice/parses_coco_a.jsonl.gz")[7::120]
    for words in (entry["c"].split(" ") for entry in entries):
        assert parser.derive(words) == complete.derive(words)


def test_any_costs_of_tags_give_the_same_derivations(original_grammar: Grammar, parser: Parser, reference):
    costs = np.random.default_rng(5).normal(0, 3, len(original_grammar.tags))
    other = Parser(replace(original_grammar, tag_costs=costs))
    for entry in reference.json("oracle/spice/pcfg_checks.json")["captions"][::20]:
        words = entry["c"].split(" ")
        assert other.derive(words) == parser.derive(words)


def test_threads_share_a_parser(parser: Parser, reference):
    captions = [
        entry["c"].split(" ") for entry in reference.json("oracle/spice/pcfg_checks.json")["captions"][:60]
    ]
    expected = [str(parser.parse(words)) for words in captions]
    found: dict[int, list[str]] = {}

    def work(number: int) -> None:
        found[number] = [str(parser.parse(words)) for words in captions]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(found[number] == expected for number in range(3))


@pytest.mark.parametrize(
    "words",
    [
        ["🙂"],
        ["שלום", "עולם"],
        ["\x00", "\x1b[0m"],
        ["25\u00a01/2", "cats"],
        ["UNK"],
        [".$."],
        ["-LRB-", "a", "dog", "-RRB-"],
        [""],
        ["x" * 5000],
        ["İstanbul", "ǅ", "ß", "٣"],
    ],
)
def test_odd_words_have_a_tree_with_just_these_leaves(parser: Parser, words):
    tree = parser.parse(words)
    assert [leaf.word for leaf in tree.leaves()] == words
    assert tree.label == "ROOT"


def test_long_sentences_are_parsed_up_to_the_limit_and_flat_beyond(parser: Parser):
    words = ["a", "cat", "sits", "on", "the", "mat", "and"] * 30
    tree = parser.parse(words[:60])
    assert (tree.label, [leaf.word for leaf in tree.leaves()]) == ("ROOT", words[:60])
    beyond = words[: MAX_WORDS + 1]
    assert parser.parse(beyond) == flat(beyond)
    assert parser.parse(words[:7]).label == "ROOT"  # and then short ones again


def test_a_chart_grows_as_needed_and_not_beyond_its_limit(
    original_grammar: Grammar, parser: Parser, monkeypatch
):
    from llava_vsd.metrics.spice.chart import Space

    words = [
        "a",
        "man",
        "in",
        "a",
        "blue",
        "shirt",
        "is",
        "riding",
        "a",
        "brown",
        "horse",
        "along",
        "the",
        "beach",
    ]
    monkeypatch.setattr(Space, "FEWEST_SPANS", 1 << 10)
    small = Parser(original_grammar)
    assert small.derive(words) == parser.derive(words)
    monkeypatch.setattr(Space, "MOST_SPANS", 1 << 10)
    tight = Parser(original_grammar)
    assert tight.parse(words) == flat(words)
    assert tight.parse(["dogs"]) == parser.parse(["dogs"])


def test_the_same_trees_in_another_process(original_grammar: Grammar, parser: Parser, tmp_path):
    original_grammar.save(tmp_path / "g.npz")
    captions = ["a dog runs on the grass", "two people standing next to a grey car"]
    program = (
        "import sys, json; from pathlib import Path; from llava_vsd.metrics.spice.grammar import Grammar; "
        "from llava_vsd.metrics.spice.pcfg import Parser; parser = Parser(Grammar.load(Path(sys.argv[1]))); "
        "print(json.dumps([str(parser.parse(c.split())) for c in json.loads(sys.argv[2])]))"
    )
    for seed in ("0", "12345"):
        done = subprocess.run(
            [sys.executable, "-c", program, str(tmp_path / "g.npz"), json.dumps(captions)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        )
        assert json.loads(done.stdout) == [str(parser.parse(caption.split())) for caption in captions]
