import numpy as np
import pytest

from llava_vsd.metrics.relation import states_relation
from llava_vsd.relations import RELATIONS
from llava_vsd.rooms.describe import (
    LONG_COUNT,
    SHORT_COUNT,
    Noun,
    Statement,
    long_sentences,
    posture,
    short_sentences,
)

MUG = Noun("mug", ("red",), posture="stands")
SHOES = Noun("shoes", ("black",), "many", "lies")
TABLE = Noun("table", ("wooden",))
LAMP = Noun("lamp", ("orange",))


def statements(relation):
    for subject in (MUG, SHOES):
        yield Statement(subject, TABLE, relation)
        yield Statement(subject, TABLE, relation, (("next to", LAMP),), (("to the left of", LAMP),))


@pytest.mark.parametrize("relation", RELATIONS)
def test_every_sentence_states_the_relation_as_the_metric_reads_it(relation):
    for said in statements(relation):
        for seed in range(40):
            random = np.random.default_rng(seed)
            sentences = short_sentences(random, said) + long_sentences(random, said)
            assert len(set(sentences)) == SHORT_COUNT + LONG_COUNT
            for sentence in sentences:
                assert states_relation(sentence, said.subject.name, "table", relation), sentence


def test_articles_and_verbs_agree():
    assert LAMP.some(True) == "an orange lamp"
    assert LAMP.some(False) == "a lamp"
    assert SHOES.some(True) == "some black shoes"
    assert Noun("bread", number="mass").some(False) == "some bread"
    assert (MUG.verb, SHOES.verb, Noun("bread", number="mass").verb) == ("is", "are", "is")


def test_a_ball_neither_stands_nor_sits():
    said = Statement(Noun("ball", posture="rolls"), TABLE, "under")
    random = np.random.default_rng(0)
    told = " ".join(
        sentence
        for _ in range(30)
        for sentence in short_sentences(random, said) + long_sentences(random, said)
    )
    assert "lying" in told
    assert not any(word in told for word in ("stand", "sit", "placed", "set ", "laid"))


def test_short_sentences_carry_no_adjective_and_long_ones_do():
    random = np.random.default_rng(0)
    said = Statement(MUG, TABLE, "on", (("behind", LAMP),))
    short = [sentence for _ in range(50) for sentence in short_sentences(random, said)]
    long = [sentence for _ in range(50) for sentence in long_sentences(random, said)]
    assert not any("red" in sentence.split() for sentence in short)
    assert all("red mug" in sentence and "wooden table" in sentence for sentence in long)
    assert 0.3 < np.mean(["orange lamp" in sentence for sentence in long]) < 0.8
    assert len(set(short)) > 40


@pytest.mark.parametrize(
    ("size", "roles", "expected"),
    [
        ((0.1, 0.1, 0.3), "", "stands"),
        ((0.3, 0.2, 0.02), "", "lies"),
        ((0.3, 0.3, 0.2), "", "rests"),
        ((0.3, 0.3, 0.3), "z", "sits"),
        ((0.2, 0.2, 0.2), "b", "rolls"),
        ((0.3, 0.3, 0.8), "h", "hangs"),
    ],
)
def test_posture_follows_shape_and_role(size, roles, expected):
    assert posture(size, roles) == expected
