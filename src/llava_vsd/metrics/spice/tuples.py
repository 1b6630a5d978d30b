"""Patterns read objects, attributes and relations off a dependency graph: the tuples that SPICE compares.

docs/spice.md lists the patterns by the numbers used here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from llava_vsd.metrics.spice.graph import Edge, Graph
from llava_vsd.metrics.spice.scene import NOUNS, resolve_pronouns, resolve_quantities

PLURALS = frozenset({"NNS", "NNPS"})
# Subtypes of `nmod` that are no prepositions.
BARE = frozenset({"nmod:poss", "nmod:agent"})

# (object), (object, attribute) or (subject, object, predicate)
RawTuple = tuple[str, ...]


def tuples(graphs: Sequence[Graph]) -> list[RawTuple]:
    """The raw tuples of a caption, with repetitions, in the order of the original program.

    Args:
        graphs: the collapsed graph of each sentence; they are not changed.

    Returns:
        (object), (object, attribute) or (subject, object, predicate): lower-case lemmas, but the predicate
        keeps the case of its words.
    """
    found: list[RawTuple] = []
    for graph in graphs:
        scene = graph.copy()
        resolve_quantities(scene)
        resolve_pronouns(scene)
        found += _Patterns(scene).tuples()
    return found


def visiting_order(graph: Graph) -> list[int]:
    """The nodes with edges, and roots: governors before dependents, or in text order if there is a cycle."""
    nodes = [
        node
        for node, edges in enumerate(graph.children)
        if edges or graph.parents[node] or node in graph.roots
    ]
    in_text = sorted(nodes, key=lambda node: (graph.positions[node], node))
    finished: dict[int, int] = {}
    seen: set[int] = set()
    for start in graph.iterated(in_text):
        if start in seen:
            continue
        seen.add(start)
        stack = [(start, _children(graph, start))]
        while stack:
            node, children = stack[-1]
            child = next((child for child in children if child not in seen), None)
            if child is None:
                stack.pop()
                finished[node] = len(finished)
            else:
                seen.add(child)
                stack.append((child, _children(graph, child)))
    acyclic = all(finished[child] < finished[node] for node in nodes for _, child in graph.children[node])
    return list(reversed(finished)) if acyclic else in_text


def _children(graph: Graph, node: int) -> Iterator[int]:
    return iter(graph.iterated(dict.fromkeys(child for _, child in graph.children[node])))


def _is_object(relation: str) -> bool:
    return relation in ("dobj", "iobj") or relation.startswith("nmod:")


class _Patterns:
    """One scene graph with what the patterns ask of it again and again."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.order = visiting_order(graph)
        self.names = [word.lemma.strip().lower() for word in graph.words]
        self.is_noun = [word.tag in NOUNS for word in graph.words]
        self.is_plural = [word.tag in PLURALS for word in graph.words]
        self.edges: list[list[Edge]] = []
        for edges in graph.children:
            rank = {
                child: rank
                for rank, child in enumerate(graph.iterated(dict.fromkeys(child for _, child in edges)))
            }
            self.edges.append(sorted(edges, key=lambda edge: rank[edge[1]]))

    def tuples(self) -> Iterator[RawTuple]:
        yield from self._verbs_with_objects()
        yield from self._reduced_clauses()
        yield from self._predicates(copular=False)
        yield from self._predicates(copular=True)
        yield from self._adjectives()
        yield from self._prepositions()
        yield from self._possessives()
        yield from self._passives()
        yield from self._counts()
        yield from self._compounds_and_objects()

    def _attribute(self, node: int, attribute: int) -> RawTuple:
        return self.names[node], self.names[attribute]

    def _relation(self, subject: int, predicate: str, object_: int) -> RawTuple:
        return self.names[subject], self.names[object_], predicate

    def _dependents(self, node: int, relation: str) -> list[int]:
        return [child for label, child in self.edges[node] if label == relation]

    def _subjects(self, node: int) -> list[int]:
        return [child for child in self._dependents(node, "nsubj") if self.is_noun[child]]

    def _objects(self, node: int) -> list[Edge]:
        return [
            (label, child) for label, child in self.edges[node] if _is_object(label) and self.is_noun[child]
        ]

    def _predicate(self, node: int, relation: str) -> str:
        """Verb, particle and preposition: `sit down on`."""
        words = self.graph.words
        predicate = words[node].lemma
        particles = self._dependents(node, "compound:prt")
        if particles:
            predicate = ("" if predicate == "be" else predicate) + " " + words[particles[0]].word
        if relation.startswith("nmod:") and relation not in BARE:
            predicate += " " + relation.removeprefix("nmod:").replace("_", " ")
        return predicate

    def _verbs_with_objects(self) -> Iterator[RawTuple]:
        """1: "a man rides a horse", "a cat sits on a mat"."""
        for verb in self.order:
            if not self._dependents(verb, "cop"):
                for subject in self._subjects(verb):
                    for relation, object_ in self._objects(verb):
                        yield self._relation(subject, self._predicate(verb, relation), object_)

    def _reduced_clauses(self) -> Iterator[RawTuple]:
        """2: "a man riding a horse"."""
        for noun in self.order:
            for verb in self._dependents(noun, "acl"):
                if self.graph.words[verb].tag.startswith("V"):
                    for relation, object_ in self._objects(verb):
                        yield self._relation(noun, self._predicate(verb, relation), object_)

    def _predicates(self, *, copular: bool) -> Iterator[RawTuple]:
        """3: "a woman smiles"; 4: "a woman is tall", "a woman is in the house"."""
        words = self.graph.words
        for predicate in self.order:
            copulas = self._dependents(predicate, "cop")
            if bool(copulas) != copular or (not copular and self._objects(predicate)):
                continue
            cases = self._dependents(predicate, "case")[:1]
            expression = [
                words[node].word for case in cases for node in [case, *self._dependents(case, "mwe")]
            ]
            for subject in self._subjects(predicate):
                for _ in range(max(1, len(copulas))):
                    if cases:
                        yield self._relation(subject, " ".join(expression), predicate)
                    elif words[predicate].lemma != "be":
                        yield self._attribute(subject, predicate)

    def _adjectives(self) -> Iterator[RawTuple]:
        """5: "a tall woman"; 6: "she is tall"."""
        for node in self.order:
            for adjective in self._dependents(node, "amod"):
                yield self._attribute(node, adjective)
        for node in self.order:
            if self.graph.words[node].tag.startswith("J"):
                for subject in self._dependents(node, "nsubj"):
                    yield self._attribute(subject, node)

    def _prepositions(self) -> Iterator[RawTuple]:
        """7: "a woman in a house"."""
        for noun in self.order:
            if self.is_noun[noun]:
                for relation, child in self.edges[noun]:
                    if relation.startswith("nmod:") and relation not in BARE:
                        yield self._relation(noun, relation.removeprefix("nmod:").replace("_", " "), child)

    def _possessives(self) -> Iterator[RawTuple]:
        """8: "the dog's tail"."""
        for noun in self.order:
            if self.is_noun[noun]:
                for owner in self._dependents(noun, "nmod:poss"):
                    if self.is_noun[owner]:
                        yield self._relation(owner, "have", noun)

    def _passives(self) -> Iterator[RawTuple]:
        """9: "the grass was eaten by a horse"."""
        for verb in self.order:
            if self.graph.words[verb].tag.startswith("V"):
                for agent in self._dependents(verb, "nmod:agent"):
                    for patient in self._dependents(verb, "nsubjpass"):
                        if self.is_noun[agent] and self.is_noun[patient]:
                            yield self._relation(agent, self._predicate(verb, ""), patient)

    def _counts(self) -> Iterator[RawTuple]:
        """10: "two dogs". Each plural noun is asked once, but for the second subject or object of a verb."""
        graph = self.graph
        paired = set()
        for verb in self.order:
            subjects = [node for node in self._dependents(verb, "nsubj") if self.is_plural[node]]
            objects = self._plural_objects(verb) if subjects else []
            if objects:
                paired.add(verb)
                yield from self._number(subjects[0])
                yield from self._number(objects[0])
        plurals = [node for node in self.order if self.is_plural[node]]
        others = []
        for node in plurals:
            verbs = [governor for relation, governor in graph.parents[node] if relation == "nsubj"]
            if node in graph.roots or any(verb not in paired for verb in verbs):
                yield from self._number(node)
            elif not verbs:
                others.append(node)
        for node in others:
            if not any(
                (relation in ("dobj", "iobj") or relation.startswith("nmod"))
                and any(self.is_plural[subject] for subject in self._dependents(governor, "nsubj"))
                for relation, governor in graph.parents[node]
            ):
                yield from self._number(node)

    def _plural_objects(self, verb: int) -> list[int]:
        plurals = [(relation, node) for relation, node in self.edges[verb] if self.is_plural[node]]
        return [node for relation, node in plurals if relation in ("dobj", "iobj")] or [
            node
            for relation, node in plurals
            if relation.startswith("nmod:") and "agent" not in relation and self._dependents(node, "case")
        ]

    def _number(self, noun: int) -> Iterable[RawTuple]:
        numbers = self._dependents(noun, "nummod")[:1]
        if numbers:
            if self.graph.positions[numbers[0]] < self.graph.positions[noun]:
                yield self._attribute(noun, numbers[0])
        else:
            for quantity in self._dependents(noun, "det:qmod")[:1]:
                yield self._attribute(noun, quantity)

    def _compounds_and_objects(self) -> Iterator[RawTuple]:
        """11: "a kitchen table"; 13: every noun outside of a compound. (12, joined nouns, yields nothing.)"""
        compounded: set[int] = set()
        for noun in self.order:
            if self.is_noun[noun]:
                for modifier in self._dependents(noun, "compound"):
                    if self.is_noun[modifier]:
                        compounded.update((noun, modifier))
                        yield self._attribute(noun, modifier)
        for noun in self.order:
            if self.is_noun[noun] and noun not in compounded:
                yield (self.names[noun],)
