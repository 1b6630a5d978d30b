"""What tests of SPICE share: sentences by hand, at random or from the golden files, and the original grammar."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import strategies as st

from llava_vsd.metrics.spice import original
from llava_vsd.metrics.spice.grammar import Grammar
from llava_vsd.metrics.spice.pcfg import Parser
from llava_vsd.metrics.spice.sample import SENTENCES
from llava_vsd.metrics.spice.trees import Word

TOKEN = re.compile(r"(?P<word>.+)/(?P<tag>[^/=>]+)(=(?P<lemma>[^>]+))?>(?P<head>\d+):(?P<relation>\S+)")
TAGS = [
    "NN", "NNS", "NNP", "NNPS", "PRP", "PRP$", "VBZ", "VBG", "VBN", "VB", "JJ", "IN", "TO", "CC", "DT", "CD", "RB",
]  # fmt: skip
RELATIONS = [
    "nsubj", "nsubjpass", "csubj", "dobj", "iobj", "cop", "aux", "auxpass", "case", "mark", "mwe", "nmod",
    "nmod:poss", "nmod:tmod", "amod", "acl", "acl:relcl", "advcl", "xcomp", "nummod", "det", "compound",
    "compound:prt", "cc", "conj", "advmod", "dep", "punct",
]  # fmt: skip
WORDS = [
    "a", "an", "the", "lot", "lots", "couple", "of", "two", "dogs", "3", "20s", "some", "dog", "cat", "man", "in", "on",
    "front", "top", "next", "to", "by", "and", "or", "but", "as", "well", "from", "out", "outside", "it", "them", "be",
    "held", "tall",
]  # fmt: skip


def read_sentence(text: str) -> list[Word]:
    """`cats/NNS=cat>2:nsubj sleep/VBP>0:root`: word, tag, lemma (where it is not the word), head and relation."""
    matches = [TOKEN.fullmatch(token) for token in text.split()]
    return [
        Word(m["word"], m["tag"], m["lemma"] or m["word"].lower(), int(m["head"]), m["relation"])
        for m in matches
    ]


@st.composite
def random_sentence(draw: st.DrawFn, most: int = 40) -> list[Word]:
    """A dependency tree of words and relations that the rules look at, seldom a sensible one."""
    count = draw(st.integers(1, most))
    order = draw(st.permutations(range(1, count + 1)))
    words = {}
    for place, position in enumerate(order):
        head = draw(st.sampled_from(order[:place])) if place else 0
        if place and draw(st.integers(0, 30)) == 0:
            head = -1
        word = draw(st.sampled_from(WORDS))
        relation = draw(st.sampled_from(RELATIONS)) if place else "root"
        words[position] = Word(word, draw(st.sampled_from(TAGS)), word, head, relation)
    return [words[position] for position in sorted(words)]


@pytest.fixture(scope="session")
def sentence() -> Callable[[str], list[Word]]:
    return read_sentence


@pytest.fixture(scope="session")
def random_sentences() -> st.SearchStrategy[list[Word]]:
    return random_sentence()


def basic_words(graph: dict[str, Any]) -> list[Word]:
    """The words of a golden `basic` graph."""
    heads = {dependent: (int(head), relation) for head, relation, dependent in graph["edges"]}
    heads |= dict.fromkeys(graph["roots"], (0, "root"))
    return [Word(word, tag, lemma, *heads.get(node, (-1, ""))) for node, word, tag, lemma in graph["nodes"]]


@pytest.fixture(scope="session", params=["hand_trees", "random_trees"])
def golden_trees(
    request: pytest.FixtureRequest, reference: Any
) -> list[tuple[list[list[Word]], dict[str, Any]]]:
    """For each tree the words of its sentences, and what the original makes of them."""
    rows = reference.jsonl(f"oracle/spice/{request.param}.jsonl.gz")
    return [([basic_words(graph) for graph in row["basic"]], row) for row in rows]


@pytest.fixture(scope="session")
def original_stream(reference: Any) -> bytes:
    """The original grammar as published, unpacked."""
    return gzip.decompress(reference.path("oracle/spice/englishPCFG.ser.gz").read_bytes())


@pytest.fixture(scope="session")
def original_grammar(original_stream: bytes) -> Grammar:
    from llava_vsd.metrics.spice.bounds import fit_costs

    grammar = original.read(original_stream, "englishPCFG.ser.gz")
    return replace(grammar, tag_costs=fit_costs(grammar, SENTENCES))


@pytest.fixture(scope="session")
def parser(original_grammar: Grammar) -> Parser:
    """With the original grammar; other tests of SPICE may have it, too."""
    return Parser(original_grammar)
