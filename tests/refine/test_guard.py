import pytest

from llava_vsd.refine.guard import Claim, claim, fault, measured, shared
from llava_vsd.schema import RelationAnswer

BENCH = Claim("woman", "bench", "behind")
SECOND = "a woman is standing behind a bench."
FIRST = "woman behind bench."


def judged(sentence, second=SECOND, first=FIRST, said=BENCH):
    return fault(sentence, second, [first, second], said)


@pytest.mark.parametrize(
    "sentence",
    [
        "the woman stands behind the bench.",
        "behind the bench is a woman.",
        "the bench is in front of the woman.",  # the converse, the two swapped
        "a bench with a woman behind it.",
        "the lady stands behind the bench.",  # of the list of synonyms
        "there is a woman behind the seat",
        "A woman can be seen at the back of the bench.",
    ],
)
def test_what_says_the_same_in_other_words_may_stand(sentence):
    assert judged(sentence) == ""


def test_a_synonym_by_wordnet_names_a_thing():
    said = Claim("automobile", "spectacles", "behind")
    assert (
        fault("the auto is behind the eyeglasses.", "an automobile is behind some spectacles.", [], said)
        == ""
    )


@pytest.mark.parametrize(
    ("sentence", "kind"),
    [
        ("the woman stands in front of the bench.", "relation"),
        ("the bench is behind the woman.", "relation"),  # swapped, but not turned
        ("the woman stands next to the bench.", "relation"),
        ("the woman is not behind the bench.", "relation"),
        ("the woman is behind the bench and the bench is behind the woman.", "relation"),
        ("the woman is behind it.", "names"),
        ("someone stands behind the bench, it seems.", ""),  # a kind of the list: a woman is someone
        ("the horse stands behind the bench.", "adds"),
        ("the happy woman stands behind the bench.", "adds"),
        ("the woman stands behind the red bench.", "adds"),
        ("the woman stands behind two benches.", "adds"),
        ("a woman is standing behind the bench.", "repeats"),
        ("woman behind bench.", "repeats"),
        ("woman behind", "length"),
        ("the woman " + "and the woman " * 12 + "is behind the bench.", "length"),
        ("", "length"),
        ("the woman stands behind the bench. the bench is red.", "form"),
        ("Sure, the woman stands behind the bench.", "form"),
        ('"the woman stands behind the bench', "form"),
        ("the woman stands behind the the bench.", "form"),
        ("the woman stands behind the.", "form"),
        ("the woman stands behind the bench of", "form"),
        ("a woman are behind the bench.", "form"),
        ("there are a woman behind the bench.", "form"),
        ("an woman stands behind the bench.", "form"),
        ("<the woman> stands behind the bench.", "form"),
        ("the woman is is behind the bench.", "form"),
    ],
)
def test_what_may_not_stand_is_told_by_kind(sentence, kind):
    assert judged(sentence).partition(":")[0] == kind


def test_a_turned_side_is_refused():
    said = Claim("fork", "plate", "to the left of")
    second = "a fork is on the left of a plate."
    assert fault("the fork is to the right of the plate.", second, [second], said).startswith("relation")
    assert fault("the plate is to the right of the fork.", second, [second], said) == ""


def test_two_things_of_one_name_are_told_apart_by_order():
    said = Claim("dog", "dog", "behind")
    assert fault("one dog is behind the other dog.", "a dog is behind another dog.", [], said) == ""


def test_four_words_in_a_row_are_counted_in_the_tokens_of_mbleu():
    assert measured(["A man's hat, on it."]) == ["a man 's hat on it"]
    assert shared("a man 's hat on it", "the man 's hat on", 4) == ["man 's hat on"]
    said = Claim("hat", "man", "on")
    second = (
        "a hat is on the man's head."  # the man | man 's | 's head: four tokens where there are three words
    )
    assert fault("there is a hat on top of the man's head.", second, [second], said).startswith(
        "repeats: \"the man 's head"
    )


@pytest.mark.parametrize(
    ("second", "answer", "expected"),
    [
        ("a cup is on a table.", "on", "on"),
        ("a cup is next to a table.", "on", "next to"),  # what it says counts, not task 1
        ("a table is under a cup.", "on", "above"),  # told from the other side
        ("a cup and a table.", "on", "on"),  # it says nothing that is known
        ("the cup is on top of the table.", "above", "above"),  # on and above: task 1 decides
    ],
)
def test_the_claim_is_what_the_second_sentence_says(second, answer, expected):
    said = claim(second, RelationAnswer(subject="cup", object="table", relation=answer))
    assert said == ("cup", "table", expected)
