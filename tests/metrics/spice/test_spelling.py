import pytest

from llava_vsd.metrics.spice.spelling import LISTED, NAMES, american


@pytest.mark.parametrize(
    ("word", "known_as"),
    [
        ("monday", "Monday"),
        ("december", "December"),
        ("march", "march"),
        ("may", "may"),
        ("MONDAY", "MONDAY"),
        ("grey", "gray"),
        ("Grey", "Grey"),
        ("coloured", "colored"),
        ("honourable", "honorable"),
        ("Labour", "Labor"),
        ("neighbourhoods", "neighborhoods"),
        ("endeavouring", "endeavoring"),
        ("realises", "realizes"),
        ("organisations", "organizations"),
        ("analyse", "analyze"),
        ("capitalisation", "capitalization"),
        ("pressurising", "pressurizing"),
        ("theatres", "theaters"),
        ("manoeuvres", "maneuvers"),
        ("kerb", "curb"),
        ("travelling", "traveling"),
        # rules
        ("colour", "color"),
        ("armours", "armors"),
        ("contour", "contour"),
        ("detours", "detours"),
        ("downpour", "downpour"),
        ("hour", "hour"),
        ("flour", "flour"),
        ("Colour", "Colour"),
        ("programme", "program"),
        ("programmes", "programs"),
        ("programmed", "programmed"),
        ("haematology", "hematology"),
        ("haemaometer", "haemaometer"),  # worth trying, but no rule matches
        ("haemorrhage", "haemorrhage"),  # not worth trying, though a rule would match
        ("anaemia", "anemia"),
        ("leukaemia", "leukemia"),
        ("Leukaemic", "Leukemic"),
        # too short, or nothing of the kind
        ("our", "our"),
        ("dog", "dog"),
        ("surfboard", "surfboard"),
    ],
)
def test_a_word_is_looked_up_as_americans_write_it(word, known_as):
    assert american(word) == known_as


def test_the_list_has_129_words_and_17_names():
    assert len(NAMES.split()) == 17
    assert len(LISTED) == 129 + 17


def test_listed_words_are_american_already_once_changed():
    assert [american(word) for word in LISTED.values()] == list(LISTED.values())
