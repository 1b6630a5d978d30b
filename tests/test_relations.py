import pytest

from llava_vsd.relations import RELATIONS, converse, mirrored, parse_relation


@pytest.mark.parametrize(
    ("text", "relation"),
    [
        ("next", "next to"), ("left", "to the left of"), ("right", "to the right of"), ("in front", "in front of"),
        ("To the Left of", "to the left of"), (" on. ", "on"), ("in_front_of", "in front of"), ("near", None),
        ("", None),
    ],
)  # fmt: skip
def test_labels_of_paper_and_files_are_read(text, relation):
    assert parse_relation(text) == relation


def test_there_are_nine_and_each_names_itself():
    assert len(RELATIONS) == 9
    assert [parse_relation(relation) for relation in RELATIONS] == list(RELATIONS)


def test_a_converse_of_a_converse_is_the_relation():
    with_converse = [relation for relation in RELATIONS if converse(relation)]
    assert set(RELATIONS) - set(with_converse) == {"on", "in"}
    assert all(converse(converse(relation)) == relation for relation in with_converse)


def test_a_mirror_swaps_left_and_right_alone():
    assert mirrored("to the left of") == "to the right of"
    assert {relation for relation in RELATIONS if mirrored(relation) != relation} == {
        "to the left of",
        "to the right of",
    }
    assert all(mirrored(mirrored(relation)) == relation for relation in RELATIONS)
