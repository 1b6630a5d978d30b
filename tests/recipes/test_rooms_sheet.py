import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from llava_vsd.rooms.produce import BUILT, Production

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def recipe():
    spec = importlib.util.spec_from_file_location("recipe_rooms_sheet", ROOT / "recipes" / "rooms_sheet.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_sheet_shows_the_pictures_of_one_relation_with_their_claims(recipe, tmp_path, monkeypatch, capsys):
    items = list(Production(tmp_path, split="train", seed=0, furniture=BUILT).run(4))
    relation = items[2].pair.relation
    wanted = [item for item in items if item.pair.relation == relation]
    target = tmp_path / "sheet.png"
    monkeypatch.setattr(
        sys, "argv", ["rooms_sheet.py", str(tmp_path), "-o", str(target), "--relation", relation]
    )
    recipe.main()
    assert f"{len(wanted)} pictures" in capsys.readouterr().out
    with Image.open(target) as page, Image.open(tmp_path / "images" / wanted[0].image) as picture:
        assert page.size == (recipe.COLUMNS * recipe.SIDE, recipe.SIDE + 3 * recipe.LINE)
        small = picture.resize((recipe.SIDE, recipe.SIDE), Image.Resampling.LANCZOS)
        shown = page.crop((0, 0, recipe.SIDE, recipe.SIDE))
        assert np.array_equal(np.asarray(shown), np.asarray(small))
        claim = np.asarray(page.crop((0, recipe.SIDE, recipe.SIDE, page.height)))
        assert (claim.min(axis=2) < 128).sum() > 100  # text stands below
