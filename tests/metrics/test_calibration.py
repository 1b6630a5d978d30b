"""Calibration figures by hand, against scikit-learn, and on scores whose calibration is known."""

import numpy as np
import pytest
from sklearn import metrics

from llava_vsd.errors import UsageError
from llava_vsd.metrics.calibration import (
    BINS,
    binned,
    both_orders,
    brier,
    expected_calibration_error,
    fitted_temperature,
    log_loss,
    probabilities,
    tempered,
)
from llava_vsd.relations import RELATIONS


def error_of(confidence, correct):
    return float(
        expected_calibration_error(binned(np.array(confidence), np.array(correct, dtype=float)).sum(0))
    )


def test_the_error_by_hand():
    """Two answers at 0.8 (one right), two at 0.3 (none right): (|1.6 - 1| + |0.6 - 0|) / 4 = 0.3."""
    assert error_of([0.8, 0.8, 0.3, 0.3], [1, 0, 0, 0]) == pytest.approx(0.3)


def test_within_a_bin_over_and_under_confidence_cancel_and_between_bins_they_add():
    """0.61 and 0.66 share the bin (0.6, 0.667]; 0.61 and 0.68 do not."""
    assert error_of([0.61, 0.66], [1, 0]) == pytest.approx(abs(1.27 - 1) / 2)
    assert error_of([0.61, 0.68], [1, 0]) == pytest.approx((0.39 + 0.68) / 2)


@pytest.mark.parametrize(("confidence", "correct", "error"), [(1.0, 1, 0), (1.0, 0, 1), (0.0, 0, 0)])
def test_the_ends_of_the_scale_fall_into_the_outer_bins(confidence, correct, error):
    assert error_of([confidence], [correct]) == error


def test_a_bin_holds_its_upper_edge():
    table = binned(np.array([k / BINS for k in range(1, BINS + 1)]), np.ones(BINS))
    assert (table[..., 0] == np.eye(BINS)).all()


def test_scores_that_come_true_as_often_as_they_say_have_little_error():
    random = np.random.default_rng(0)
    confidence = random.uniform(0, 1, 200_000)
    assert error_of(confidence, random.uniform(0, 1, 200_000) < confidence) < 0.01


def test_brier_and_log_loss_are_scikit_learns():
    random = np.random.default_rng(1)
    given = random.dirichlet(np.ones(9), 50)
    gold = [RELATIONS[place] for place in random.integers(0, 9, 50)]
    order = sorted(range(9), key=lambda place: RELATIONS[place])  # scikit-learn wants the labels sorted
    labels = [RELATIONS[place] for place in order]
    assert log_loss(given, gold).mean() == pytest.approx(
        metrics.log_loss(gold, given[:, order], labels=labels)
    )
    truth = np.array([[name == one for name in RELATIONS] for one in gold])
    by_class = [metrics.brier_score_loss(truth[:, k], given[:, k], pos_label=True) for k in range(9)]
    assert brier(given, gold).mean() == pytest.approx(sum(by_class) / 2)


def test_sure_and_wrong_costs_one_and_sure_and_right_nothing():
    given = np.eye(9)[[0, 0]]
    assert brier(given, [RELATIONS[0], RELATIONS[1]]).tolist() == [0, 1]
    assert log_loss(given, [RELATIONS[0], RELATIONS[1]]).tolist() == pytest.approx([0, 36.04365338911715])


def test_relations_that_are_not_named_have_no_probability():
    assert probabilities({"in": 0.25, "on": 0.5}).tolist() == [0.5, 0.25, 0, 0, 0, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("scores", "problem"),
    [
        ({"on": 1.5}, "scores.on: 1.5"),
        ({"on": -3.0}, "scores.on: -3.0"),
        ({"on": 0.9, "in": 0.9}, "sum to 1.8"),
    ],
)
def test_scores_that_are_no_probabilities_are_refused(scores, problem):
    with pytest.raises(UsageError, match=problem):
        probabilities(scores)


def test_tempered_scores_are_powers():
    given = np.array([0.64, 0.16, 0.2, 0, 0, 0, 0, 0, 0])
    half = tempered(given, 2.0)  # square roots: 0.8, 0.4, 0.4472
    assert half[:3] == pytest.approx(np.sqrt(given[:3]) / np.sqrt(given[:3]).sum())
    assert half[3:].tolist() == [0] * 6
    assert tempered(given, 1.0) == pytest.approx(given)


def test_the_temperature_of_scores_that_were_made_too_sure_is_found_again():
    """Answers drawn from probabilities; scores are these to the power 3, so that 3 undoes it."""
    rng = np.random.default_rng(0)
    true = rng.dirichlet(np.ones(9), 20_000)
    drawn = [RELATIONS[rng.choice(9, p=row)] for row in true]
    assert fitted_temperature(tempered(true, 1 / 3), drawn) == pytest.approx(3, rel=0.03)


def test_the_fitted_temperature_has_the_least_log_loss():
    rng = np.random.default_rng(1)
    given = rng.dirichlet(np.full(9, 0.3), 300)
    gold = [RELATIONS[rng.choice(9, p=0.5 * row + 0.5 / 9)] for row in given]
    best = fitted_temperature(given, gold)
    losses = {
        temperature: log_loss(tempered(given, temperature), gold).mean()
        for temperature in (best, *np.geomspace(0.2, 20, 41))
    }
    assert min(losses, key=losses.get) == best


def test_a_model_that_is_always_right_is_made_as_sure_as_may_be():
    given = np.full((3, 9), 0.1)
    given[:, 0] = 0.2
    assert fitted_temperature(given, ["on"] * 3) == pytest.approx(0.01)
    assert fitted_temperature(given, ["in"] * 3) == pytest.approx(100)


def test_both_orders_by_hand():
    there = np.array([0.1, 0.1, 0.2, 0.1, 0.1, 0.1, 0.1, 0.2, 0.0])
    back = np.array([0.5, 0.0, 0.1, 0.1, 0.0, 0.0, 0.1, 0.0, 0.2])
    # on and in stay; the rest has 0.8 there and 0.5 back: back counts 1.6 times, and half of each with its converse
    expected = [0.1, 0.1, 0.18, 0.05, 0.13, 0.13, 0.05, 0.26, 0.0]
    assert both_orders(there, back) == pytest.approx(np.array(expected))
    assert both_orders(there, np.array([1.0] + [0.0] * 8)).tolist() == there.tolist()
