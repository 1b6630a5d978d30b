import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llava_vsd.metrics.spice.concepts import Concepts, SceneGraph, TupleError
from llava_vsd.metrics.spice.graph import collapse
from llava_vsd.metrics.spice.score import CATEGORIES, Match, means, score
from llava_vsd.metrics.spice.synonyms import wordnet
from llava_vsd.metrics.spice.trees import Word
from llava_vsd.metrics.spice.tuples import tuples

FIELDS = {"f": "f", "precision": "pr", "recall": "re", "tp": "tp", "fp": "fp", "fn": "fn"}


def unordered(matches):
    """Tuples with truth values; the original's order of merged names is that of its hash tables."""
    return sorted((["/".join(sorted(name.split("/"))) for name in names], found) for names, found in matches)


def test_every_count_value_and_truth_value_of_the_original(reference):
    items = reference.jsonl("oracle/spice/scores.jsonl.gz")
    assert len(items) == 3_015
    for item in items:
        for synsets, name in ((True, "scores"), (False, "scores_noSynsets")):
            found = score(item["test"], item["refs"], synsets=synsets)
            assert found.categories.keys() == item[name].keys()
            for category, expected in item[name].items():
                values = {field: getattr(found.categories[category], field) for field in FIELDS}
                assert values == pytest.approx(
                    {field: expected[key] for field, key in FIELDS.items()}, abs=1e-12
                ), (
                    item["id"],
                    name,
                    category,
                )
            if synsets:
                for ours, theirs in ((found.candidate, "test_tuples"), (found.reference, "ref_tuples")):
                    assert unordered(ours) == unordered(
                        (entry["tuple"], entry["truth_value"]) for entry in item[theirs]
                    ), item["id"]


@pytest.mark.parametrize("raw", [False, True], ids=["tokenized", "raw"])
@pytest.mark.parametrize("name", ["val", "coco_a"])
def test_scores_from_the_original_parses_are_the_original_scores(reference, name, raw):
    pairs = reference.json(f"oracle/pairs_{name}.json.gz")[::11]
    expected = reference.json(f"oracle/spice/spice_{'raw_' if raw else ''}{name}.json.gz")["items"]
    tokens = reference.json(f"oracle/cocoeval_{name}.json.gz")["tokens"]

    def form(caption):
        return " ".join((caption if raw else tokens[caption]).split())

    needed = {form(caption) for pair in pairs for caption in (pair["test"], *pair["refs"])}
    parses = {}
    for row in reference.jsonl(f"oracle/spice/parses_{'raw_' if raw else ''}{name}.jsonl.gz"):
        if (caption := " ".join(row["c"].split())) in needed:
            graphs = [
                collapse([Word(*word) for word in words], place) for place, words in enumerate(row["s"])
            ]
            parses[caption] = tuples(graphs)
    for pair in pairs:
        found = score(parses[form(pair["test"])], [parses[form(reference)] for reference in pair["refs"]])
        ours = {category: found.categories[category].f for category in CATEGORIES}
        assert ours == pytest.approx(expected[str(pair["image_id"])], abs=1e-9), pair


def test_merged_references_by_hand():
    # automobile, car and auto share a synset, red and crimson, big and large: 3 tuples are left of each 5 and 4.
    found = score(
        [["car"], ["auto", "red"]],
        [[["automobile", "red"]], [["car", "crimson"], ["car", "big"], ["car", "large"]]],
    )
    assert found.candidate == (Match(("car/auto",), True), Match(("car/auto", "red"), True))
    assert found.reference == (
        Match(("automobile/car",), True),
        Match(("automobile/car", "red/crimson"), True),
        Match(("automobile/car", "big/large"), False),
    )
    assert (found.precision, found.recall, found.f) == (1.0, pytest.approx(2 / 3), pytest.approx(0.8))
    assert found.categories["Object"] == (1.0, 1.0, 1.0, 1, 0, 0)
    # `red/crimson` is no color by its name: the references have none, the candidate has one in vain.
    assert found.categories["Color"] == (None, None, None, 0, 1, 0)


def test_the_copula_leaves_a_relation_but_not_a_bare_one():
    assert score([["dog", "mat", "be on"]], [[["dog", "mat", "on"]]]).f == 1.0
    assert score([["dog", "mat", "be"]], [[["dog", "mat", "be"]]]).candidate[1].tuple == ("dog", "be", "mat")


def test_several_tuples_may_meet_the_same_one_so_that_recall_passes_1():
    # under and beneath are each a synonym of below, but not of each other: 4 hits of 4 tuples against 3.
    found = score([["cat", "mat", "under"], ["cat", "mat", "beneath"]], [[["cat", "mat", "below"]]])
    assert found.categories["All"] == (pytest.approx(8 / 7), 1.0, pytest.approx(4 / 3), 4, 0, -1)


@pytest.mark.parametrize(
    ("candidate", "references", "counts"),
    [([], [], (0, 0, 0)), ([], [[]], (0, 0, 0)), ([["cat"]], [[]], (0, 1, 0)), ([], [[["cat"]]], (0, 0, 1))],
)
def test_an_empty_side_gives_0_and_no_category_without_reference(candidate, references, counts):
    found = score(candidate, references)
    assert (found.f, found.precision, found.recall) == (0.0, 0.0, 0.0)
    assert found.categories["All"][3:] == counts
    assert found.categories["Relation"].f is None
    assert found.categories["Object"].f == (0.0 if references == [[["cat"]]] else None)


def test_a_name_goes_to_the_closest_object():
    ids = {"a": {1, 2, 3, 4}, "b": {4, 5}, "c": {5}, "d": {9}, "e": {5, 4}}
    concepts = Concepts(lambda name: frozenset(ids[name]))
    graph = SceneGraph([["a"], ["d"], ["c"], ["b", "d"], ["e", "a", "b"], ["b"]], concepts)
    # b has 1/5 of the ids in common with a, 1/2 with c; e has all in common with c/b.
    assert [concept.names for concept in graph.objects] == [("a",), ("d",), ("c", "b", "e")]
    assert [list(map(str, attributes)) for attributes in graph.attributes] == [[], [], ["d"]]
    assert {pair: list(map(str, relations)) for pair, relations in graph.relations.items()} == {(2, 0): ["b"]}


def test_of_equally_close_objects_the_first_takes_the_name():
    ids = {"a": {1, 2}, "b": {3, 4}, "c": {1, 3}}
    graph = SceneGraph([["b"], ["a"], ["c"]], Concepts(lambda name: frozenset(ids[name])))
    assert [str(concept) for concept in graph.objects] == ["b/c", "a"]


@pytest.mark.parametrize("entry", [[], ["a", "b", "c", "d"]])
def test_a_tuple_of_another_length_is_refused(entry):
    with pytest.raises(TupleError, match=f"expected 1 to 3 names, found {len(entry)}"):
        score([["cat"]], [[entry]])


def test_means_by_hand():
    items = [
        score([["cat", "red"]], [[["cat", "red"], ["dog"]]]),  # P 1, R 2/3, F 4/5
        score([["cat"], ["dog"]], [[["cat"]]]),  # P 1/2, R 1, F 2/3
        score([["cat"]], [[]]),  # 0
    ]
    found = means(items)
    assert found["All"] == (
        pytest.approx((4 / 5 + 2 / 3) / 3), pytest.approx(1 / 2), pytest.approx((2 / 3 + 1) / 3), 3,
    )  # fmt: skip
    assert found["Color"] == (1.0, 1.0, 1.0, 1)
    assert found["Object"].items == 2
    assert found["Size"] == (None, None, None, 0)
    assert means([])["All"] == (None, None, None, 0)
    assert means(reversed(items)) == found


NAMES = st.sampled_from(
    ["cat", "kitten", "dog", "car", "auto", "automobile", "photo", "picture", "image", "plate", "left", "leave",
     "under", "below", "beneath", "red", "crimson", "drop", "light", "fall", "two", "2", "big", "large", "on", "be"]
)  # fmt: skip
RAW = st.lists(
    st.one_of(
        st.tuples(NAMES), st.tuples(NAMES, NAMES), st.tuples(NAMES, NAMES, NAMES | NAMES.map("be {}".format))
    ),
    max_size=12,
)


@given(RAW)
def test_a_caption_agrees_with_itself(raw):
    found = score(raw, [raw])
    assert found.f == found.precision == found.recall == (1.0 if raw else 0.0)
    assert all(match.found for match in found.candidate)


@given(RAW, st.lists(RAW, max_size=3), st.booleans())
def test_counts_add_up_and_values_are_in_range(raw, references, synsets):
    found = score(raw, references, synsets=synsets)
    for name, (f, precision, recall, tp, fp, fn) in found.categories.items():
        assert tp + fp == sum(CATEGORIES[name](match.tuple) for match in found.candidate)
        assert tp + fn == sum(CATEGORIES[name](match.tuple) for match in found.reference)
        assert (f is None) == (precision is None) == (recall is None)
        if f is not None:
            assert 0 <= precision <= 1
            assert 0 <= recall <= (tp if synsets else 1)
            assert min(precision, recall) - 1e-12 <= f <= max(precision, recall) + 1e-12
    assert sum(match.found for match in found.candidate) == found.categories["All"].tp


@given(st.data(), RAW, st.lists(RAW, max_size=3))
def test_without_synsets_order_and_repetition_are_irrelevant_and_sides_can_be_swapped(data, raw, references):
    found = score(raw, references, synsets=False)
    shuffled = [data.draw(st.permutations(reference)) for reference in data.draw(st.permutations(references))]
    assert score(data.draw(st.permutations(raw + raw[:2])), shuffled + shuffled[:1], synsets=False) == found
    swapped = score([entry for reference in references for entry in reference], [raw], synsets=False)
    if raw and any(references):
        assert (swapped.precision, swapped.recall) == (found.recall, found.precision)


@given(RAW, RAW)
def test_a_graph_can_be_built_in_parts(first, second):
    concepts = Concepts(wordnet().concept)
    assert score(first, [first, second]) == score(first, [first + second])
    assert list(map(str, SceneGraph(first, concepts).objects)) == list(
        map(str, SceneGraph(iter(first), concepts).objects)
    )


def test_scores_do_not_depend_on_the_hash_seed():
    code = (
        "from llava_vsd.metrics.spice.score import score\n"
        "names = 'cat kitten photo picture image plate drop light fall red crimson'.split()\n"
        "raw = [(a, b, c) for a in names for b in names for c in names[:4]] + [(a, b) for a in names for b in names]\n"
        "print(score(raw[::7], [raw[::3], raw[1::5]]))\n"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code], env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("0", "1", "2")
    }  # fmt: skip
    assert len(outputs) == 1
    assert "precision" in outputs.pop()
