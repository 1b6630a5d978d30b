"""The text around turns, against what the published chat templates are known to write."""

from __future__ import annotations

from typing import Any

import pytest

from llava_vsd.errors import TemplateError
from llava_vsd.model.template import Template
from llava_vsd.schema import Turn
from tiny_models import FAMILIES, MISTRAL, VICUNA, llama_tokenizer, tiny

# The template of Qwen2.5-VL-7B-Instruct in full, with videos and numbered pictures.
QWEN2_5_VL = (
    "{% set image_count = namespace(value=0) %}{% set video_count = namespace(value=0) %}{% for message in messages %}"
    "{% if loop.first and message['role'] != 'system' %}<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
    "{% endif %}<|im_start|>{{ message['role'] }}\n{% if message['content'] is string %}{{ message['content'] }}"
    "<|im_end|>\n{% else %}{% for content in message['content'] %}{% if content['type'] == 'image' or 'image' in "
    "content or 'image_url' in content %}{% set image_count.value = image_count.value + 1 %}{% if add_vision_id %}"
    "Picture {{ image_count.value }}: {% endif %}<|vision_start|><|image_pad|><|vision_end|>{% elif content['type'] == "
    "'video' or 'video' in content %}{% set video_count.value = video_count.value + 1 %}<|vision_start|><|video_pad|>"
    "<|vision_end|>{% elif 'text' in content %}{{ content['text'] }}{% endif %}{% endfor %}<|im_end|>\n{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)

SYSTEM = Turn(role="system", text="Be brief.")
TURNS = [
    Turn(role="user", text="Where is the cat?"),
    Turn(role="assistant", text="on the sofa \n on it"),
    Turn(role="user", text="And the dog?"),
    Turn(role="assistant", text="under"),
]
CHATML = "<|im_start|>system\n{}<|im_end|>\n<|im_start|>user\n{}Where is the cat?<|im_end|>\n<|im_start|>assistant\n"

# family: (one turn with a picture, both turns after a system turn without one)
WRITTEN = {
    "vicuna": (
        "USER: <image>\nWhere is the cat? ASSISTANT: on the sofa \n on it</s>",
        "Be brief. USER: Where is the cat? ASSISTANT: on the sofa \n on it</s>USER: And the dog? ASSISTANT: under</s>",
    ),
    "mistral": (
        "[INST] <image>\nWhere is the cat? [/INST] on the sofa \n on it</s>",
        "<<SYS>>\nBe brief.\n<</SYS>>\n\n[INST] Where is the cat? [/INST] on the sofa \n on it</s> "
        "[INST] And the dog? [/INST] under</s>",
    ),
    "qwen2": (
        CHATML.format("You are a helpful assistant.", "<image>\n") + "on the sofa \n on it<|im_end|>",
        CHATML.format("Be brief.", "")
        + "on the sofa \n on it<|im_end|>\n<|im_start|>user\nAnd the dog?<|im_end|>\n<|im_start|>assistant\n"
        "under<|im_end|>",
    ),
    "qwen2.5-vl": (
        CHATML.format("You are a helpful assistant.", "<|vision_start|><|image_pad|><|vision_end|>")
        + "on the sofa \n on it<|im_end|>",
        CHATML.format("Be brief.", "")
        + "on the sofa \n on it<|im_end|>\n<|im_start|>user\nAnd the dog?<|im_end|>\n<|im_start|>assistant\n"
        "under<|im_end|>",
    ),
}


def language(family: str) -> str:
    return family if family == "qwen2.5-vl" else family.rpartition("-")[2]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_conversation_reads_as_the_published_template_writes_it(family: str) -> None:
    template = Template.of(tiny(family).processor)
    one, several = WRITTEN[language(family)]
    assert template.render(TURNS[:2], image=True).text == one
    assert template.render([SYSTEM, *TURNS], image=False).text == several


@pytest.mark.parametrize("family", FAMILIES)
def test_the_spans_are_the_answers_and_their_end_token(family: str) -> None:
    template = Template.of(tiny(family).processor)
    rendered = template.render([SYSTEM, *TURNS], image=True)
    found = [rendered.text[start:end].lstrip() for start, end in rendered.answers]
    assert found == [f"on the sofa \n on it{template.end}", f"under{template.end}"]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("turns", [TURNS[:2], TURNS, [SYSTEM, *TURNS]], ids=["one", "two", "system"])
def test_the_prompt_ends_where_the_answer_starts(family: str, turns: list[Turn]) -> None:
    template = Template.of(tiny(family).processor)
    rendered = template.render(turns, image=True)
    prompt = template.prompt(turns[:-1], image=True)
    assert prompt == rendered.text[: rendered.answers[-1][0]]


@pytest.mark.parametrize("family", FAMILIES)
def test_the_prompt_of_one_question_is_the_one_that_servers_render(family: str) -> None:
    processor = tiny(family).processor
    content = [{"type": "image"}, {"type": "text", "text": TURNS[0].text}]
    served = processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
    assert Template.of(processor).prompt(TURNS[:1], image=True) == served


def test_the_whole_template_of_qwen2_5_vl_gives_the_same_text() -> None:
    processor = tiny("qwen2.5-vl").processor
    processor.chat_template = QWEN2_5_VL
    one, several = WRITTEN["qwen2.5-vl"]
    template = Template.of(processor)
    assert template.render(TURNS[:2], image=True).text == one
    assert template.render([SYSTEM, *TURNS], image=False).text == several


def test_whitespace_around_a_turn_is_dropped() -> None:
    template = Template.of(tiny("llava-next-mistral").processor)
    turns = [Turn(role="user", text="  Where?\n"), Turn(role="assistant", text=" on \n")]
    assert template.render(turns, image=False).text == "[INST] Where? [/INST] on</s>"


def test_spaces_at_the_end_of_a_generation_prompt_are_the_answers() -> None:
    processor = tiny("llava-clip-vicuna").processor
    processor.chat_template = VICUNA.replace("'ASSISTANT:'", "'ASSISTANT: '")
    assert Template.of(processor).prompt(TURNS[:1], image=False) == "USER: Where is the cat? ASSISTANT:"


@pytest.mark.parametrize(
    ("chat_template", "problem"),
    [
        (None, "no chat template"),
        (MISTRAL.replace("{{ '[INST] ' }}", "{{ raise_exception('no users here') }}"), "no users here"),
        (VICUNA.replace("'ASSISTANT:'", "'ASSISTANT: <think>'"), "start of the conversation"),
        (
            VICUNA.replace("{{ content['text'] + ' '}}{% endfor %}", "{% endfor %}", 1),
            "turn 0 (user) 0 times",
        ),
        (VICUNA.replace("'<image>\n'", "'a picture '"), "picture's token"),
        (VICUNA.replace("'<image>\n'", "'<image><image>'"), "2 times"),
    ],
)
def test_a_template_that_cannot_be_trained_on_is_refused(chat_template: Any, problem: str) -> None:
    processor = tiny("llava-clip-vicuna").processor
    processor.chat_template = chat_template
    with pytest.raises(TemplateError) as raised:
        Template.of(processor).render(TURNS[:2], image=True)
    assert problem in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_template_that_places_the_picture_after_the_question_is_refused() -> None:
    processor = tiny("llava-clip-vicuna").processor
    processor.chat_template = (
        "{% for message in messages %}{% for content in message['content'] | sort(attribute='type', reverse=true) %}"
        "{{ '<image>' if content['type'] == 'image' else content['text'] }}{% endfor %}{% endfor %}"
    )
    with pytest.raises(TemplateError, match="before the first user's text"):
        Template.of(processor).render(TURNS[:2], image=True)


def test_a_template_that_changes_a_text_is_refused() -> None:
    processor = tiny("llava-next-mistral").processor
    processor.chat_template = MISTRAL.replace(
        "{{ content['text'] }}", "{{ content['text'] | replace('cat', 'dog') }}"
    )
    with pytest.raises(TemplateError, match="changes the text"):
        Template.of(processor).render(TURNS[:2], image=True)


def test_without_any_end_token_a_template_is_refused() -> None:
    processor = tiny("llava-clip-vicuna").processor
    tokenizer = llama_tokenizer("<image>")
    tokenizer.eos_token = None
    processor.tokenizer = tokenizer
    with pytest.raises(TemplateError, match="ends an answer"):
        Template.of(processor)
