"""The challenge's formulas against the paper's own row."""

import numpy as np
import pytest

from llava_vsd.metrics.challenge import overall, variants, z2, z3

PAPER = {  # LLaVA-VSD, main table: F1, BLEU-4 and SPICE of task 2, mBLEU-4 and SPICE of task 3
    "task1.f1_micro": 78.8728,
    "task2.bleu4_best": 51.9585,
    "task2.spice_best": 75.6158,
    "task3.mbleu4": 0.6916,
    "task3.spice_best": 45.809,
}


def test_the_papers_own_numbers_give_the_papers_score():
    found = variants(PAPER)
    assert found["overall.micro/best"] == pytest.approx(59.3998, abs=5e-5)
    assert set(found) == {"z1.micro", "z2.best", "z3.best", "overall.micro/best"}


def test_the_parts_by_hand():
    assert z2(10.0, 20.0) == pytest.approx(16)
    assert z3(10.0, 20.0) == pytest.approx(30)
    assert overall(10.0, 20.0, 30.0) == pytest.approx(23)


def test_the_best_possible_answer():
    assert overall(100.0, z2(100.0, 100.0), z3(0.0, 100.0)) == pytest.approx(87.5)


def test_every_choice_of_average_and_references_has_its_own_figure():
    """F1 10, 20, 30; everything else 0 but SPICE of task 3: 0.2 F1 + 0.5 * (25 + SPICE / 2)."""
    figures = {"task1.f1_micro": 10.0, "task1.f1_macro": 20.0, "task1.f1_weighted": 30.0, "task3.mbleu4": 0.0}
    figures |= {f"task2.{name}_{mode}": 0.0 for name in ("bleu4", "spice") for mode in ("best", "corpus")}
    figures |= {"task3.spice_best": 60.0, "task3.spice_corpus": 40.0}
    found = variants(figures)
    assert {name: value for name, value in found.items() if name.startswith("overall")} == pytest.approx(
        {
            "overall.micro/best": 29.5,
            "overall.macro/best": 31.5,
            "overall.weighted/best": 33.5,
            "overall.micro/corpus": 24.5,
            "overall.macro/corpus": 26.5,
            "overall.weighted/corpus": 28.5,
        }
    )
    assert found["z1.macro"] == 20
    assert found["z3.corpus"] == 45


def test_without_spice_only_z1_is_there():
    figures = {name: value for name, value in PAPER.items() if "spice" not in name}
    assert variants(figures) == {"z1.micro": 78.8728}


def test_arrays_of_resamples_are_scored_like_single_figures():
    found = variants({name: np.array([value, value / 2]) for name, value in PAPER.items()})
    halves = variants({name: value / 2 for name, value in PAPER.items()})
    assert found["overall.micro/best"].tolist() == pytest.approx(
        [variants(PAPER)["overall.micro/best"], halves["overall.micro/best"]]
    )
