import math
import random

import pytest

from llava_vsd.inference.choice import FORMS, Step, shares, steps, unwrapped
from llava_vsd.relations import RELATIONS

LEFT, RIGHT = "to the left of", "to the right of"


def cut(label, draw):
    """The label in random pieces of 1 to 4 letters."""
    pieces, at = [], 0
    while at < len(label):
        size = draw.randint(1, 4)
        pieces.append(label[at : at + size])
        at += size
    return pieces


class Toy:
    """A model over tokens that is one table: each label has one way to be written, and a probability.

    Labels that begin alike are cut alike, as a tokenizer that reads from the left would.
    """

    def __init__(self, seed):
        draw = random.Random(seed)
        self.pieces = {label: cut(label, random.Random(seed * 31 + 7)) for label in RELATIONS}
        for label in ("in", "in front of"):
            self.pieces[label] = ["in"] if label == "in" else ["in", " fro", "nt of"]
        weights = {label: draw.random() ** 3 for label in RELATIONS}
        self.table = {label: weight / sum(weights.values()) for label, weight in weights.items()}
        self.end = draw.choice(["</s>", "", "."])

    def answer(self, said, labels, *, raw=1.0):
        """The steps of an answer; `raw` is what all labels together have before others are ruled out."""
        found = []
        for place, token in enumerate([*self.pieces[said], self.end]):
            going = [one for one in labels if self.pieces[one][:place] == self.pieces[said][:place]]
            total = sum(self.table[one] for one in going)
            following = {}
            for one in going:
                rest = [*self.pieces[one], self.end][place]
                following[rest] = following.get(rest, 0) + raw * self.table[one] / total
            if raw < 1:
                following |= {f"q{n}": (1 - raw) / 1e4 * (n + 1) for n in range(3)}
            found.append(Step(token, following))
        return found


def divided(toy, said, *, raw=1.0):
    """All nine probabilities, groups divided by narrowed questions, as the engine does it."""
    found = {}
    for group, share in shares("text", toy.answer(said, RELATIONS, raw=raw)).items():
        parts = {group: 1.0}
        if len(group) > 1:
            best = max(group, key=toy.table.__getitem__)
            parts = shares("text", toy.answer(best, group, raw=raw), group)
        for part, inner in parts.items():
            (label,) = part
            found[label] = found.get(label, 0.0) + share * inner
    return found


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("raw", [1.0, 0.6])
def test_whatever_it_answers_all_nine_probabilities_come_back(seed, raw):
    toy = Toy(seed)
    for said in RELATIONS:
        assert divided(toy, said, raw=raw) == pytest.approx(toy.table)


def test_labels_that_part_together_are_a_group():
    answer = [Step("on", {"on": 0.5, "to": 0.3, "in": 0.2})]
    assert shares("text", answer) == pytest.approx(
        {("on",): 0.5, (LEFT, RIGHT): 0.3, ("in", "in front of"): 0.2}
    )


def test_a_label_that_begins_another_is_told_apart_by_what_follows():
    answer = [Step("in", {"in": 0.8, "on": 0.2}), Step("</s>", {"</s>": 0.6, " front": 0.2, " the": 0.2})]
    found = shares("text", answer)
    assert found == pytest.approx({("on",): 0.2, ("in",): 0.8 * 0.8, ("in front of",): 0.8 * 0.2})
    assert shares("text", answer[:1]) == pytest.approx({("on",): 0.2, ("in", "in front of"): 0.8})
    assert shares("text", answer[:1] * 1, ("in", "in front of")) == {}  # undivided


def test_tokens_reported_as_impossible_tell_nothing():
    assert shares("text", [Step("on", {"on": 0.0, "in": 0.0, "x": 1.0})]) == {}


def test_the_json_around_a_label_is_passed_over():
    head = [Step('{"', {'{"': 0.9, "{ ": 0.1}), Step("relation", {"relation": 1.0}), Step('":', {'":': 1.0})]
    answer = [*head, Step(' "', {' "': 1.0}), Step("un", {"un": 0.75, "on": 0.25}), Step("der", {"der": 1.0})]
    assert shares("response_format", answer) == pytest.approx({("under",): 0.75, ("on",): 0.25})
    merged = [*head, Step(' "on', {' "on': 0.5, ' "in': 0.5}), Step('"}', {'"}': 1.0})]
    assert shares("response_format", merged) == pytest.approx({("on",): 0.5, ("in", "in front of"): 0.5})


@pytest.mark.parametrize(
    "answer",
    [
        [],
        [Step("The", {"The": 0.9, "on": 0.1})],
        [Step("on", {"on": 0.01, "The": 0.5, "I": 0.2, "It": 0.1})],  # the other seven could have 0.01 each
    ],
)
def test_an_answer_that_tells_nothing_gives_nothing(answer):
    assert shares("text", answer) == {}


def test_white_space_and_capitals_do_not_matter():
    answer = [Step(" ", {" ": 1.0}), Step("Behind", {"Behind": 0.5, "on": 0.5})]
    assert shares("text", answer) == pytest.approx({("behind",): 0.5, ("on",): 0.5})


def test_steps_are_read_from_what_servers_send():
    content = [
        {"token": "on", "logprob": math.log(0.1), "top_logprobs": [{"token": "in", "logprob": math.log(0.9)}]}
    ]
    (step,) = steps({"content": content})
    assert (step.token, step.alternatives) == ("on", pytest.approx({"in": 0.9, "on": 0.1}))
    rounded = {"token": "on", "logprob": 1e-5, "top_logprobs": []}
    assert steps({"content": [rounded]})[0].alternatives == pytest.approx({"on": 1.0}, abs=1e-4)
    for nothing in (None, {}, {"content": None}, {"content": []}):
        assert steps(nothing) == []


@pytest.mark.parametrize(
    "content",
    [
        *("on", 7, True, {"token": "on"}, [None], ["on"], [["on"]], [7], [{}]),
        *([{"token": "on"}], [{"token": "on", "logprob": -0.1}]),
        *(
            [{"token": "on", "logprob": -0.1, "top_logprobs": wrong}]
            for wrong in (None, 7, "on", {"on": -0.1}, ["on"], [None], [["on", -0.1]], [{"token": "on"}])
        ),
        *(
            [{"token": "on", "logprob": wrong, "top_logprobs": []}]
            for wrong in (None, "-0.1", True, [], {}, math.nan, math.inf, 0.5, -(10**400))
        ),
        *(
            [{"token": "on", "logprob": -0.1, "top_logprobs": [{"token": "in", "logprob": wrong}]}]
            for wrong in (None, "-0.1", False, [-0.1], math.nan, 3)
        ),
        *(
            [{"token": "on", "logprob": -0.1, "top_logprobs": [{"token": wrong, "logprob": -0.1}]}]
            for wrong in (None, 7, ["on"], {"text": "on"})
        ),
        [{"token": None, "logprob": -0.1, "top_logprobs": [{"token": "on", "logprob": -0.1}]}],
        [[{"token": "on", "logprob": -0.1, "top_logprobs": []}]],
    ],
    ids=repr,
)
def test_steps_of_another_form_are_none(content):
    good = {"token": "on", "logprob": -0.1, "top_logprobs": [{"token": "in", "logprob": -2.5}]}
    assert steps({"content": content}) == []
    assert len(steps({"content": [good, good]})) == 2
    if isinstance(content, list):  # nor is half of an answer taken
        assert steps({"content": [good, *content]}) == []


@pytest.mark.parametrize("logprobs", ["x", 7, [], ["content"], {"tokens": ["on"]}, [{"token": "on"}]])
def test_what_is_no_report_of_steps_has_none(logprobs):
    assert steps(logprobs) == []


@pytest.mark.parametrize(
    ("form", "text", "label"),
    [
        ("response_format", '{"relation": "on"}', "on"),
        ("response_format", "on", "on"),
        ("response_format", '{"answer": "on"}', '{"answer": "on"}'),
        ("text", '{"relation": "on"}', '{"relation": "on"}'),
    ],
)
def test_a_label_is_taken_out_of_its_json(form, text, label):
    assert unwrapped(form, text) == label


def test_each_form_names_the_labels_as_its_server_wants_them():
    two = ("in", LEFT)
    assert FORMS["structured_outputs"](two) == {"structured_outputs": {"choice": ["in", LEFT]}}
    assert FORMS["guided_choice"](two) == {"guided_choice": ["in", LEFT]}
    assert FORMS["regex"](two) == {"regex": "(in|to the left of)"}
    assert FORMS["grammar"](two) == {"grammar": 'root ::= "in" | "to the left of"'}
    schema = FORMS["response_format"](two)["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["relation"]["enum"] == ["in", LEFT]
    assert next(iter(FORMS)) == "structured_outputs"
    assert FORMS["text"](two) == {}
