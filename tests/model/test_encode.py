"""What is learned, and that a picture's tokens are those that the processor makes."""

from __future__ import annotations

import pickle
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from llava_vsd.errors import NoLabelError, SampleError, TooLongError, UsageError
from llava_vsd.model.encode import IGNORED, Encoded, Encoder
from llava_vsd.schema import Conversation, Place, Turn
from tiny_models import FAMILIES, tiny

SIZE = (41, 93)
QUESTION = "Where is the cat?"
THREE = "cat on sofa. \n the cat is on the sofa. \n a grey cat lies on it."


@cache
def encoder(family: str, boxes: str = "", max_tokens: int = 4096) -> Encoder:
    told = SimpleNamespace(boxes=boxes or "unit")
    return Encoder(tiny(family).processor, told, max_tokens=max_tokens, boxes=bool(boxes))


def talk(*texts: str, image: str | None = "7", system: str = "", **more: Any) -> Conversation:
    turns = [Turn(role=("user", "assistant")[place % 2], text=text) for place, text in enumerate(texts)]
    if system:
        turns.insert(0, Turn(role="system", text=system))
    return Conversation(id="v1-val-00001/chat", task="chat", image=image, turns=turns, **more)


def learned(made: Encoded) -> list[list[int]]:
    """The runs of learned ids."""
    runs: list[list[int]] = [[]]
    for label in made.labels:
        if label == IGNORED:
            runs.append([])
        else:
            runs[-1].append(label)
    return [run for run in runs if run]


def decoded(family: str, ids: Any) -> str:
    text: str = tiny(family).processor.tokenizer.decode(list(ids), clean_up_tokenization_spaces=False)
    return text


def answers_with_end(family: str, *answers: str) -> list[str]:
    end = encoder(family).template.end
    return [answer + end for answer in answers]


def processed(family: str, conversation: Conversation, size: tuple[int, int] | None) -> list[int]:
    """What the processor itself makes of a conversation and a picture."""
    processor = tiny(family).processor
    messages: list[dict[str, Any]] = [
        {"role": turn.role, "content": [{"type": "text", "text": turn.text}]} for turn in conversation.turns
    ]
    if size:
        next(one for one in messages if one["role"] == "user")["content"].insert(0, {"type": "image"})
    text = processor.apply_chat_template(messages)
    ids: list[int] = processor(text=[text], images=[picture(size)] if size else None)["input_ids"][0]
    return ids


def picture(size: tuple[int, int]) -> Image.Image:
    return Image.new("RGB", (size[1], size[0]), (200, 30, 30))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("size", [SIZE, None], ids=["picture", "text"])
def test_the_labels_are_the_answers_and_their_end_tokens_and_nothing_else(family: str, size: Any) -> None:
    conversation = talk(QUESTION, THREE, "And the dog?", "under the chair.", image="7" if size else None)
    made = encoder(family).encode(conversation, size)
    found = [decoded(family, run).lstrip(" ") for run in learned(made)]
    assert found == answers_with_end(family, THREE, "under the chair.")
    assert all(label in (IGNORED, one) for one, label in zip(made.ids, made.labels, strict=True))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("system", ["", "You are a helpful assistant."])
@pytest.mark.parametrize("size", [SIZE, None], ids=["picture", "text"])
def test_the_ids_are_those_of_the_processor(family: str, system: str, size: Any) -> None:
    conversation = talk(QUESTION, THREE, system=system, image="7" if size else None)
    made = encoder(family).encode(conversation, size)
    own = processed(family, conversation, size)
    if not encoder(family).template.writes_end:
        assert made.ids[-1] == tiny(family).processor.tokenizer.eos_token_id
        own = [*own[: len(made) - 1], made.ids[-1]]
    assert [*made.prefix, *made.ids] == own[: len(made)]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("texts", [(QUESTION, "on"), (QUESTION, THREE, "And the dog?", "under")])
@pytest.mark.parametrize("size", [SIZE, None], ids=["picture", "text"])
def test_the_prompt_is_what_precedes_the_answer(family: str, texts: tuple[str, ...], size: Any) -> None:
    conversation = talk(*texts, image="7" if size else None)
    made = encoder(family).encode(conversation, size)
    before = len(made.ids) - len(learned(made)[-1])
    for asked in (conversation, talk(*texts[:-1], image=conversation.image)):
        assert encoder(family).prompt(asked, size) == (made.prefix, made.ids[:before])


@pytest.mark.parametrize("family", FAMILIES)
def test_one_beginning_token_at_most(family: str) -> None:
    tokenizer = tiny(family).processor.tokenizer
    for conversation, size in ((talk(QUESTION, "on"), SIZE), (talk(QUESTION, "on", image=None), None)):
        made = encoder(family).encode(conversation, size)
        begins = [
            place for place, one in enumerate((*made.prefix, *made.ids)) if one == tokenizer.bos_token_id
        ]
        assert begins == ([0] if tokenizer.bos_token else [])


def test_a_template_that_writes_the_beginning_token_gets_no_second_one() -> None:
    processor = tiny("llava-clip-vicuna").processor
    processor.chat_template = "{{ bos_token }}" + processor.chat_template
    made = Encoder(processor, SimpleNamespace(boxes="unit"), max_tokens=99).encode(talk(QUESTION, "on"), SIZE)
    assert (*made.prefix, *made.ids).count(processor.tokenizer.bos_token_id) == 1


@pytest.mark.parametrize("family", FAMILIES)
def test_conversations_of_one_picture_share_one_prefix(family: str) -> None:
    image = encoder(family)._images.id
    one = encoder(family).encode(talk(QUESTION, "on"), SIZE)
    other = encoder(family).encode(talk("Give three descriptions.", THREE, "x", "y"), SIZE)
    assert one.prefix is other.prefix
    assert one.prefix[-1] == image
    assert image not in (*one.ids, *other.ids)


ODD_SIZES = [(41, 93), (93, 41), (7, 300), (300, 7), (500, 500), (333, 74), (1, 1), (640, 427), (35, 34)]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("size", ODD_SIZES)
def test_a_pictures_tokens_are_counted_as_the_processor_makes_them(
    family: str, size: tuple[int, int]
) -> None:
    counted = encoder(family).image_tokens(*size)
    assert processed(family, talk(QUESTION, "on"), size).count(encoder(family)._images.id) == counted
    made = encoder(family).pixels(picture(size).convert("L"))
    assert (
        made.keys()
        == {
            "llava": {"pixel_values"},
            "llava-next": {"pixel_values", "image_sizes"},
            "qwen2.5": {"pixel_values", "image_grid_thw"},
        }[family.replace("-clip", "").replace("-siglip", "").rpartition("-")[0]]
    )


def test_counts_worked_out_by_hand() -> None:
    assert encoder("llava-clip-vicuna").image_tokens(1000, 10) == 4 * 4
    # 100 x 200 fits 32 x 64 best: 4 x 4 patches for the whole, 4 x 8 for the tiles, 4 ends of lines
    assert encoder("llava-next-vicuna").image_tokens(100, 200) == 16 + 32 + 4
    # 41 x 93: up to 64 x 64 pixels in steps of 8 give 40 x 96; every 8 x 8 pixels are a token
    assert encoder("qwen2.5-vl").image_tokens(41, 93) == 5 * 12


def test_siglip_pictures_are_not_made_again_for_each_size(monkeypatch: pytest.MonkeyPatch) -> None:
    images = encoder("llava-siglip-vicuna")._images
    monkeypatch.setattr(images, "_measured", lambda size: pytest.fail(f"measured {size}"))
    assert images.count(123, 77) == 16


@pytest.mark.parametrize("family", FAMILIES)
def test_too_long_is_refused_and_counts_the_picture(family: str) -> None:
    conversation = talk(QUESTION, "on the sofa.")
    length = len(encoder(family).encode(conversation, SIZE))
    told = SimpleNamespace(boxes="unit")
    fits = Encoder(tiny(family).processor, told, max_tokens=length)
    assert len(fits.encode(conversation, SIZE)) == length
    with pytest.raises(TooLongError) as raised:
        Encoder(tiny(family).processor, told, max_tokens=length - 1).encode(conversation, SIZE)
    tokens = encoder(family).image_tokens(*SIZE)
    assert str(raised.value) == (
        f"conversation v1-val-00001/chat: {length} tokens, {tokens} of them the image's; "
        f"expected {length - 1} at most"
    )


@pytest.mark.parametrize(
    ("conversation", "size", "error", "problem"),
    [
        (talk(QUESTION), SIZE, NoLabelError, "no answer at the end"),
        (talk(QUESTION, " \n"), SIZE, NoLabelError, "turns[1].text: empty answer"),
        (talk(QUESTION, "on", "And?"), SIZE, NoLabelError, "no answer at the end"),
        (talk(QUESTION, "on"), None, SampleError, "expected both or none"),
        (talk(QUESTION, "on", image=None), SIZE, SampleError, "expected both or none"),
        (talk(QUESTION, "the </s> tag"), SIZE, SampleError, "turns[1].text: holds '</s>'"),
        (talk("<image>\nWhere?", "on"), SIZE, SampleError, "turns[0].text: holds '<image>'"),
    ],
)
def test_a_bad_sample_is_refused_by_its_id(conversation: Any, size: Any, error: Any, problem: str) -> None:
    with pytest.raises(error) as raised:
        encoder("llava-clip-vicuna").encode(conversation, size)
    assert type(raised.value) is error
    assert raised.value.id == "v1-val-00001/chat"
    assert problem in str(raised.value)


def test_two_questions_in_a_row_are_refused() -> None:
    turns = [Turn(role=role, text="x") for role in ("user", "user", "assistant")]
    conversation = Conversation(id="a", task="chat", image=None, turns=turns)
    with pytest.raises(SampleError, match="by turns"):
        encoder("llava-clip-vicuna").encode(conversation)


def test_a_picture_that_the_processor_refuses_is_named() -> None:
    with pytest.raises(SampleError, match=r"v1-val-00001/chat: image of 2 x 900 pixels: .*aspect ratio"):
        encoder("qwen2.5-vl").encode(talk(QUESTION, "on"), (2, 900))


def test_an_answer_that_shares_a_token_with_the_question_is_refused() -> None:
    processor = tiny("llava-clip-vicuna").processor
    processor.chat_template = (
        "{% for message in messages %}{% for content in message['content'] %}{{ '<image>\n' if content['type'] == "
        "'image' else content['text'] }}{% endfor %}{% if message['role'] == 'user' %}{{ ' so' }}{% endif %}"
        "{% endfor %}"
    )
    strange = Encoder(processor, SimpleNamespace(boxes="unit"), max_tokens=99)
    with pytest.raises(NoLabelError, match="token ' sofa' is of question and answer both"):
        strange.encode(talk(QUESTION, "fa"), SIZE)


@pytest.mark.parametrize("family", FAMILIES)
def test_many_are_encoded_as_one_and_errors_stand_in_their_places(family: str) -> None:
    good, empty, other = talk(QUESTION, "on"), talk(QUESTION, ""), talk("And the dog?", THREE, image=None)
    made = encoder(family).encode_many([(good, SIZE), (empty, SIZE), (other, None)])
    assert made[0] == encoder(family).encode(good, SIZE)
    assert isinstance(made[1], NoLabelError)
    assert made[2] == encoder(family).encode(other)


def test_nothing_is_encoded_of_nothing() -> None:
    assert encoder("llava-clip-vicuna").encode_many([]) == []


TEXTS = st.text(
    st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from("\n\t  <>|/s"), min_size=1, max_size=40
) | st.sampled_from(
    [
        "<image>",
        "a </s> b",
        "x<|im_end|>",
        "<s>",
        "<|image_pad|>",
        "<|im_start|>user",
        "ASSISTANT: on",
        "[/INST]",
        "�",
    ]
)


@pytest.mark.parametrize(
    "family", ["llava-clip-vicuna", "llava-next-mistral", "llava-next-qwen2", "qwen2.5-vl"]
)
@settings(max_examples=60, deadline=None)
@given(question=TEXTS, answer=TEXTS)
def test_odd_texts_are_learned_whole_or_refused_by_id(family: str, question: str, answer: str) -> None:
    conversation = talk(question, answer)
    special = encoder(family).template.special
    (made,) = encoder(family).encode_many([(conversation, SIZE)])
    bad = any(token in text for token in special for text in (question, answer)) or not answer.strip()
    if isinstance(made, SampleError):
        assert bad
        assert made.id == conversation.id
        return
    assert not bad
    (run,) = learned(made)
    prompt = encoder(family).prompt(conversation, SIZE)
    assert prompt == (made.prefix, made.ids[: -len(run)])
    tokenizer = tiny(family).processor.tokenizer
    normalizer = tokenizer.backend_tokenizer.normalizer
    expected = answer.strip() + encoder(family).template.end
    if normalizer and "qwen" in family:  # NFC
        expected = normalizer.normalize_str(expected)
    assert decoded(family, run).lstrip(" ") == expected.lstrip(" ")


PLACES = [Place(name="cat", box=(10, 30, 20, 60)), Place(name="sofa", box=(0, 41, 0, 93))]


@pytest.mark.parametrize(
    ("family", "convention", "told"),
    [
        ("llava-clip-vicuna", "unit", "the cat [0.22, 0.24, 0.65, 0.73], the sofa [0.00, 0.00, 1.00, 1.00]."),
        ("llava-clip-vicuna", "thousandths", "the cat [215, 244, 645, 732], the sofa [0, 0, 1000, 1000]."),
        # the processor makes 40 x 96 of 41 x 93
        ("qwen2.5-vl", "pixels", "the cat [21, 10, 62, 29], the sofa [0, 0, 96, 40]."),
    ],
)
def test_boxes_stand_in_the_question_as_the_model_writes_them(
    family: str, convention: str, told: str
) -> None:
    conversation = talk(QUESTION, "on", places=PLACES)
    made = encoder(family, convention).encode(conversation, SIZE)
    asked = f"{QUESTION} Boxes as [x0, y0, x1, y1]: {told}"
    assert made == encoder(family).encode(talk(asked, "on"), SIZE)
    assert encoder(family).encode(conversation, SIZE) == encoder(family).encode(talk(QUESTION, "on"), SIZE)


def test_padding_that_someone_left_on_does_not_reach_the_ids() -> None:
    family = "llava-next-qwen2"
    before = encoder(family).encode(talk(QUESTION, "on"), SIZE)
    encoder(family)._tokenizer(["a", "a longer text"], padding=True, truncation=True, max_length=3)
    assert (
        encoder(family).encode_many([(talk(QUESTION, "on"), SIZE), (talk(THREE, THREE), SIZE)])[0] == before
    )


def test_pixels_are_the_processors_own() -> None:
    image = Image.effect_noise((93, 41), 80).convert("RGB")
    own = tiny("llava-next-vicuna").processor(text=["<image>"], images=[image], return_tensors="np")
    made = encoder("llava-next-vicuna").pixels(image)
    assert np.array_equal(made["pixel_values"].numpy(), own["pixel_values"])
    assert made["image_sizes"].tolist() == [[41, 93]]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_worker_process_gets_an_encoder_that_does_the_same(family: str) -> None:
    there = pickle.loads(pickle.dumps(encoder(family)))
    conversation = talk(QUESTION, THREE)
    assert there.encode(conversation, SIZE) == encoder(family).encode(conversation, SIZE)


def test_few_prefixes_are_kept() -> None:
    kept = encoder("qwen2.5-vl")
    for height in range(30, 700, 2):
        kept.encode(talk(QUESTION, "on", system=f"{height}"), (height, 64))
    assert len(kept._prefixes) <= 256


def test_boxes_of_a_family_that_has_no_convention_are_refused() -> None:
    with pytest.raises(UsageError, match="no way to write boxes"):
        Encoder(tiny("llava-clip-vicuna").processor, SimpleNamespace(boxes=None), max_tokens=99, boxes=True)
