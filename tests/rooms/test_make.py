import io
import json

import numpy as np
import pytest
from PIL import Image

from llava_vsd.cli import main
from llava_vsd.data.images import ImageStore
from llava_vsd.data.vsd import VsdFiles
from llava_vsd.errors import UsageError
from llava_vsd.jsonl import read_rows
from llava_vsd.metrics.relation import states_relation
from llava_vsd.relations import RELATIONS
from llava_vsd.rooms.annotate import Annotator
from llava_vsd.rooms.arrange import Arranger, Nowhere
from llava_vsd.rooms.make import Maker
from llava_vsd.rooms.pairs import Pairs
from llava_vsd.rooms.produce import BUILT, Production
from llava_vsd.rooms.scene import SIDE
from llava_vsd.rooms.splits import SPLITS, is_held_pair
from llava_vsd.rooms.things import built_catalogue
from llava_vsd.schema import Item

COUNT = 24


@pytest.fixture(scope="module")
def catalogue():
    return built_catalogue()


@pytest.fixture(scope="module")
def shots(catalogue):
    maker = Maker(catalogue, "train", 3)
    return [maker.make(number) for number in range(COUNT)]


@pytest.fixture(scope="module")
def items(catalogue, shots):
    annotator = Annotator(catalogue, "train", 3)
    return [annotator.item(number, shot) for number, shot in enumerate(shots)]


def vsd(*arguments):
    with pytest.raises(SystemExit) as exit_:
        main([str(argument) for argument in arguments])
    return exit_.value.code


def test_a_picture_depends_on_seed_split_and_number_alone(catalogue, shots, items):
    maker = Maker(catalogue, "train", 3)
    again = maker.make(7)  # without those before it
    assert again.jpeg() == shots[7].jpeg()
    assert Annotator(catalogue, "train", 3).item(7, again) == items[7]
    assert Maker(catalogue, "train", 4).make(7).jpeg() != shots[7].jpeg()
    assert Maker(catalogue, "val", 3).make(7).jpeg() != shots[7].jpeg()


def test_a_picture_is_a_jpeg_of_the_asked_size(shots):
    with Image.open(io.BytesIO(shots[0].jpeg())) as opened:
        assert (opened.format, opened.size, opened.mode) == ("JPEG", (SIDE, SIDE), "RGB")
    assert all(shot.pixels.std() > 8 for shot in shots)


def test_many_relations_are_asked(shots):
    assert len({shot.wish.relation for shot in shots}) >= 6


def test_the_asked_triple_is_among_those_that_hold(items):
    for item in items:
        assert item.pair in item.holds
        assert item.pair.relation in RELATIONS


def test_things_of_the_asked_pair_are_within_the_picture_and_large_enough(items):
    for item in items:
        for y0, y1, x0, x1 in (item.pair.subject_box, item.pair.object_box):
            assert 0 <= y0 < y1 <= SIDE
            assert 0 <= x0 < x1 <= SIDE
            assert (y1 - y0) * (x1 - x0) >= 0.006 * SIDE**2
        assert all(thing["visible"] >= 0.25 for thing in item.model_extra["things"][:2])


def test_left_things_are_left_in_the_picture_and_upper_things_above(items):
    checks = {
        "to the left of": lambda one, other: one[3] <= other[2] + 4,
        "to the right of": lambda one, other: one[2] >= other[3] - 4,
        "above": lambda one, other: one[0] < other[0],
        "in": lambda one, other: one[1] <= other[1] + 4,
        "on": lambda one, other: one[0] < other[1],
    }
    seen = set()
    for item in items:
        for triple in item.holds:
            if triple.relation in checks:
                seen.add(triple.relation)
                assert checks[triple.relation](triple.subject_box, triple.object_box), (
                    item.id,
                    triple,
                )
    assert len(seen) >= 4


def test_every_description_states_the_asked_relation(items):
    for item in items:
        pair = item.pair
        for sentence in item.descriptions_v1 + item.descriptions_v2:
            assert states_relation(sentence, pair.subject, pair.object, pair.relation), sentence


def test_nothing_sinks_into_another_and_every_wish_is_met_or_refused(catalogue):
    pairs = Pairs(catalogue, "train")
    arranger = Arranger(catalogue, [thing for thing in pairs.shown if thing.name in ("table", "cabinet")])
    random = np.random.default_rng(1)
    met = 0
    for _ in range(60):
        wish = pairs.draw_pair(random, *pairs.draw_relation(random))
        try:
            arrangement = arranger.arrange(random, wish)
        except Nowhere:
            continue
        met += 1
        subject, thing = (placed.mesh for placed in arrangement.things[:2])
        assert subject.low[2] > -1e-6
        assert thing.low[2] > -1e-6
        if wish.relation in ("to the left of", "to the right of", "next to", "in front of", "behind"):
            assert (
                np.any(subject.low[:2] > thing.high[:2] - 1e-6)
                or np.any(subject.high[:2] < thing.low[:2] + 1e-6)
                or wish.relation == "next to"
            )
    assert met > 20


def test_no_picture_model_or_pair_is_in_two_splits_that_are_apart(catalogue):
    shown = {}
    for split in SPLITS:
        maker, annotator = Maker(catalogue, split, 5), Annotator(catalogue, split, 5)
        shots = [maker.make(number) for number in range(4)]
        shown[split] = [(annotator.item(number, shot), shot.jpeg()) for number, shot in enumerate(shots)]
    pictures = [jpeg for rows in shown.values() for _, jpeg in rows]
    assert len(set(pictures)) == len(pictures)
    ids = [item.image for rows in shown.values() for item, _ in rows]
    assert len(set(ids)) == len(ids)

    def models(split):
        return {thing["model"] for item, _ in shown[split] for thing in item.model_extra["things"]}

    held = {"bench", "book"}
    for split in SPLITS:
        names = {thing["name"] for item, _ in shown[split] for thing in item.model_extra["things"]}
        told = {(row.subject, row.object) for item, _ in shown[split] for row in item.holds}
        if split != "test-names":
            assert not names & held
        if split != "test-pairs":
            assert not any(is_held_pair(*pair) for pair in told)
        else:
            assert all(is_held_pair(item.pair.subject, item.pair.object) for item, _ in shown[split])
    asked = {
        thing["model"] for item, _ in shown["test-instances"] for thing in item.model_extra["things"][:2]
    }
    trained = models("train") | models("val") | models("test-layouts") | models("test-pairs")
    assert asked - trained
    for item, _ in shown["test-instances"]:
        assert {thing["model"] for thing in item.model_extra["things"][:2]} - trained


def test_a_run_goes_on_and_gives_what_one_run_gives(tmp_path, capsys):
    one, two = tmp_path / "one", tmp_path / "two"
    assert vsd("rooms", "-o", one, "--count", 5, "--seed", 2, "--furniture", BUILT) == 0
    assert "5 pictures in" in capsys.readouterr().out
    assert vsd("rooms", "-o", two, "--count", 2, "--seed", 2, "--furniture", BUILT) == 0
    rows = (two / "items.jsonl").read_bytes()
    (two / "items.jsonl").write_bytes(rows + rows[:40])  # killed within a row
    capsys.readouterr()
    assert vsd("rooms", "-o", two, "--count", 5, "--seed", 2, "--furniture", BUILT) == 0
    assert "(2 of them by an earlier run)" in capsys.readouterr().out
    files = sorted(path.relative_to(one) for path in one.rglob("*") if path.is_file())
    assert len(files) == 5 + 4
    for file in files:
        assert (one / file).read_bytes() == (two / file).read_bytes(), file


def test_processes_give_what_one_gives(tmp_path):
    for workers in (1, 2):
        production = Production(tmp_path / str(workers), split="val", seed=1, furniture=BUILT)
        assert len(list(production.run(3, workers))) == 3
    first, second = ((tmp_path / name / "items.jsonl").read_bytes() for name in "12")
    assert first == second


def test_the_vsd_files_read_back_with_their_pictures(tmp_path):
    production = Production(tmp_path, split="test-layouts", seed=1, furniture=BUILT)
    made = list(production.run(3))
    read = list(
        VsdFiles(
            tmp_path / "vsdv1_test-layouts.json",
            tmp_path / "vsdv2_test-layouts.json",
            images=ImageStore(tmp_path / "images"),
        ).items()
    )
    assert [item.triples for item in read] == [item.triples for item in made]
    assert [item.descriptions_v1 for item in read] == [item.descriptions_v1 for item in made]
    assert [item.descriptions_v2 for item in read] == [item.descriptions_v2 for item in made]
    entry = json.loads((tmp_path / "vsdv1_test-layouts.json").read_text())[0]
    assert entry["triple_list"][0] in entry["holds"]
    assert list(read_rows(tmp_path / "items.jsonl", Item)) == made


def test_other_settings_in_the_same_folder_are_refused(tmp_path):
    list(Production(tmp_path, split="val", seed=1, furniture=BUILT).run(1))
    with pytest.raises(UsageError, match="holds rooms made with"):
        Production(tmp_path, split="val", seed=2, furniture=BUILT)
    with pytest.raises(UsageError, match="expected"):
        list(Production(tmp_path, split="val", seed=1, furniture=BUILT).run(0))


def test_an_unknown_split_is_wrong_usage(tmp_path, capsys):
    assert vsd("rooms", "-o", tmp_path / "x", "--split", "test") == 2
    assert "test-layouts" in capsys.readouterr().err


def test_furniture_that_is_not_there_is_named(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("LLAVA_VSD_CACHE", str(tmp_path / "cache"))
    assert vsd("rooms", "-o", tmp_path / "x", "--count", 1, "--furniture", tmp_path / "none.deb") == 1
    assert "sweethome3d-furniture" in capsys.readouterr().err
