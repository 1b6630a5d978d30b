"""Resampling: the same figures by brute force, known standard errors, pairing, determinism."""

import numpy as np
import pytest

from llava_vsd.errors import MismatchError
from llava_vsd.metrics.bootstrap import Figure, interval, known, mean, replicates, share_above_zero, values

random = np.random.default_rng(7)
SCORES = random.normal(50, 10, 400)


def test_a_resample_is_the_figure_of_the_drawn_items():
    """A figure that is no mean (a ratio of sums, squared), recomputed item by item from the same draws."""
    columns = np.stack([SCORES, np.abs(random.normal(5, 1, 400))], axis=1)
    figure = Figure(columns, lambda sums: (sums[..., 0] / sums[..., 1]) ** 2)
    found = replicates({"ratio": figure}, 150, seed=11)["ratio"]
    draws = np.random.default_rng(11)
    for score in found:
        drawn = columns[draws.integers(0, 400, 400)]
        assert score == pytest.approx((drawn[:, 0].sum() / drawn[:, 1].sum()) ** 2)


def test_the_interval_of_a_mean_is_that_of_the_central_limit():
    low, high = interval(replicates({"mean": mean(SCORES)}, 4000, seed=0)["mean"])
    margin = 1.96 * SCORES.std() / 20
    assert low == pytest.approx(SCORES.mean() - margin, abs=0.12)
    assert high == pytest.approx(SCORES.mean() + margin, abs=0.12)


def test_the_same_seed_gives_the_same_draws_and_another_seed_others():
    one, same, other = (replicates({"m": mean(SCORES)}, 60, seed=seed)["m"] for seed in (1, 1, 2))
    assert (one == same).all()
    assert (one != other).any()


def test_more_resamples_begin_with_the_same_ones():
    few, many = (replicates({"m": mean(SCORES)}, count, seed=1)["m"] for count in (120, 240))
    assert few == pytest.approx(many[:120], rel=1e-12)


def test_figures_and_systems_share_their_draws():
    """A constant difference stays constant in every resample, though each side varies."""
    found = replicates({"a": mean(SCORES), "b": mean(SCORES + 1)}, 100, seed=5)
    assert found["b"] - found["a"] == pytest.approx(np.ones(100))
    again = replicates({"c": mean(SCORES + 3)}, 100, seed=5)["c"]
    assert again - found["a"] == pytest.approx(np.full(100, 3.0))


def test_a_mean_is_over_the_values_that_there_are_and_scaled():
    figure = mean(np.array([3.0, 0.0, 1.0]), over=np.array([2.0, 0.0, 1.0]), scale=100)
    assert values({"m": figure}) == {"m": pytest.approx(400 / 3)}


def test_nothing_to_score_is_no_number_and_is_left_out_of_intervals():
    """Of two items one counts: a resample misses it with chance 1/4."""
    figure = mean(np.array([7.0, 0.0]), over=np.array([1.0, 0.0]))
    found = replicates({"m": figure}, 400, seed=0)["m"]
    assert 0.15 < np.isnan(found).mean() < 0.35
    assert interval(found) == [7, 7]
    assert known(found)
    assert not known(np.array([np.nan, np.nan]))
    assert not known(np.empty(0))


def test_share_above_zero():
    assert share_above_zero(np.array([-1, 0, 1, 2, np.nan])) == 0.5


def test_figures_of_different_numbers_of_items_are_refused():
    with pytest.raises(MismatchError):
        replicates({"a": mean(SCORES), "b": mean(SCORES[:5])}, 10, seed=0)
