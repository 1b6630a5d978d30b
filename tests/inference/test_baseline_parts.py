"""The parts of the baseline: geometry, statements, templates, trees, pools, arrays."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, ValidationError
from threadpoolctl import threadpool_limits

from llava_vsd.inference.baseline.arrays import Floats
from llava_vsd.inference.baseline.boxes import BoxesModel
from llava_vsd.inference.baseline.geometry import FEATURES, geometry, mirrored_boxes
from llava_vsd.inference.baseline.pool import Pool, log_softmax
from llava_vsd.inference.baseline.statements import stated_in, statements
from llava_vsd.inference.baseline.templates import (
    ANY,
    COUNTED,
    PLURAL,
    UNCOUNTED,
    bleu4,
    content_f1,
    fill,
    numbers,
    plain,
    says,
    uncounted,
    with_gaps,
)
from llava_vsd.inference.baseline.words import WordVectors, head, is_plural
from llava_vsd.metrics.bleu import sentence_bleu
from llava_vsd.metrics.relation import states_relation
from llava_vsd.relations import RELATIONS
from llava_vsd.schema import Item, Triple


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    """Fitting is meant for one core; several that others use too make it far slower."""
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="module")
def trees():
    return BoxesModel.fit([triple((0, 9, at, at + 9), (0, 9, 100, 109)) for at in range(60)], seed=0)


def triple(subject_box, object_box, relation="on", subject="cup", object="table"):
    return Triple(
        subject=subject,
        object=object,
        relation=relation,
        subject_box=subject_box,
        object_box=object_box,
    )


def feature(name, *boxes):
    return geometry([triple(*boxes)])[0, FEATURES.index(name)]


def test_geometry_is_what_one_works_out_by_hand():
    cup, table = (10, 29, 40, 49), (20, 59, 0, 99)  # 20 high and 10 wide; 40 high and 100 wide
    assert feature("width_ratio", cup, table) == pytest.approx(np.log(10 / 100))
    assert feature("subject_aspect", cup, table) == pytest.approx(np.log(20 / 10))
    assert feature("overlap", cup, table) == pytest.approx(100 / (200 + 4000 - 100))
    assert feature("subject_covered", cup, table) == pytest.approx(100 / 200)
    assert feature("centre_y/subject_height", cup, table) == pytest.approx(np.arcsinh((39 - 79) / 20))
    assert feature("left-left", cup, table) == pytest.approx(np.arcsinh(2 * 40 / np.sqrt(10 * 100)))
    assert feature("subject_bottom", cup, table) == 29
    assert feature("overlap", (0, 9, 0, 9), (20, 29, 20, 29)) == 0


boxes = st.tuples(*[st.integers(0, 300)] * 4).map(
    lambda edges: (*sorted(edges[:2]), *sorted(edges[2:]))
)  # top, bottom, left, right


@given(boxes, boxes)
def test_a_mirror_turns_left_to_right_and_nothing_else(first, second):
    one = triple(first, second)
    seen, mirrored = geometry([one])[0], geometry([triple(*mirrored_boxes(one))])[0]
    turned = {"centre_x/subject_width", "centre_x/object_width"}
    pairs = {
        "left-left": "right-right",
        "right-right": "left-left",
        "left-right": "right-left",
        "right-left": "left-right",
    }
    for place, name in enumerate(FEATURES):
        if name in turned:
            assert mirrored[place] == pytest.approx(-seen[place], abs=1e-5)
        elif name in pairs:
            assert mirrored[place] == pytest.approx(-seen[FEATURES.index(pairs[name])], abs=1e-5)
        elif not name.endswith("_x"):
            assert mirrored[place] == pytest.approx(seen[place], abs=1e-5)


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("a window is shown on a house.", [("window", "house", "on")]),
        ("There are many trees behind the old red barn", [("trees", "red barn", "behind")]),
        ("the dog sitting to the left of two men.", [("dog", "men", "to the left of")]),
        ("A boat on the lake near a pier", [("boat", "lake", "on"), ("boat", "pier", "next to")]),
        ("The tomato on the left is in front of the bowl.", [("tomato", "bowl", "in front of")]),
        ("two zebras", []),
    ],
)  # fmt: skip
def test_what_a_description_states(said, found):
    assert list(stated_in(said)) == found


def test_labels_and_descriptions_and_their_converses_are_evidence():
    item = Item.model_validate(
        {
            "id": "i", "image": "1",
            "triples": [triple((0, 9, 0, 9), (20, 29, 0, 9), "above", "lamp", "desk")],
            "descriptions_v1": ["a lamp above a desk", "a lamp on a desk"],
            "descriptions_v2": ["The desk is under the light."],
        }
    )  # fmt: skip
    found = {tuple(one[:3]): one.weight for one in statements([item])}
    assert found == {
        ("lamp", "desk", "above"): pytest.approx(0.15),  # the last of equal ones: v1, half of its 0.3
        ("desk", "lamp", "under"): pytest.approx(0.15 * 0.3),
        ("lamp", "desk", "on"): pytest.approx(0.15),  # `on` has no converse
        ("desk", "light", "under"): pytest.approx(0.6),
        ("light", "desk", "above"): pytest.approx(0.6 * 0.3),
    }
    assert max(one.weight for one in statements([item])) == 1


@pytest.mark.parametrize(
    ("name", "word", "plural"),
    [
        ("teddy bear", "bear", False), ("Glass", "glass", False), ("bus", "bus", False), ("people", "people", True),
        ("ski tracks", "tracks", True), ("women", "women", True), ("!?", "", False), ("gas", "gas", False),
        ("t-shirt", "t-shirt", False),
    ],
)  # fmt: skip
def test_head_and_number_of_a_name(name, word, plural):
    assert (head(name), is_plural(name)) == (word, plural)


def test_words_of_like_company_have_like_vectors():
    def item(place, *names):
        return Item.model_validate(
            {"id": f"{place}", "image": "1", "triples": [triple((0, 9, 0, 9), (0, 9, 0, 9))],
             "descriptions_v1": [" ".join(names)]}
        )  # fmt: skip

    items = [item(n, one, "hay", "barn") for n, one in enumerate(["cow", "horse"] * 4)]
    items += [item(n, one, "keyboard", "screen") for n, one in enumerate(["mouse", "laptop"] * 4)]
    vectors = WordVectors.fit(items, seed=0)
    cow, horse, laptop, unknown, cows = vectors(["brown cow", "horse", "laptop", "zebra", "cows"])
    assert cow @ horse > cow @ laptop + 0.5
    assert cow @ cow == pytest.approx(1, abs=1e-5)
    assert not unknown.any()
    assert np.array_equal(cow, cows)  # a plural falls back on its singular


@pytest.mark.parametrize(
    ("said", "subject", "object", "template"),
    [
        ("a cat is on a red sofa", "cat", "sofa", "a {S} is on a red {O}"),
        ("an owl on an elm tree", "owl", "elm tree", "a {S} on a {O}"),
        ("a dog next to another dog", "dog", "dog", "a {S} next to another {O}"),
        ("the street light above the light", "light", "street light", "the {O} above the {S}"),
        ("cats on a sofa", "cat", "sofa", "cats on a sofa"),
        ("the man 's hat on the head", "man's hat", "head", "the {S} on the {O}"),
        ("a cat", "??", "cat", "a cat"),
    ],
)
def test_names_become_gaps_where_they_stand_as_they_are(said, subject, object, template):
    assert with_gaps(said, subject, object) == template


@pytest.mark.parametrize(
    ("template", "subject", "object", "sentence"),
    [
        ("a {S} is on a {O}", "Owl", "unicorn", "an owl is on a unicorn"),
        ("an {S} by a {O}", "hat", "hourglass", "a hat by an hourglass"),
        ("a {S} is on a old {O}", "cat", "sofa", "a cat is on an old sofa"),
        ("the {S} is on the man 's {O}", "hat", "head", "the hat is on the man's head"),
        ("the {S} is on the {O}", "{O}", "cat", "the {o} is on the cat"),
    ],
)
def test_gaps_are_filled_with_the_article_that_fits(template, subject, object, sentence):
    assert fill(template, subject, object) == sentence


@pytest.mark.parametrize(
    ("template", "wanted"),
    [
        ("a {S} is on the {O}", (COUNTED, ANY)),
        ("the {S} is on some {O}", (COUNTED | UNCOUNTED, UNCOUNTED | PLURAL)),
        ("there are many {S} on a {O}", (PLURAL, COUNTED)),
        ("there are {S} on {O}", (PLURAL, ANY)),
        ("there is {S} on the {O}", (UNCOUNTED, ANY)),
        ("there is some {S} on the {O}", (UNCOUNTED, ANY)),
        ("the {S} are under these {O}", (PLURAL, PLURAL)),
        ("behind the {O} is a {S}", (COUNTED, ANY)),
        ("above some {O} are the {S}", (PLURAL, UNCOUNTED | PLURAL)),
        ("some {S} are on another {O}", (PLURAL, COUNTED)),
        ("{S} on {O}", (ANY, ANY)),
    ],
)
def test_the_number_that_a_template_asks_for(template, wanted):
    assert numbers(template) == wanted


def test_a_template_says_its_relation_and_nothing_unknown():
    assert says("a {S} is sitting on the {O}", "on")
    assert says("the {O} is behind the {S}", "in front of")
    assert not says("the {O} is behind the {S}", "behind")
    assert not says("a white {S} is on the {O}", "on")
    assert not says("the {S} on the left is on the {O}", "on")
    assert says("the {S} is on the left of the {O}", "to the left of")
    assert not says("the {S} is on it", "on")


@pytest.mark.parametrize("relation", RELATIONS)
def test_plain_templates_state_their_relation(relation):
    templates = plain(relation)
    assert all(says(template, relation) for template in templates)
    assert all(states_relation(fill(one, "chair", "stool"), "chair", "stool", relation) for one in templates)


def test_words_that_are_measured_and_not_counted():
    said = [
        "some grass by a lake",
        "there is some grass by some trees",
        "an apple on some apple",
        "a grass bowl",
    ] * 2
    assert uncounted(said) == {"grass", "trees"}  # `trees` shows by its own form what it is


sentences = st.lists(st.sampled_from(["the", "a", "cat", "dog", "on", "sofa", "big"]), max_size=9).map(
    " ".join
)


@settings(max_examples=50)
@given(st.lists(sentences, min_size=1, max_size=4), st.lists(sentences, min_size=1, max_size=4))
def test_bleu_of_all_pairs_is_bleu_of_each(candidates, references):
    expected = [[sentence_bleu(one, [other])[3] for other in references] for one in candidates]
    assert bleu4(candidates, references) == pytest.approx(np.array(expected), abs=1e-9)


def test_content_f1_by_hand():
    table = content_f1(["a {S} is on the {O}", "the {S} on"], ["there is a big {S} on a {O}", "is the"])
    assert table == pytest.approx(np.array([[2 * 3 / (3 + 4), 0], [2 * 2 / (2 + 4), 0]]))


def test_a_pool_cools_what_is_too_sure_and_ignores_what_knows_nothing():
    rng = np.random.default_rng(0)
    truth = log_softmax(rng.normal(size=(20000, 9)))
    labels = np.array([rng.choice(9, p=row) for row in np.exp(truth)])
    noise = log_softmax(rng.normal(size=truth.shape))
    pool = Pool.fit([log_softmax(2 * truth), noise], labels)
    assert pool.weights == pytest.approx([0.5, 0], abs=0.03)
    assert pool.bias == pytest.approx(np.zeros(9), abs=0.1)
    assert np.exp(pool.log_probabilities([truth, noise])).sum(axis=1) == pytest.approx(np.ones(20000))


def test_trees_tell_left_from_right_and_know_relations_that_they_never_saw():
    known = [triple((0, 9, at, at + 9), (0, 9, 100, 109), "to the left of") for at in range(60)]
    known += [triple((0, 9, 200 - at, 209 - at), (0, 9, 100, 109), "to the right of") for at in range(60)]
    model = BoxesModel.fit(known, seed=0)
    logits = model.logits([known[3], known[70]])
    assert [RELATIONS[column] for column in logits.argmax(axis=1)] == ["to the left of", "to the right of"]
    assert np.isfinite(logits).all()
    assert model.logits([]).shape == (0, 9)


@pytest.mark.parametrize(
    ("field", "change", "says"),
    [
        ("left", lambda nodes: nodes * 0, "behind their parent"),
        ("right", lambda nodes: nodes + 10**6, "behind their parent"),
        ("feature", lambda nodes: nodes + 99, "expected 0 to 26"),
        ("roots", lambda nodes: nodes - 1, "numbers of nodes"),
        ("value", lambda nodes: nodes[:-1], r"value: float32 \[\d+\], expected float32 \d+"),
    ],
)
def test_trees_that_would_loop_or_lead_astray_are_refused(trees, field, change, says):
    with pytest.raises(ValidationError, match=says):
        BoxesModel(**{**dict(trees), field: change(getattr(trees, field))})


class Holder(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)

    numbers: Floats


def test_an_array_comes_back_from_json():
    numbers = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    found = Holder.model_validate_json(Holder(numbers=numbers).model_dump_json()).numbers
    assert found.dtype == np.float32
    assert np.array_equal(found, numbers)
    assert found.flags.writeable


@pytest.mark.parametrize(
    ("array", "says"),
    [
        ([1, 2], "expected an array"),
        ({"type": "object", "shape": [1], "base64": ""}, "type 'object', expected one of"),
        ({"type": "float32", "shape": [2], "base64": "AACAPw=="}, "1 numbers, expected 2"),
        ({"type": "float32", "shape": [-1], "base64": ""}, "expected a list of sizes"),
        ({"type": "float32", "shape": [1], "base64": "AADAfw=="}, "not finite"),
        ({"type": "float32", "shape": [1], "base64": "?"}, "base64"),
        ({"type": "float32", "shape": [1], "base64": "AAA="}, "buffer"),
        ({"type": "float32", "shape": [1], "base64": 7}, "base64"),
    ],
)
def test_what_is_no_array_is_refused(array, says):
    with pytest.raises(ValidationError, match=says):
        Holder.model_validate({"numbers": array})
