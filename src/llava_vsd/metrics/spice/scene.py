"""A dependency graph becomes a scene graph: quantity phrases become modifiers, pronouns their nouns."""

from __future__ import annotations

import re
from typing import NamedTuple

from llava_vsd.metrics.spice.graph import Graph
from llava_vsd.metrics.spice.scene_words import AMOUNTS, PLURAL_AMOUNTS, SHARES, SINGULAR_PRONOUNS

NOUNS = frozenset({"NN", "NNS", "NNP", "NNPS"})
SINGULAR_NOUNS = frozenset({"NN", "NNP"})


class Quantity(NamedTuple):
    """A kind of quantity phrase: "a lot of dogs", "lots of dogs", "two of the dogs".

    Attributes:
        heads: words that head the phrase, lower-case.
        digits: numbers that do as well.
        article: the head needs "a" or "an", which joins the phrase.
        definite: a noun (not a pronoun) needs a determiner right after "of".
        left: relation of the words before the head that join the phrase; empty for any.
    """

    heads: frozenset[str]
    digits: re.Pattern[str] | None
    article: bool
    definite: bool
    left: str


QUANTITIES = (
    Quantity(heads=AMOUNTS, digits=None, article=True, definite=False, left="amod"),
    Quantity(heads=PLURAL_AMOUNTS, digits=re.compile("[0-9]+s"), article=False, definite=False, left=""),
    Quantity(heads=SHARES, digits=re.compile("[0-9]+"), article=False, definite=True, left=""),
)


def resolve_quantities(graph: Graph) -> None:
    """Gives the counted noun the place of the quantity: of "a lot of dogs", `dogs` heads the phrase.

    The first word of the phrase hangs from the noun by `det:qmod`, the others from the first by `mwe`.
    """
    forms = [word.word.lower() for word in graph.words]
    for quantity in QUANTITIES:
        heads = [node for node, form in enumerate(forms) if _heads(form, quantity)]
        # All phrases of a kind are found before the first one is rewritten.
        for match in [match for head in heads if (match := _phrase(graph, forms, head, quantity))]:
            _rewrite(graph, match, quantity)


class _Phrase(NamedTuple):
    head: int
    relation: str
    noun: int
    words: list[int]


def _heads(form: str, quantity: Quantity) -> bool:
    return form in quantity.heads or (
        quantity.digits is not None and quantity.digits.fullmatch(form) is not None
    )


def _phrase(graph: Graph, forms: list[str], head: int, quantity: Quantity) -> _Phrase | None:
    """The quantity phrase that a word heads: its first dependent that fits, None if none does."""
    articles = [node for node in graph.dependents(head, "det") if forms[node] in ("a", "an")]
    if quantity.article and not articles:
        return None
    after = graph.positions[head] + 1
    for noun in graph.iterated(dict.fromkeys(node for _, node in graph.children[head])):
        tag = graph.words[noun].tag
        cases = [
            node
            for node in graph.dependents(noun, "case")
            if forms[node] == "of" and graph.positions[node] == after
        ]
        if not cases or not tag.startswith(("NN", "PRP")):
            continue
        if quantity.definite and not tag.startswith("PRP"):
            determiners = graph.dependents(noun, "det")
            if not any(graph.positions[node] == after + 1 for node in determiners):
                continue
        for relation, node in graph.children[head]:
            if node == noun and (relation == "nmod" or relation.startswith("nmod:")):
                return _Phrase(
                    head, relation, noun, [head, cases[0], *(articles[:1] if quantity.article else [])]
                )
    return None


def _rewrite(graph: Graph, phrase: _Phrase, quantity: Quantity) -> None:
    head, noun = phrase.head, phrase.noun
    left = [
        node
        for relation, node in graph.children[head]
        if graph.positions[node] < graph.positions[head] and quantity.left in ("", relation)
    ]
    if head in graph.roots:
        graph.roots[graph.roots.index(head)] = noun
    else:
        # Of several governors only one gives way: the first in the text from which a path leads to the root.
        connected = set(_from_root(graph))
        governors = [governor for _, governor in graph.parents[head] if governor in connected]
        if governors:
            governor = min(governors, key=lambda node: (graph.positions[node], node))
            relation = graph.relation(governor, head)
            assert relation is not None
            graph.detach(governor, relation, head)
            graph.join(governor, relation, noun)
    graph.detach(head, phrase.relation, noun)
    words = sorted({*phrase.words, *left}, key=lambda node: graph.positions[node])
    for node in words:
        for relation, governor in list(graph.parents[node]):
            graph.detach(governor, relation, node)
    graph.join(noun, "det:qmod", words[0])
    for node in words[1:]:
        graph.join(words[0], "mwe", node)


def _from_root(graph: Graph) -> list[int]:
    """Nodes in breadth-first order from the first root, the dependents of each in the order of the text."""
    nodes = graph.roots[:1]
    seen = set(nodes)
    for node in nodes:
        for _, child in sorted(graph.children[node], key=lambda edge: graph.positions[edge[1]]):
            if child not in seen:
                seen.add(child)
                nodes.append(child)
    return nodes


def resolve_pronouns(graph: Graph) -> None:
    """Gives the edges of each pronoun to the first noun met from the root, if that stands before the pronoun.

    All pronouns are decided before the first one is rewritten. Of several, the last one goes first: what the
    original does seems not to depend on the sentence, and only shows in the order of a few tuples.
    """
    pronouns = [
        node
        for node, word in enumerate(graph.words)
        if word.tag.startswith("PRP") and graph.positions[node] > 1 and not graph.copies[node]
    ]
    if not pronouns:
        return
    nodes = _from_root(graph)
    nouns = [node for node in nodes if graph.words[node].tag in NOUNS]
    singular = [node for node in nouns if graph.words[node].tag in SINGULAR_NOUNS]
    decided = []
    for pronoun in pronouns:
        candidates = (singular if graph.words[pronoun].word in SINGULAR_PRONOUNS else nouns)[:1]
        connected = pronoun in nodes and pronoun not in graph.roots
        if connected and candidates and graph.positions[candidates[0]] < graph.positions[pronoun]:
            decided.append((pronoun, candidates[0]))
    for pronoun, noun in reversed(decided):
        for relation, governor in list(graph.parents[pronoun]):
            graph.detach(governor, relation, pronoun)
            graph.attach(governor, relation, noun)
        for relation, child in list(graph.children[pronoun]):
            graph.detach(pronoun, relation, child)
            graph.attach(noun, relation, child)
