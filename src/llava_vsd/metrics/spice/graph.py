"""A basic dependency tree is turned into the collapsed graph on which the patterns of SPICE are defined.

Collapsed and CC-processed Universal Dependencies v1: expressions such as `in front of` become one case
marker, case markers and conjunctions become part of the relation (`nmod:in_front_of`, `conj:and`), joined
prepositional phrases get a copy of their governor, and joined words share what governs them. The rules as a
table: docs/spice.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from llava_vsd.metrics.spice.scene_words import CONJUNCTIONS, HEADED_PAIRS, PAIRS, TRIPLES
from llava_vsd.metrics.spice.trees import Word

# Relations that take a case marker into their name.
CASED = frozenset({"nmod", "acl", "advcl"})
# A predicate with a copula keeps these relations to its governor when an expression is collapsed into it.
CLAUSAL = frozenset({"conj", "xcomp", "ccomp", "acl", "advcl", "acl:relcl", "parataxis", "appos", "list"})
SUBJECTS = frozenset({"nsubj", "nsubjpass", "csubj", "csubjpass"})
Edge = tuple[str, int]


class Graph:
    """The words of a sentence and labelled edges between them; a word can have several governors, and copies.

    A node is an index into `words`, `positions` and `copies`: first the tokens, in text order, then copies.

    Attributes:
        words: the token of each node; a copy repeats that of its original.
        positions: place of the token in its sentence, from 1.
        copies: 0 for a token, n for its n-th copy.
        sentence: place of the sentence in its caption, from 0; it takes part in the order of `iterated`.
        children: for each node its (relation, dependent) pairs.
        parents: for each node its (relation, governor) pairs.
        roots: nodes without governor from which the sentence hangs.
    """

    __slots__ = ("children", "copies", "parents", "positions", "roots", "sentence", "words")

    def __init__(self, words: Sequence[Word], sentence: int = 0) -> None:
        self.words = list(words)
        self.positions = list(range(1, len(words) + 1))
        self.copies = [0] * len(words)
        self.sentence = sentence
        self.children: list[list[Edge]] = [[] for _ in words]
        self.parents: list[list[Edge]] = [[] for _ in words]
        self.roots: list[int] = []
        for node, word in enumerate(words):
            if word.head == 0:
                self.roots.append(node)
            elif word.head > 0:
                self.attach(word.head - 1, word.relation, node)

    def copy(self) -> Graph:
        """A graph that can be changed without changing this one."""
        new = Graph([], self.sentence)
        new.words, new.positions, new.copies = list(self.words), list(self.positions), list(self.copies)
        new.roots = list(self.roots)
        new.children = [list(edges) for edges in self.children]
        new.parents = [list(edges) for edges in self.parents]
        return new

    def attach(self, governor: int, relation: str, dependent: int) -> None:
        """Adds an edge, also where an equal one exists."""
        self.children[governor].append((relation, dependent))
        self.parents[dependent].append((relation, governor))

    def detach(self, governor: int, relation: str, dependent: int) -> None:
        """Removes one edge, which must exist."""
        self.children[governor].remove((relation, dependent))
        self.parents[dependent].remove((relation, governor))

    def join(self, governor: int, relation: str, dependent: int) -> None:
        """Adds an edge unless an equal one exists."""
        if (relation, dependent) not in self.children[governor]:
            self.attach(governor, relation, dependent)

    def rename(self, governor: int, old: str, new: str, dependent: int) -> None:
        """Gives the edge `old` the label `new`."""
        self.detach(governor, old, dependent)
        self.join(governor, new, dependent)

    def duplicate(self, node: int) -> int:
        """Adds a copy of a node, without edges, and returns it."""
        self.copies.append(self.positions.count(self.positions[node]))
        self.words.append(self.words[node])
        self.positions.append(self.positions[node])
        self.children.append([])
        self.parents.append([])
        return len(self.children) - 1

    def dependents(self, node: int, relation: str) -> list[int]:
        """The dependents of a node by exactly this relation."""
        return [dependent for label, dependent in self.children[node] if label == relation]

    def relation(self, governor: int, dependent: int) -> str | None:
        """The label of the (first) edge between two nodes, None where there is none."""
        return next((label for label, node in self.children[governor] if node == dependent), None)

    def iterated(self, nodes: Iterable[int]) -> list[int]:
        """Nodes in the order in which the original program meets them when it asks for "the first".

        It keeps them in hash tables of 16, 32, ... places that grow when three quarters are taken, by a hash
        of 29 x sentence + position: in a first sentence of fewer than 16 words this is the order of the text.
        """
        nodes = list(nodes)
        size = 16
        while 4 * len(nodes) > 3 * size:
            size *= 2
        start = 29 * self.sentence
        return sorted(nodes, key=lambda node: (start + self.positions[node]) % size)

    def name(self, node: int) -> str:
        """Position of a node, with an apostrophe for each copy: `7`, `7'`."""
        return str(self.positions[node]) + "'" * self.copies[node]

    def edges(self) -> Iterator[tuple[str, str, str]]:
        """(governor, relation, dependent) for every edge, nodes by `name`, in the order of the dependents."""
        for node, parents in enumerate(self.parents):
            for relation, governor in parents:
                yield self.name(governor), relation, self.name(node)


def collapse(words: Sequence[Word], sentence: int = 0) -> Graph:
    """Turns a basic dependency tree (Universal Dependencies v1) into the collapsed, CC-processed graph.

    Args:
        words: the tokens of one sentence, in order.
        sentence: place of the sentence in its caption, from 0.

    Returns:
        a new graph; edges of each node in the order of the text.
    """
    graph = Graph(words, sentence)
    forms = [word.word.lower() for word in words]
    _name_passive_subjects(graph)
    _collapse_expressions(graph, forms)
    _divide_phrases(graph, forms)
    _divide_prepositions(graph, forms)
    _name_agents(graph, forms)
    _name_cases(graph, forms)
    _name_conjunctions(graph, forms)
    _share_governors(graph)
    order = [(graph.positions[node], graph.copies[node]) for node in range(len(graph.words))]
    for edges in (*graph.children, *graph.parents):
        edges.sort(key=lambda edge: order[edge[1]])
    return graph


def _name_passive_subjects(graph: Graph) -> None:
    for node, children in enumerate(graph.children):
        if _has(graph, node, "auxpass"):
            for relation, child in list(children):
                if relation in ("nsubj", "csubj"):
                    graph.rename(node, relation, relation + "pass", child)


def _places(forms: list[str], expressions: dict[tuple[str, ...], int], length: int) -> list[int]:
    """Where the expressions of a list occur: in the order of the list, and of the text for each."""
    found = []
    for start in range(len(forms) - length + 1):
        rank = expressions.get(tuple(forms[start : start + length]))
        if rank is not None:
            found.append((rank, start))
    return [start for _, start in sorted(found)]


def _collapse_expressions(graph: Graph, forms: list[str]) -> None:
    for first in _places(forms, PAIRS, 2):
        _collapse_pair(graph, first)
    for first in _places(forms, HEADED_PAIRS, 2):
        _collapse_headed_pair(graph, first)
    for first in _places(forms, TRIPLES, 3):
        _collapse_triple(graph, first)


def _leaf_edge(graph: Graph, node: int) -> Edge | None:
    """The edge to a node without dependents."""
    return graph.parents[node][0] if graph.parents[node] and not graph.children[node] else None


def _collapse_pair(graph: Graph, first: int) -> None:
    edge = _leaf_edge(graph, first)
    if edge is None or edge[0] not in ("case", "advmod"):
        return
    relation, noun = edge
    if _leaf_edge(graph, first + 1) == ("case", noun):
        graph.rename(noun, relation, "case", first)
        graph.detach(noun, "case", first + 1)
        graph.attach(first, "mwe", first + 1)


def _collapse_headed_pair(graph: Graph, first: int) -> None:
    edge = _leaf_edge(graph, first + 1)
    if edge is None or edge[0] != "case" or graph.relation(first, edge[1]) != "nmod":
        return
    noun = edge[1]
    predicate = _has(graph, first, "cop")
    graph.detach(first, "nmod", noun)
    graph.detach(noun, "case", first + 1)
    incoming = _take_place(graph, first, noun)
    if incoming is not None:
        relation, governor = incoming
        graph.join(governor, relation if predicate and relation in CLAUSAL else "nmod", noun)
    graph.attach(noun, "case", first)
    graph.attach(first, "mwe", first + 1)


def _collapse_triple(graph: Graph, first: int) -> None:
    middle, last = first + 1, first + 2
    edge = _leaf_edge(graph, last)
    if edge is None or edge[0] not in ("case", "mark") or _leaf_edge(graph, first) != ("case", middle):
        return
    last_relation, noun = edge
    inner = graph.relation(middle, noun)
    if inner not in CASED:
        return
    graph.detach(middle, "case", first)
    graph.detach(middle, inner, noun)
    graph.detach(noun, last_relation, last)
    marker = "case"
    incoming = _take_place(graph, middle, noun)
    if incoming is not None:
        relation, governor = incoming
        if relation == "nmod" and inner != "nmod":
            relation, marker = inner, "mark"
        graph.join(governor, relation, noun)
    graph.attach(noun, marker, first)
    graph.attach(first, "mwe", middle)
    graph.attach(first, "mwe", last)


def _take_place(graph: Graph, old: int, new: int) -> Edge | None:
    """Gives `new` the dependents of `old`, and a root's place; else returns the edge taken from `old`."""
    for relation, child in list(graph.children[old]):
        graph.detach(old, relation, child)
        graph.join(new, relation, child)
    if old in graph.roots:
        graph.roots[graph.roots.index(old)] = new
        return None
    if not graph.parents[old]:
        return None
    relation, governor = graph.parents[old][0]
    graph.detach(governor, relation, old)
    return relation, governor


def _divide_phrases(graph: Graph, forms: list[str]) -> None:
    """ "sits on a chair and under a table": a copy of `sits` governs the second phrase.

    The original makes a copy for every way in which its pattern matches (case marker x conjunction x second
    phrase x its case marker). Only the first that meets a phrase moves it; the other copies govern nothing.
    """
    for governor in range(len(forms)):
        for relation, noun in list(graph.children[governor]):
            if relation not in CASED:
                continue
            cases = graph.dependents(noun, "case")
            conjunctions = graph.iterated(graph.dependents(noun, "cc")) if cases else []
            joined = graph.iterated(graph.dependents(noun, "conj")) if conjunctions else []
            phrases = [phrase for phrase in joined for _ in graph.dependents(phrase, "case")]
            for conjunction in conjunctions * len(cases):
                for phrase in phrases:
                    copy = graph.duplicate(governor)
                    graph.join(governor, "conj:" + _conjunction(graph, conjunction, forms), copy)
                    if ("conj", noun) in graph.parents[phrase]:
                        graph.detach(noun, "conj", phrase)
                        graph.join(copy, relation, phrase)
                    if ("cc", noun) in graph.parents[conjunction]:
                        graph.detach(noun, "cc", conjunction)
                        graph.join(governor, "cc", conjunction)


def _divide_prepositions(graph: Graph, forms: list[str]) -> None:
    """ "flies to and from the tree": a copy of `flies` has the tree as `nmod:from`."""
    for noun in range(len(forms)):
        for case in graph.dependents(noun, "case"):
            for second in graph.dependents(case, "conj"):
                for conjunction in graph.dependents(case, "cc"):
                    for _, governor in graph.parents[noun][:1]:
                        copy = graph.duplicate(governor)
                        graph.join(copy, "nmod:" + forms[second], noun)
                        graph.join(governor, "conj:" + _conjunction(graph, conjunction, forms), copy)


def _name_agents(graph: Graph, forms: list[str]) -> None:
    for node in range(len(graph.words)):
        if _has(graph, node, "auxpass"):
            for noun in graph.dependents(node, "nmod"):
                if any(forms[case] == "by" for case in graph.dependents(noun, "case")):
                    graph.rename(node, "nmod", "nmod:agent", noun)


def _name_cases(graph: Graph, forms: list[str]) -> None:
    """The longest of several case markers of a noun gives the name; the last one met of equally long ones."""
    for node, children in enumerate(graph.children):
        for relation, noun in list(children):
            if relation in CASED:
                markers = graph.iterated(graph.dependents(noun, "case"))
                expressions = [sorted([marker, *graph.dependents(marker, "mwe")]) for marker in markers]
                if expressions:
                    longest = max(reversed(expressions), key=len)
                    graph.rename(
                        node, relation, relation + ":" + "_".join(forms[word] for word in longest), noun
                    )


def _conjunction(graph: Graph, conjunction: int, forms: list[str]) -> str:
    words = " ".join(forms[word] for word in sorted([conjunction, *graph.dependents(conjunction, "mwe")]))
    return CONJUNCTIONS.get(words, words)


def _name_conjunctions(graph: Graph, forms: list[str]) -> None:
    """The last conjunction met that stands before the joined word gives the name, else the first one met."""
    for node, children in enumerate(graph.children):
        conjunctions = graph.iterated(graph.dependents(node, "cc"))
        if conjunctions:
            for relation, joined in list(children):
                if relation == "conj":
                    before = [
                        word for word in conjunctions if graph.positions[word] < graph.positions[joined]
                    ]
                    name = _conjunction(graph, before[-1] if before else conjunctions[0], forms)
                    graph.rename(node, relation, "conj:" + name, joined)


def _share_governors(graph: Graph) -> None:
    """Joined words share the edges that come in, and a verb or adjective the subject of the first.

    Edges are read as they were before: what a word receives here it does not hand on.
    """
    joins = [
        (first, second)
        for first, children in enumerate(graph.children)
        for relation, second in children
        if relation.startswith("conj:")
    ]
    if not joins:
        return
    incoming = [list(edges) for edges in graph.parents]
    outgoing = [list(edges) for edges in graph.children]
    for first, second in joins:
        clauses = _has(graph, first, "acl:relcl") and _has(graph, second, "acl:relcl")
        for relation, governor in incoming[first]:
            if relation != "case" and governor != second and not (clauses and relation in ("dobj", "nsubj")):
                graph.join(governor, relation, second)
        tag = graph.words[second].tag
        if tag.startswith(("VB", "JJ")) and not any(label in SUBJECTS for label, _ in graph.children[second]):
            for relation, subject in [edge for edge in outgoing[first] if edge[0] in SUBJECTS][:1]:
                if relation == "nsubjpass" and (tag in ("VB", "VBZ", "VBP") or tag.startswith("JJ")):
                    relation = "nsubj"
                elif relation == "nsubj" and _has(graph, second, "auxpass"):
                    relation = "nsubjpass"
                graph.join(second, relation, subject)


def _has(graph: Graph, node: int, relation: str) -> bool:
    return any(label == relation for label, _ in graph.children[node])
