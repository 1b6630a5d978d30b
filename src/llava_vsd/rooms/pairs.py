"""Which two things are asked about, and how they are to stand: the same pairs under many relations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from llava_vsd.relations import Relation
from llava_vsd.rooms.splits import Split, asked, held_models, shown
from llava_vsd.rooms.things import Catalogue, Thing, kind

BESIDE: dict[Relation, float] = {
    "next to": 1.0,
    "to the left of": 1.0,
    "to the right of": 1.0,
    "in front of": 1.0,
    "behind": 1.0,
}


RAISED: frozenset[Relation] = frozenset({"on", "in", "above"})
"""Relations in which the subject is lifted off the floor: no toilet stands on a bed."""


class Family(NamedTuple):
    """Pairs that can stand in the same relations.

    Attributes:
        weight: share of the pictures.
        relations: share of each relation within the family.
        fits: whether a subject and an object belong here.
    """

    weight: float
    relations: dict[Relation, float]
    fits: Callable[[Thing, Thing], bool]


def _ratio(subject: Thing, thing: Thing) -> float:
    return subject.largest / thing.largest


def _stands(thing: Thing) -> bool:
    return not thing.hangs


def _on_floor(thing: Thing) -> bool:
    """Whether what stands beside it stands on the floor."""
    return thing.is_large or thing.stays_down


def _under_furniture(subject: Thing, thing: Thing) -> bool:
    """Middle-sized things and furniture with room below."""
    return (
        "u" in thing.roles
        and not subject.is_small
        and not subject.is_large
        and 0.16 < _ratio(subject, thing) < 0.75
        and max(subject.size[:2]) < 0.75 * max(thing.size[:2])
        and subject.size[2] < 0.72 * thing.size[2]
    )


def _into_container(subject: Thing, thing: Thing) -> bool:
    return (
        "c" in thing.roles
        and "c" not in subject.roles
        and not (subject.is_small and _on_floor(thing))
        and _ratio(subject, thing) > 0.2
        and max(subject.size[:2]) < 0.66 * min(thing.size[:2])
        and subject.size[2] < 1.3 * thing.size[2]
    )


def _onto_small(subject: Thing, thing: Thing) -> bool:
    return (
        "t" in thing.roles
        and not thing.is_large
        and not (subject.is_small and _on_floor(thing))
        and max(subject.size[:2]) < 1.05 * max(thing.size[:2])
        and _ratio(subject, thing) > 0.2
        and subject.size[2] < 4 * max(thing.size[:2])
    )


def _onto_furniture(subject: Thing, thing: Thing) -> bool:
    return (
        "t" in thing.roles
        and "u" not in thing.roles
        and thing.is_large
        and not subject.is_small
        and not subject.is_large
        and 0.15 < _ratio(subject, thing) < 0.7
    )


def _onto_table(subject: Thing, thing: Thing) -> bool:
    """Small things, which have no place on a floor: they are on furniture or above it."""
    return (
        "t" in thing.roles and _on_floor(thing) and subject.is_small and 0.12 < _ratio(subject, thing) < 0.7
    )


def _peers(subject: Thing, thing: Thing) -> bool:
    return subject.is_small == thing.is_small and 0.4 < _ratio(subject, thing) < 2.5


def _over_furniture(subject: Thing, thing: Thing) -> bool:
    return (
        subject.hangs
        and _stands(thing)
        and not thing.is_small
        and thing.size[2] < 1.3
        and _ratio(subject, thing) > 0.15
    )


def _under_hanging(subject: Thing, thing: Thing) -> bool:
    return _over_furniture(thing, subject)


def _both_stand(fits: Callable[[Thing, Thing], bool]) -> Callable[[Thing, Thing], bool]:
    return lambda subject, thing: _stands(subject) and _stands(thing) and fits(subject, thing)


FAMILIES: dict[str, Family] = {
    "legged": Family(
        0.34,
        {"on": 1.0, "under": 1.9, "above": 1.0, **dict.fromkeys(BESIDE, 0.9)},
        _both_stand(_under_furniture),
    ),
    "container": Family(0.25, {"in": 2.8, "above": 0.9, **BESIDE}, _both_stand(_into_container)),
    "platform": Family(0.14, {"on": 1.4, "above": 0.9, **BESIDE}, _both_stand(_onto_small)),
    "furniture": Family(0.16, {"on": 1.4, "above": 1.2, **BESIDE}, _both_stand(_onto_furniture)),
    "table": Family(0.04, {"on": 1.0, "above": 1.0}, _both_stand(_onto_table)),
    "peers": Family(0.08, BESIDE, _both_stand(_peers)),
    "over": Family(0.015, {"above": 1.0}, _over_furniture),
    "below": Family(0.015, {"under": 1.0}, _under_hanging),
}


@dataclass
class Wish:
    """What a picture is to show."""

    subject: Thing
    thing: Thing
    relation: Relation
    family: str


@dataclass
class Pairs:
    """All pairs of a split, by family and names.

    Args:
        catalogue: where the things come from.
        split: whose pairs.

    Attributes:
        shown: things that a picture may show.
        families: by family, a list for each pair of names, of pairs of models.
        raised: likewise, where the subject can be lifted off the floor.
    """

    catalogue: Catalogue
    split: Split
    shown: list[Thing] = field(init=False)
    families: dict[str, list[list[tuple[Thing, Thing]]]] = field(init=False)
    raised: dict[str, list[list[tuple[Thing, Thing]]]] = field(init=False)

    def __post_init__(self) -> None:
        self.shown = shown(self.catalogue.things, self.split)
        held = held_models(self.catalogue.things)
        self.families, self.raised = {}, {}
        for name, family in FAMILIES.items():
            pairs: dict[tuple[str, str], list[tuple[Thing, Thing]]] = {}
            for subject in self.shown:
                for thing in self.shown:
                    if (
                        kind(subject.name) != kind(thing.name)
                        and family.fits(subject, thing)
                        and asked(subject, thing, self.split, held)
                    ):
                        pairs.setdefault((subject.name, thing.name), []).append((subject, thing))
            if pairs:
                self.families[name] = [pairs[key] for key in sorted(pairs)]
            light = [[pair for pair in pairs[key] if not pair[0].is_heavy] for key in sorted(pairs)]
            if any(light):
                self.raised[name] = [group for group in light if group]

    def draw_relation(self, random: np.random.Generator) -> tuple[str, Relation]:
        """A family by its weight, and a relation by the family's."""
        names = list(self.families)
        family = names[_draw(random, [FAMILIES[name].weight for name in names])]
        weights = {
            relation: weight
            for relation, weight in FAMILIES[family].relations.items()
            if relation not in RAISED or family in self.raised
        }
        return family, list(weights)[_draw(random, list(weights.values()))]

    def draw_pair(self, random: np.random.Generator, family: str, relation: Relation) -> Wish:
        """A pair of the family that can stand in the relation."""
        groups = (self.raised if relation in RAISED else self.families)[family]
        subject, thing = self._models(random, groups)
        return Wish(subject, thing, relation, family)

    def _models(
        self, random: np.random.Generator, groups: list[list[tuple[Thing, Thing]]]
    ) -> tuple[Thing, Thing]:
        # objects first, by their looks: a chair is not asked about more often because more things fit on it
        models: dict[str, set[str]] = {}
        for group in groups:
            models.setdefault(group[0][1].name, set()).update(thing.key for _, thing in group)
        objects = sorted(models)
        chosen = objects[_draw(random, [len(models[name]) ** 0.5 for name in objects])]
        among = [group for group in groups if group[0][1].name == chosen]
        group = among[random.integers(len(among))]
        return group[random.integers(len(group))]


def _draw(random: np.random.Generator, weights: Sequence[float]) -> int:
    edges = np.cumsum(weights)
    return int(np.searchsorted(edges, random.random() * edges[-1], side="right"))
