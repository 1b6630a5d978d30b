from collections import Counter
from itertools import combinations

import pytest

from llava_vsd.rooms import splits
from llava_vsd.rooms.pairs import Pairs
from llava_vsd.rooms.splits import HELD_NAMES, SPLITS, held_models, is_held_pair, shown
from llava_vsd.rooms.things import SMALL, Catalogue, Thing, built_catalogue, named_models, share

ROLES = set("tuchwpznmkfxbs")
TRAINED = ("train", "val", "test-layouts")


@pytest.fixture(scope="module")
def furniture():
    """The things of the table, in sizes made up from their keys: the models themselves are not needed."""

    def size(key):
        return tuple(0.1 + 1.4 * share("size", key, axis) for axis in "wdh")

    things = [Thing(key, name, roles, size(key)) for name, roles, models in named_models() for key in models]
    return Catalogue(things, lambda key: None)


@pytest.fixture(scope="module")
def pairs(furniture):
    return {split: Pairs(furniture, split) for split in SPLITS}


def asked(pairs):
    """All pairs of things that pictures of a split may ask about."""
    return [pair for groups in pairs.families.values() for group in groups for pair in group]


def test_the_table_names_enough_things_and_each_model_once():
    rows = named_models()
    names = Counter(name for name, _, _ in rows)
    models = Counter(model for _, _, models in rows for model in models)
    assert len(names) >= 120
    assert max(names.values()) == max(models.values()) == 1
    assert all(set(roles) <= ROLES for _, roles, _ in rows)
    assert set(names) >= HELD_NAMES - {"box"}


def test_every_family_has_pairs_in_every_split(pairs):
    for split in SPLITS:
        assert set(pairs[split].families) == set(pairs["train"].families), split
        assert len(asked(pairs[split])) >= 250


def test_held_names_are_shown_by_their_test_alone(furniture):
    for split in SPLITS:
        names = {thing.name for thing in shown(furniture.things, split)}
        assert bool(names & HELD_NAMES) == (split == "test-names")


def test_held_models_are_shown_by_their_test_alone_and_their_names_are_trained(furniture):
    held = held_models(furniture.things)
    assert len(held) >= 25
    for split in SPLITS:
        keys = {thing.key for thing in shown(furniture.things, split)}
        assert bool(keys & held) == (split == "test-instances")
    trained = {thing.name for thing in shown(furniture.things, "train")}
    assert {thing.name for thing in furniture.things if thing.key in held} <= trained


def test_every_question_of_a_held_out_test_is_about_what_it_holds_out(furniture, pairs):
    held = held_models(furniture.things)
    assert all({one.key, other.key} & held for one, other in asked(pairs["test-instances"]))
    assert all({one.name, other.name} & HELD_NAMES for one, other in asked(pairs["test-names"]))
    assert all(is_held_pair(one.name, other.name) for one, other in asked(pairs["test-pairs"]))


def test_no_held_out_pair_is_asked_elsewhere_in_either_order(pairs):
    held = {frozenset((one.name, other.name)) for one, other in asked(pairs["test-pairs"])}
    for split in SPLITS:
        if split != "test-pairs":
            assert not held & {frozenset((one.name, other.name)) for one, other in asked(pairs[split])}


def test_names_of_held_out_pairs_are_trained_each_for_itself(pairs):
    trained = {name for one, other in asked(pairs["train"]) for name in (one.name, other.name)}
    held = {name for one, other in asked(pairs["test-pairs"]) for name in (one.name, other.name)}
    assert len(held - trained) <= 0.02 * len(held)


def test_training_validation_and_new_layouts_draw_from_the_same_things(pairs):
    first, *others = (asked(pairs[split]) for split in TRAINED)
    assert all(other == first for other in others)


def test_a_triple_of_a_held_out_pair_is_told_in_its_test_alone():
    names = [name for name, _, _ in named_models()]
    held = next(pair for pair in combinations(names, 2) if is_held_pair(*pair))
    free = next(pair for pair in combinations(names, 2) if not is_held_pair(*pair))
    for split in SPLITS:
        assert splits.spoken(*held, split) == (split == "test-pairs")
        assert splits.spoken(*free, split)


def test_what_belongs_on_furniture_is_never_asked_about_on_the_floor(pairs):
    for family, groups in pairs["train"].families.items():
        for group in groups:
            for subject, thing in group:
                if subject.is_small and family in ("legged", "furniture"):
                    pytest.fail(f"{subject.name} on the floor beside {thing.name}")


def test_small_is_what_is_small_or_belongs_on_furniture():
    assert Thing("a", "a", "", (SMALL / 2,) * 3).is_small
    assert Thing("a", "a", "k", (0.5, 0.5, 0.5)).is_small
    assert not Thing("a", "a", "", (0.5, 0.1, 0.1)).is_small


def test_the_built_things_fill_every_split():
    catalogue = built_catalogue()
    for split in SPLITS:
        assert asked(Pairs(catalogue, split)), split
