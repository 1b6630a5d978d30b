"""Every figure against scikit-learn's, and the small cases by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from llava_vsd.errors import MismatchError
from llava_vsd.metrics.classification import (
    AVERAGES,
    NO_ANSWER,
    accuracy,
    confusion,
    f1,
    relation_scores,
    relation_table,
)
from llava_vsd.relations import RELATIONS

answers = st.lists(
    st.tuples(st.sampled_from(RELATIONS), st.sampled_from([*RELATIONS, None])), min_size=1, max_size=60
)


@settings(max_examples=100, deadline=None)
@given(answers)
def test_averages_are_those_of_scikit_learn_over_the_relations_that_occur(pairs):
    gold, predicted = [one for one, _ in pairs], [one for _, one in pairs]
    named = ["" if one is None else one for one in predicted]
    occur = [name for name in RELATIONS if name in gold or name in named]
    matrix = confusion(gold, predicted)
    assert float(accuracy(matrix)) == pytest.approx(metrics.accuracy_score(gold, named))
    for average in AVERAGES:
        expected = metrics.f1_score(gold, named, labels=occur, average=average, zero_division=0)
        assert float(f1(matrix, average)) == pytest.approx(expected, abs=1e-12)


@settings(max_examples=50, deadline=None)
@given(answers)
def test_each_relation_is_scored_as_scikit_learn_does(pairs):
    gold, predicted = [one for one, _ in pairs], [one for _, one in pairs]
    named = ["" if one is None else one for one in predicted]
    expected = metrics.precision_recall_fscore_support(gold, named, labels=list(RELATIONS), zero_division=0)
    scores = relation_scores(confusion(gold, predicted))
    for ours, theirs in zip(scores, expected, strict=False):
        assert ours == pytest.approx(theirs, abs=1e-12)


def test_the_matrix_is_scikit_learns_with_a_column_for_no_answer():
    gold = ["on", "on", "in", "behind", "under"]
    predicted = ["on", "in", "in", None, "above"]
    matrix = confusion(gold, predicted)
    assert matrix.shape == (9, 10)
    assert matrix[:, NO_ANSWER].sum() == 1
    assert matrix[RELATIONS.index("behind"), NO_ANSWER] == 1
    named = ["" if one is None else one for one in predicted]
    assert (matrix[:, :9] == metrics.confusion_matrix(gold, named, labels=list(RELATIONS))).all()


def test_an_answer_that_is_not_given_is_missed_but_not_wrongly_found():
    """Three of four right, one not answered: accuracy 3/4, precision 3/3, recall 3/4, F1 6/7."""
    matrix = confusion(["on", "on", "on", "on"], ["on", "on", "on", None])
    assert float(accuracy(matrix)) == 0.75
    assert float(f1(matrix, "micro")) == pytest.approx(6 / 7)
    row = relation_table(matrix)["on"]
    assert row == {"precision": 1.0, "recall": 0.75, "f1": pytest.approx(6 / 7), "support": 4, "predicted": 3}
    assert relation_table(matrix)["in"] == {
        "precision": 0.0,
        "recall": 0.0,
        "f1": 0.0,
        "support": 0,
        "predicted": 0,
    }


def test_by_hand():
    """on: 3 are, 2 are said to be, 2 of them rightly: F1 4/5; in: 1 is, 2 are said to be, 1 rightly: F1 2/3."""
    matrix = confusion(["on", "on", "on", "in"], ["on", "on", "in", "in"])
    assert float(f1(matrix, "micro")) == 0.75
    assert float(f1(matrix, "macro")) == pytest.approx((4 / 5 + 2 / 3) / 2)
    assert float(f1(matrix, "weighted")) == pytest.approx(0.75 * 4 / 5 + 0.25 * 2 / 3)


def test_matrices_of_items_add_up_and_score_in_a_stack():
    random = np.random.default_rng(3)
    gold = [RELATIONS[i] for i in random.integers(0, 9, 40)]
    predicted = [RELATIONS[i] for i in random.integers(0, 9, 40)]
    item = sorted(random.integers(0, 12, 40).tolist())
    stack = confusion(gold, predicted, item=item, items=12)
    assert stack.shape == (12, 9, 10)
    assert (stack.sum(0) == confusion(gold, predicted)).all()
    for average in AVERAGES:
        assert f1(stack, average) == pytest.approx([float(f1(one, average)) for one in stack])


def test_unequal_lengths_are_refused():
    with pytest.raises(MismatchError, match="2 gold relations but 1 predicted"):
        confusion(["on", "in"], ["on"])
