"""The engine says what the model's own processor and plain `generate` say, question by question, in every family."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from llava_vsd.cli.app import main
from llava_vsd.data.images import ImageStore
from llava_vsd.data.probes import probed
from llava_vsd.data.prompts import ask
from llava_vsd.errors import UsageError, VsdError
from llava_vsd.inference import answers
from llava_vsd.inference.settings import Decoding, Settings
from llava_vsd.inference.shared import Shared
from llava_vsd.inference.transformers import Transformers, overlap
from llava_vsd.model.families import family_of
from llava_vsd.model.load import Loaded
from llava_vsd.relations import RELATIONS
from llava_vsd.schema import Item, Prediction, Task, Triple
from memory_errors import MEMORY_ERRORS
from stand_ins import checkpoint
from tiny_models import FAMILIES, tiny

BOX = (0, 10, 0, 10)
PAIRS = [("cat", "sofa"), ("lamp", "chair"), ("man", "horse"), ("yellow ball", "ship")]
SIZES = {"wide": (90, 40), "high": (30, 70), "small": (33, 30), "other": (64, 64)}
TOKENS = 7


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def images(tmp_path: Path) -> ImageStore:
    for number, (name, size) in enumerate(SIZES.items()):
        pixels = np.random.default_rng(number).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    return ImageStore(tmp_path)


def items() -> list[Item]:
    """Pictures of all sizes, with one to three pairs each; two items about the same picture."""
    made = []
    for number, image in enumerate([*SIZES, "wide"]):
        pairs = [PAIRS[(number + step) % len(PAIRS)] for step in range(1 + number % 3)]
        triples = [
            Triple(subject=one, object=other, relation="on", subject_box=BOX, object_box=BOX)
            for one, other in pairs
        ]
        made.append(Item(id=f"item-{number}", image=image, triples=triples, asked=len(triples) - 1))
    return made


def loaded(name: str) -> Loaded:
    """A model of the family that heeds its context, with answers that end after one token or at the limit."""
    made = tiny(name)
    with torch.no_grad():  # weights as small as at the start of training hardly tell questions apart
        for module in made.model.model.language_model.modules():
            if isinstance(module, torch.nn.Linear):
                module.weight.mul_(8)
        made.model.get_output_embeddings().weight.mul_(8)
    end = made.processor.tokenizer.eos_token_id
    made.model.generation_config.eos_token_id = [end, *range(end + 1, len(made.processor.tokenizer), 11)]
    return Loaded(made.model, made.processor, family_of(made.model.config))


def engine(model: Loaded, images: ImageStore, **settings: Any) -> Transformers:
    return Transformers("tiny", images, Settings(**{"max_tokens": TOKENS} | settings), loaded=model)


def unshared(model: Loaded) -> Loaded:
    return replace(model, family=replace(model.family, shares_image=False))


def inputs(model: Loaded, picture: Image.Image, text: str) -> Any:
    content = [{"type": "image"}, {"type": "text", "text": text}]
    prompt = model.processor.apply_chat_template(
        [{"role": "user", "content": content}], add_generation_prompt=True
    )
    return model.processor(images=picture, text=prompt, return_tensors="pt")


def plain_text(model: Loaded, picture: Image.Image, text: str, **more: Any) -> str:
    """What `generate` answers to one question, by the processor's own preparation."""
    given = inputs(model, picture, text)
    tokenizer = model.processor.tokenizer
    made = model.model.generate(
        **given,
        max_new_tokens=TOKENS,
        do_sample=False,
        pad_token_id=tokenizer.pad_token_id,
        **more,
    )
    ids = made[0, given["input_ids"].shape[1] :].tolist()
    if ids[-1] in model.model.generation_config.eos_token_id:
        del ids[-1]
    return str(tokenizer.decode(ids, skip_special_tokens=True)).strip()


def plain_scores(model: Loaded, picture: Image.Image, text: str) -> list[float]:
    """Nine passes, one an answer: its log probability, normalised over the nine."""
    found = []
    end = model.processor.tokenizer.eos_token_id
    space = "" if "im_start" in str(model.processor.chat_template) else "▁"
    given = inputs(model, picture, text)
    count = given["input_ids"].shape[1]
    for label in RELATIONS:
        words = model.processor.tokenizer.tokenize(space + label if not space else label)
        answer = [*model.processor.tokenizer.convert_tokens_to_ids(words), end]
        ids = torch.cat([given["input_ids"], torch.tensor([answer])], dim=1)
        more = {key: value for key, value in given.items() if key not in ("input_ids", "attention_mask")}
        if "mm_token_type_ids" in more:
            more["mm_token_type_ids"] = torch.nn.functional.pad(more["mm_token_type_ids"], (0, len(answer)))
        with torch.no_grad():
            logits = model.model(input_ids=ids, **more).logits[0, count - 1 : -1]
        found.append(logits.log_softmax(-1)[range(len(answer)), answer].sum())
    return torch.stack(found).softmax(0).tolist()


def say(model: Loaded, images: ImageStore, item: Item, task: Task, **more: Any) -> str:
    return plain_text(model, images.open(item.image), ask(task, item.pair), **more)


@pytest.mark.parametrize("name", FAMILIES)
def test_it_says_what_the_plain_loop_says(name: str, images: ImageStore) -> None:
    model = loaded(name)
    asked = items()
    expected = [
        (
            [plain_scores(model, images.open(item.image), ask("classify", one)) for one in item.triples],
            say(model, images, item, "describe"),
            say(model, images, item, "diversify"),
        )
        for item in asked
    ]
    assert len({text for _, *texts in expected for text in texts}) > 4  # the model tells questions apart
    made = engine(model, images)
    assert not made.remark
    for item, found, (scores, one, three) in zip(asked, made.predict(asked), expected, strict=True):
        assert found.raw == {"description": one, "descriptions": three}
        assert found.description == answers.sentence(one)
        assert found.descriptions == answers.sentences(three)
        for answer, triple, nine in zip(found.relations, item.triples, scores, strict=True):
            assert (answer.subject, answer.object) == (triple.subject, triple.object)
            assert [answer.scores[one] for one in RELATIONS] == pytest.approx(nine, rel=1e-3, abs=1e-6)
            assert answer.relation == RELATIONS[int(np.argmax(nine))]


@pytest.mark.parametrize("name", FAMILIES)
def test_the_plain_way_says_the_same(name: str, images: ImageStore) -> None:
    model, asked = loaded(name), items()
    apart = engine(unshared(model), images)
    assert apart.remark.startswith("tiny: ")
    assert apart.remark.endswith("each question gets its own copy of the picture")
    assert_same(list(apart.predict(asked)), list(engine(model, images).predict(asked)))


def assert_same(found: list[Prediction], expected: list[Prediction], rel: float = 1e-3) -> None:
    assert [one.id for one in found] == [one.id for one in expected]
    for one, other in zip(found, expected, strict=True):
        assert one.raw == other.raw
        for answer, same in zip(one.relations, other.relations, strict=True):
            assert answer.relation == same.relation
            assert list(answer.scores.values()) == pytest.approx(
                list(same.scores.values()), rel=rel, abs=1e-6
            )


@pytest.mark.parametrize("name", ["llava-siglip-vicuna", "llava-next-mistral", "qwen2.5-vl"])
@pytest.mark.parametrize("decoding", [{}, {"beams": 2}, {"sample": 0.9, "candidates": 3}])
def test_neither_the_batch_nor_the_order_changes_an_answer(
    name: str, decoding: dict[str, Any], images: ImageStore
) -> None:
    model, asked = loaded(name), items()
    ways = [
        list(engine(model, images, decoding=Decoding(**decoding), batch_size=size).predict(asked))
        for size in (1, 3, 8)
    ]
    back = engine(model, images, decoding=Decoding(**decoding)).predict(asked[::-1])
    for other in (*ways[1:], list(back)[::-1]):
        assert_same(other, ways[0])


@pytest.mark.parametrize("name", ["llava-clip-vicuna", "llava-next-qwen2", "qwen2.5-vl"])
@pytest.mark.parametrize("beams", [2, 4])
def test_beams_are_those_of_generate(name: str, beams: int, images: ImageStore) -> None:
    model, asked = loaded(name), items()
    decoding = Decoding(beams=beams)
    for item, found in zip(asked, engine(model, images, decoding=decoding).predict(asked), strict=True):
        assert found.raw == {
            "description": say(model, images, item, "describe", num_beams=beams),
            "descriptions": say(model, images, item, "diversify", num_beams=beams),
        }


def test_the_plain_way_samples_and_ranks_the_same(images: ImageStore) -> None:
    model, asked = loaded("llava-next-vicuna"), items()
    for decoding in (
        Decoding(sample=1.2, top_p=0.8, candidates=3, overlap_penalty=5.0),
        Decoding(beams=3, candidates=3),
    ):
        found = [
            list(engine(one, images, decoding=decoding).predict(asked)) for one in (model, unshared(model))
        ]
        assert_same(*found)
        other = replace(decoding, seed=1)
        differs = [
            one.raw != same.raw
            for one, same in zip(engine(model, images, decoding=other).predict(asked), found[0], strict=True)
        ]
        assert any(differs) == bool(decoding.sample)


@pytest.mark.parametrize("error", MEMORY_ERRORS[:3], ids=["cpu", "mps", "cuda"])
def test_memory_that_runs_out_halves_the_batch(
    error: Exception, images: ImageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, asked = loaded("llava-clip-vicuna"), items()
    expected = list(engine(model, images).predict(asked))
    tried = []
    plain = Shared.reply

    def scarce(self: Shared, pictures: Any) -> Any:
        tried.append(sum(len(one.opens) for one in pictures) // 2)
        if tried[-1] > 1:
            raise error
        return plain(self, pictures)

    monkeypatch.setattr(Shared, "reply", scarce)
    made = engine(model, images, batch_size=5)
    assert_same(list(made.predict(asked)), expected)
    assert tried == [5, 2, 1, 1, 1, 1, 1]
    assert made.batch_size == 1

    monkeypatch.setattr(Shared, "reply", lambda *_: (_ for _ in ()).throw(error))
    with pytest.raises(VsdError, match="item item-0: memory does not suffice for it alone"):
        list(made.predict(asked))
    monkeypatch.setattr(Shared, "reply", lambda *_: (_ for _ in ()).throw(RuntimeError("shapes differ")))
    with pytest.raises(RuntimeError, match="shapes differ"):
        list(made.predict(asked))


def test_a_picture_is_opened_once_for_all_items_of_a_batch(
    images: ImageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, plain = [], ImageStore.open

    def noted(self: ImageStore, image: str) -> Image.Image:
        opened.append(image)
        return plain(self, image)

    asked = [*items(), probed(items()[0], "mirror")]  # the first picture three times
    made = engine(loaded("llava-clip-vicuna"), images)
    monkeypatch.setattr(ImageStore, "open", noted)
    assert len(list(made.predict(asked))) == 6
    assert sorted(opened) == sorted(SIZES)


def test_probes_change_what_is_seen_or_asked(images: ImageStore) -> None:
    model = loaded("llava-clip-vicuna")
    item = items()[1]
    made = engine(model, images)
    plain, swapped, mirrored, blank = made.predict(
        [item, *(probed(item, probe) for probe in ("swap", "mirror", "blank"))]
    )
    exchanged = [
        Triple(subject=one.object, object=one.subject, relation="on", subject_box=BOX, object_box=BOX)
        for one in item.triples
    ]
    (asked,) = made.predict([item.model_copy(update={"triples": exchanged})])
    assert_same([swapped], [asked])
    scores = [one.relations[0].scores["on"] for one in (plain, swapped, mirrored, blank)]
    assert len(set(scores)) == 4
    assert [one.probe for one in (plain, swapped, mirrored, blank)] == [None, "swap", "mirror", "blank"]
    with pytest.raises(UsageError, match="no pictures to show"):
        Transformers("tiny", None, loaded=model)


@pytest.mark.parametrize("setting", ["sample", "top_p", "overlap_penalty"])
def test_what_is_no_number_is_no_setting(setting: str) -> None:
    with pytest.raises(UsageError, match="nan"):
        Decoding(**{setting: float("nan")})
    with pytest.raises(UsageError, match="temperature nan"):
        Settings(temperature=float("nan"))


def test_both_orders_are_averaged_where_there_is_a_converse(images: ImageStore) -> None:
    model = loaded("llava-clip-vicuna")
    item = items()[0]
    (there,) = engine(model, images).predict([item])
    (back,) = engine(model, images).predict([probed(item, "swap")])
    (both,) = engine(model, images, both_orders=True, temperature=2.0).predict([item])
    one, other = there.relations[0].scores, back.relations[0].scores
    seven = 1 - one["on"] - one["in"]
    others = 1 - other["on"] - other["in"]
    expected = {
        "on": one["on"],
        "in": one["in"],
        "next to": (one["next to"] + other["next to"] / others * seven) / 2,
        "under": (one["under"] + other["above"] / others * seven) / 2,
        "above": (one["above"] + other["under"] / others * seven) / 2,
        "behind": (one["behind"] + other["in front of"] / others * seven) / 2,
        "in front of": (one["in front of"] + other["behind"] / others * seven) / 2,
        "to the left of": (one["to the left of"] + other["to the right of"] / others * seven) / 2,
        "to the right of": (one["to the right of"] + other["to the left of"] / others * seven) / 2,
    }
    roots = {name: value**0.5 for name, value in expected.items()}
    total = sum(roots.values())
    assert both.relations[0].scores == pytest.approx(
        {name: root / total for name, root in roots.items()}, rel=5e-3
    )


@pytest.mark.parametrize(
    ("sentences", "expected"),
    [
        (["a cat is on a sofa.", "a cat is on a sofa.", "a cat is on a sofa."], 1.0),
        (["a cat is on a sofa", "the lamp is under a chair", "one horse stands by them all"], 0.0),
        # 4-grams of six words: 3; the first two share "a cat is on" and "cat is on a", the others none
        (["a cat is on a sofa", "a cat is on a chair", "one horse stands by them all"], 2 / 3 / 3),
        (["a cat", "a cat", "a dog"], 1 / 3),
        (["a cat is on a sofa", "the lamp is under a chair"], 1.0),
    ],
)
def test_overlap_is_the_share_of_common_four_grams(sentences: list[str], expected: float) -> None:
    assert overlap(sentences) == pytest.approx(expected)


def run_command(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return int(ended.value.code or 0), capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        ((), 2, "no pictures to show; expected --images DIR"),
        (("--images", "IMAGES", "--dtype", "int8"), 2, "dtype 'int8'; expected auto, float32"),
        (
            ("--images", "IMAGES", "--beams", 2, "--sample", 1),
            2,
            "beams and sample: expected one or the other",
        ),
        (("--images", "IMAGES", "--candidates", 3), 2, "candidates 3: expected as many beams"),
        (("--images", "IMAGES", "--template", 99), 2, "template: 99, expected 0 to"),
        (("--images", "IMAGES", "--quantize", "4bit", "--device", "cpu"), 2, "needs a CUDA GPU"),
        (("--images", "IMAGES", "--model", "./nowhere"), 1, "./nowhere: there is no such folder"),
    ],
)
def test_wrong_usage_is_told_in_one_line(
    options: tuple[object, ...],
    code: int,
    told: str,
    images: ImageStore,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "items.jsonl").write_text(items()[0].model_dump_json() + "\n", "utf-8")
    given = [images.folders[0] if one == "IMAGES" else one for one in options]
    model = [] if "--model" in options else ["--model", checkpoint(tmp_path / "model")]
    capsys.readouterr()
    found, err = run_command(
        capsys, "predict", tmp_path / "items.jsonl", "-o", tmp_path / "out.jsonl", *model, *given
    )
    assert found == code
    assert told in err
    assert err.strip().count("\n") == 0


def test_boxes_are_told_in_the_question_and_seen(images: ImageStore) -> None:
    model, item = loaded("llava-clip-vicuna"), items()[0]
    moved = item.model_copy(
        update={"triples": [one.model_copy(update={"subject_box": (5, 20, 5, 30)}) for one in item.triples]}
    )
    blind, seeing = (engine(model, images, boxes=boxes) for boxes in (False, True))
    assert (blind.sees, seeing.sees) == ({"pictures"}, {"pictures", "boxes"})
    same, changed = (
        [one.relations[0].scores for one in way.predict([item, moved])] for way in (blind, seeing)
    )
    assert same[0] == pytest.approx(same[1], rel=1e-3)
    assert changed[0] != pytest.approx(changed[1], rel=1e-2)


def test_settings_tell_all_that_answers_depend_on(images: ImageStore) -> None:
    model = loaded("llava-clip-vicuna")
    first = engine(model, images).settings
    assert engine(model, images, batch_size=2).settings == first  # the batch changes nothing
    for change in (
        {"template": 1},
        {"both_orders": True},
        {"temperature": 1.5},
        {"max_tokens": 3},
        {"boxes": True},
        {"decoding": Decoding(beams=2)},
        {"decoding": Decoding(sample=1.0)},
    ):
        assert engine(model, images, **change).settings != first
    with torch.no_grad():
        next(model.model.parameters())[0] += 1
    assert engine(model, images).settings["weights"] != first["weights"]
