"""A candidate's scene graph is compared with that of its references: precision, recall and F of its tuples.

SPICE: Semantic Propositional Image Caption Evaluation, Anderson et al., ECCV 2016. docs/spice.md tells how
tuples are merged and matched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from math import fsum
from operator import attrgetter
from typing import NamedTuple

from llava_vsd.metrics.spice.concepts import Concept, Concepts, SceneGraph
from llava_vsd.metrics.spice.scene_words import COLORS, NUMBERS, SIZES
from llava_vsd.metrics.spice.synonyms import wordnet


class Match(NamedTuple):
    """A tuple of a scene graph, and whether it was found in the other graph.

    Attributes:
        tuple: (object), (object, attribute) or (subject, relation, object); merged names are joined by `/`.
        found: the truth value.
    """

    tuple: tuple[str, ...]
    found: bool


class CategoryScore(NamedTuple):
    """Precision, recall and F over the tuples of one category.

    Attributes:
        f: harmonic mean of precision and recall, 0 if both are. None, like the other two, if the references
            have no tuple of the category (of *All*: 0).
        precision: `tp` of the candidate's tuples, 0 if it has none.
        recall: `tp` of the references' tuples. Tuples are not paired one to one: several of the candidate may
            meet the same one of the references, and recall (and F) can exceed 1.
        tp: tuples of the candidate that are similar to one of the references.
        fp: other tuples of the candidate.
        fn: tuples of the references, less `tp`; can be negative.
    """

    f: float | None
    precision: float | None
    recall: float | None
    tp: int
    fp: int
    fn: int


@dataclass(frozen=True, slots=True)
class SpiceScore:
    """How far the scene graph of a candidate agrees with that of its references.

    Attributes:
        f: SPICE, the F of all tuples.
        precision: of all tuples.
        recall: of all tuples.
        categories: by the original's names: All, Relation, Cardinality, Attribute, Size, Color, Object.
        candidate: the candidate's merged tuples, first those that the references have.
        reference: the merged tuples of all references together, first those that were met. A tuple of the
            candidate meets one tuple of the references, the first in the order of the names.
    """

    f: float
    precision: float
    recall: float
    categories: dict[str, CategoryScore]
    candidate: tuple[Match, ...]
    reference: tuple[Match, ...]


class CategoryMean(NamedTuple):
    """Means over the items in which a category is defined; None if it is in none.

    Attributes:
        f: mean of F (not the F of the means).
        precision: mean precision.
        recall: mean recall.
        items: how many items count.
    """

    f: float | None
    precision: float | None
    recall: float | None
    items: int


CATEGORIES: dict[str, Callable[[tuple[str, ...]], bool]] = {
    "All": lambda names: True,
    "Relation": lambda names: len(names) == 3,
    "Cardinality": lambda names: len(names) == 2 and names[1] in NUMBERS,
    "Attribute": lambda names: len(names) == 2,
    "Size": lambda names: len(names) == 2 and names[1] in SIZES,
    "Color": lambda names: len(names) == 2 and names[1] in COLORS,
    "Object": lambda names: len(names) == 1,
}


def score(
    candidate: Iterable[Sequence[str]],
    references: Iterable[Iterable[Sequence[str]]],
    *,
    synsets: bool = True,
) -> SpiceScore:
    """Scores the raw tuples of a candidate against those of all its references.

    Args:
        candidate: (object), (object, attribute) or (subject, object, predicate), as `tuples` of `tuples.py`
            returns them.
        references: the raw tuples of each reference; they make one graph.
        synsets: whether names that share a synset of WordNet are merged and match; else only equal names.

    Returns:
        the score; an empty candidate or empty references give 0.

    Raises:
        TupleError: a tuple has not one, two or three names.
    """
    concepts = _concepts(synsets)
    test = _entries(SceneGraph(candidate, concepts))
    truth = _entries(SceneGraph(chain.from_iterable(references), concepts))
    similar = [[place for place, other in enumerate(truth) if entry.similar(other)] for entry in test]
    categories = {}
    for name, belongs in CATEGORIES.items():
        # A category is compared with itself alone: `red` finds no `red/crimson`, which is no color by its name.
        members = {place for place, entry in enumerate(truth) if belongs(entry.names)}
        hits = [
            not members.isdisjoint(places)
            for entry, places in zip(test, similar, strict=True)
            if belongs(entry.names)
        ]
        categories[name] = _category(hits, len(members), undefined=0.0 if name == "All" else None)
    total = categories["All"]
    met = {places[0] for places in similar if places}
    return SpiceScore(
        total.f or 0.0,
        total.precision or 0.0,
        total.recall or 0.0,
        categories,
        candidate=_matches(
            Match(entry.names, bool(places)) for entry, places in zip(test, similar, strict=True)
        ),
        reference=_matches(Match(entry.names, place in met) for place, entry in enumerate(truth)),
    )


def means(scores: Iterable[SpiceScore]) -> dict[str, CategoryMean]:
    """The score of a corpus: for each category the means over the items in which it is defined."""
    defined: dict[str, list[CategoryScore]] = {name: [] for name in CATEGORIES}
    for item in scores:
        for name, category in item.categories.items():
            if category.f is not None:
                defined[name].append(category)
    return {
        name: CategoryMean(
            _mean(category.f for category in categories),
            _mean(category.precision for category in categories),
            _mean(category.recall for category in categories),
            len(categories),
        )
        for name, categories in defined.items()
    }


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fsum(known) / len(known) if known else None


@cache
def _concepts(synsets: bool) -> Concepts:
    return Concepts(wordnet().concept if synsets else None)


class _Entry(NamedTuple):
    names: tuple[str, ...]
    concepts: tuple[Concept, ...]

    def similar(self, other: _Entry) -> bool:
        return len(self.concepts) == len(other.concepts) and all(
            map(Concept.similar, self.concepts, other.concepts)
        )


def _entries(graph: SceneGraph) -> list[_Entry]:
    """The tuples of a graph in the order of their names."""
    return sorted((_Entry(tuple(map(str, item)), item) for item in graph.items()), key=attrgetter("names"))


def _matches(matches: Iterable[Match]) -> tuple[Match, ...]:
    """In the order in which the original lists them: those that were found first."""
    return tuple(sorted(matches, key=lambda match: (not match.found, match.tuple)))


def _category(hits: list[bool], references: int, undefined: float | None) -> CategoryScore:
    tp = sum(hits)
    fp, fn = len(hits) - tp, references - tp
    if not references:
        return CategoryScore(undefined, undefined, undefined, tp, fp, fn)
    precision = tp / len(hits) if hits else 0.0
    recall = tp / references
    f = 2 * precision * recall / (precision + recall) if tp else 0.0
    return CategoryScore(f, precision, recall, tp, fp, fn)
