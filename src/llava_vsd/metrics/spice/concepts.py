"""The scene graph that SPICE compares: names that share a synset are merged into one concept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from llava_vsd.errors import VsdError

_REMEMBERED = 100_000


class TupleError(VsdError):
    """A raw tuple has not one, two or three names."""


class Concept:
    """Names that mean the same, with all their synset ids; never changed.

    Attributes:
        names: strings as they occurred, in the order in which they were merged.
        ids: their synset ids.
        keys: names and ids in one set: two concepts are similar if their keys meet.
    """

    __slots__ = ("ids", "keys", "names")

    def __init__(self, names: tuple[str, ...], ids: frozenset[int]) -> None:
        self.names = names
        self.ids = ids
        self.keys: frozenset[int | str] = ids.union(names)

    def similar(self, other: Concept) -> bool:
        """Whether the two share a name or an id."""
        return not self.keys.isdisjoint(other.keys)

    def closeness(self, other: Concept) -> float:
        """1 for concepts that share a name, else the share of ids that they have in common, in [0, 1]."""
        if self.keys.isdisjoint(other.keys):
            return 0.0
        if any(name in other.names for name in self.names):
            return 1.0
        return len(self.ids & other.ids) / len(self.ids | other.ids)

    def merged(self, other: Concept) -> Concept:
        """A concept with the names and ids of both."""
        new = tuple(name for name in other.names if name not in self.names)
        return Concept(self.names + new, self.ids | other.ids) if new else self

    def __str__(self) -> str:
        return "/".join(self.names)


class Concepts:
    """Makes the concept of a single name; remembers up to 100,000 names.

    Args:
        ids: synset ids of a name; without it, concepts have no ids and only equal names are similar.
    """

    def __init__(self, ids: Callable[[str], frozenset[int]] | None = None) -> None:
        self._ids = ids
        self._known: dict[str, Concept] = {}

    def __call__(self, name: str) -> Concept:
        """The concept of a name."""
        concept = self._known.get(name)
        if concept is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            concept = self._known[name] = Concept((name,), self._ids(name) if self._ids else frozenset())
        return concept


class SceneGraph:
    """Objects, their attributes and their relations, merged greedily in the order of the raw tuples.

    Args:
        raw: (object), (object, attribute) or (subject, object, predicate). Several captions make one graph if
            their tuples are given one after the other.
        concepts: what makes the concept of a name.

    Attributes:
        objects: one concept each.
        attributes: for each object its attributes.
        relations: concepts by (subject, object), which are indices of `objects`.

    Raises:
        TupleError: a tuple has not one, two or three names.
    """

    __slots__ = ("_alone", "_concepts", "attributes", "objects", "relations")

    def __init__(self, raw: Iterable[Sequence[str]], concepts: Concepts) -> None:
        self.objects: list[Concept] = []
        self.attributes: list[list[Concept]] = []
        self.relations: dict[tuple[int, int], list[Concept]] = {}
        self._concepts = concepts
        self._alone: dict[str, int] = {}  # objects of a single name
        for item in raw:
            if not 1 <= len(item) <= 3:
                raise TupleError(f"tuple {tuple(item)!r}: expected 1 to 3 names, found {len(item)}")
            subject = self._object(item[0])
            if len(item) == 2:
                _merge_into(self.attributes[subject], concepts(item[1]))
            elif len(item) == 3:
                pair = subject, self._object(item[1])
                _merge_into(self.relations.setdefault(pair, []), concepts(item[2].removeprefix("be ")))

    def items(self) -> Iterator[tuple[Concept, ...]]:
        """Every tuple of the graph: (object), (object, attribute), (subject, relation, object)."""
        for concept, attributes in zip(self.objects, self.attributes, strict=True):
            yield (concept,)
            for attribute in attributes:
                yield concept, attribute
        for (subject, object_), relations in self.relations.items():
            for relation in relations:
                yield self.objects[subject], relation, self.objects[object_]

    def _object(self, name: str) -> int:
        """The object of exactly this name, else the closest one (of several the first), else a new one."""
        found = self._alone.get(name)
        if found is not None:
            return found
        new = self._concepts(name)
        closest = 0.0
        for index, concept in enumerate(self.objects):
            closeness = concept.closeness(new)
            if closeness > closest:
                found, closest = index, closeness
        if found is None:
            self._alone[name] = len(self.objects)
            self.objects.append(new)
            self.attributes.append([])
            return self._alone[name]
        self._alone = {other: index for other, index in self._alone.items() if index != found}
        self.objects[found] = self.objects[found].merged(new)
        return found


def _merge_into(concepts: list[Concept], new: Concept) -> None:
    """Drops a concept that is there, merges it into the first similar one, or adds it."""
    if any(concept.names == new.names for concept in concepts):
        return
    for index, concept in enumerate(concepts):
        if concept.similar(new):
            concepts[index] = concept.merged(new)
            return
    concepts.append(new)
