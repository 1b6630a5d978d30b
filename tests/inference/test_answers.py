import pytest
from hypothesis import given
from hypothesis import strategies as st

from llava_vsd.data.build import SEPARATOR
from llava_vsd.inference.answers import relation, sentence, sentences
from llava_vsd.relations import RELATIONS

ONE, TWO, THREE = (
    "yellow ball in water.",
    "there is a yellow ball in the water.",
    "The ball by the ship is wet.",
)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("on", "on"),
        (" In front of.\n", "in front of"),
        ("left", "to the left of"),
        ('"behind"', "behind"),
        ("**next to**", "next to"),
        ("B) in", "in"),
        ("2. under", "under"),
        ("The answer is: to the left of.", "to the left of"),
        ("Relation: above\nThe cup hangs there.", "above"),
        ("The cup stands on it.\nAnswer: on", "on"),
        ('The preposition that fits best is "next to".', "next to"),
        ("The cup is **behind** the table, not in it.", "behind"),
        ("<think>on? in? no.</think>under", "under"),
        ("on or in, I think</think> behind", "behind"),
        ("Based on the image, the cup is behind the table.", "behind"),
        ("In this image the cup is under the table.", "under"),
        ("The cup is to the left", "to the left of"),
        ('{"relation": "above"}', "above"),
        ("The cup is on the table in the kitchen.", "on"),  # of the two things it states just one
        ("The cup is resting upon a table.", "on"),
        ("The table is under the cup.", "above"),
        ("I cannot tell.", None),
        ("on or in", None),
        ("", None),
        ("<think>is it on", None),
    ],
)
def test_a_relation_is_read_from_what_models_write(text, label):
    assert relation(text, "cup", "table") == label


def test_without_the_names_a_sentence_of_several_relations_names_none():
    assert relation("The cup is on the table in the kitchen.") is None
    assert relation("The cup is on the table.") == "on"


@pytest.mark.parametrize("label", RELATIONS)
@pytest.mark.parametrize(
    "form", ["{}", " {}.", "The cup is {} the table.", "Answer: {}", "1. {}", "`{}`", "'{}'\n"]
)
def test_every_label_is_read_in_every_form(label, form):
    assert relation(form.format(label), "cup", "table") == label
    assert relation(form.format(label.upper())) == label


@pytest.mark.parametrize(
    "text",
    [
        SEPARATOR.join((ONE, TWO, THREE)),
        "\n".join((ONE, TWO, THREE)),
        "\\n".join((ONE, TWO, THREE)),
        " ".join((ONE, TWO, THREE)),  # no separator at all
        f"1. {ONE}\n2. {TWO}\n3. {THREE}",
        f"1. {ONE} 2. {TWO} 3. {THREE}",
        f"1) {ONE}\n\n2) {TWO}\n\n3) {THREE}\n\nI hope this helps!",
        f"Here are three descriptions:\n- {ONE}\n- {TWO}\n- {THREE}",
        f"Sure! Here you go:\n* {ONE}\n* {TWO}\n* {THREE}",
        f"Sentence 1: {ONE}\nSentence 2: {TWO}\nSentence 3: {THREE}",
        f'"{ONE}"\n"{TWO}"\n"{THREE}"',
        f"**1.** {ONE}\n**2.** {TWO}\n**3.** {THREE}",
        f"{ONE}\n{ONE}\n{TWO}\n{TWO}\n{THREE}",
        f"{ONE} {ONE} {TWO} {THREE} {THREE}",
        f"{ONE.upper()}\n{TWO} {THREE}".replace(ONE.upper(), ONE),
        f"<think>three of them\nor two?</think>{ONE}\n{TWO}\n{THREE}",
    ],
)
def test_three_sentences_are_found(text):
    assert sentences(text) == [ONE, TWO, THREE]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a cat; a dog; a cow", ["a cat", "a dog", "a cow"]),
        ("A cat. It is big.\nA dog.\nA cow.", ["A cat. It is big.", "A dog.", "A cow."]),  # three lines stay whole
        ("a cat at 3.5 m. Mr. Smith is here. a cow", ["a cat at 3.5 m.", "Mr. Smith is here.", "a cow"]),
        ("cat on mat.The cat is there.A dog", ["cat on mat.", "The cat is there.", "A dog"]),
        ("2 cats are on 1 mat. x y. z", ["2 cats are on 1 mat.", "x y.", "z"]),
        ("A cat.\na cat\nA dog.", ["A cat.", "a cat", "A dog."]),  # two that differ: its own repetition fills up
        ("A cat.\nA cat.\nA cat.\nA cat.", ["A cat."] * 3),
        ("A cat. A dog.", ["A cat.", "A dog."]),
        ("a cat", ["a cat"]),
        ("", []),
        ("...\n1.\n", []),
    ],
)  # fmt: skip
def test_what_is_no_three_is_taken_as_it_is(text, found):
    assert sentences(text) == found


@given(st.text(alphabet=" abcABC.;:!?123-*\n\"'\\n<>/", max_size=200))
def test_any_text_gives_at_most_three_and_three_different_ones_if_it_has_them(text):
    found = sentences(text)
    assert len(found) <= 3
    assert all(any(letter.isalpha() for letter in one) and "\n" not in one for one in found)
    assert sentence(text) == sentence(f"  {text}\n")


@given(
    st.lists(
        st.from_regex(r"[A-Z][a-z]{2,6}( [a-z]{1,6}){2,5}\.", fullmatch=True),
        min_size=3,
        max_size=3,
        unique_by=str.lower,
    ),
    st.sampled_from(["\n", " \n ", "\\n", " "]),
)
def test_three_sentences_survive_any_separator(three, separator):
    assert sentences(separator.join(three)) == three


@pytest.mark.parametrize(
    ("text", "one"),
    [
        (" a ball floats\n", "a ball floats"),
        ('"A ball floats."', "A ball floats."),
        ("Here is one description:\nA ball  floats.", "A ball floats."),
        ("<think>hm</think>\n- A ball floats.\n- more", "A ball floats."),
        ("", ""),
    ],
)
def test_one_sentence_is_the_first_that_is_no_preamble(text, one):
    assert sentence(text) == one
