"""A conversation of several turns says what the plain loop says that shows all of it to `generate` again."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from llava_vsd.errors import SampleError, VsdError
from llava_vsd.inference.chat import Chat
from llava_vsd.model.families import family_of
from llava_vsd.model.load import Loaded
from memory_errors import MEMORY_ERRORS
from small_run import small_run
from stand_ins import vsd
from tiny_models import FAMILIES, tiny

QUESTIONS = ["Where is the cat?", "  And what is on the wooden chair ", "Is the lamp behind the sofa?"]
TOKENS = 9


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def picture() -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 70, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def loaded(name: str) -> Loaded:
    made = tiny(name)
    with torch.no_grad():  # so that words depend on what went before
        for parameter in made.model.parameters():
            parameter.mul_(4)
    return Loaded(made.model, made.processor, family_of(made.model.config))


def plainly(made: Loaded, questions: list[str]) -> list[str]:
    """Each turn by the processor's own template and `generate`, from the picture on."""
    messages: list[dict[str, Any]] = []
    said = []
    for question in questions:
        content: list[dict[str, str]] = [{"type": "text", "text": question.strip()}]
        if not messages:
            content.insert(0, {"type": "image"})
        messages.append({"role": "user", "content": content})
        text = made.processor.apply_chat_template(messages, add_generation_prompt=True)
        for (
            one
        ) in said:  # Vicuna's template writes no end token; its models learned with one in the space's place
            text = text.replace(f"ASSISTANT: {one} USER", f"ASSISTANT: {one}</s>USER")
        inputs = made.processor(images=picture(), text=text, return_tensors="pt", add_special_tokens=True)
        new = made.model.generate(**inputs, max_new_tokens=TOKENS, do_sample=False)[
            0, inputs["input_ids"].shape[1] :
        ]
        answer = made.processor.tokenizer.decode(new, skip_special_tokens=True).strip()
        said.append(answer)
        messages.append({"role": "assistant", "content": [{"type": "text", "text": answer}]})
    return said


@pytest.mark.parametrize("name", FAMILIES)
def test_several_turns_are_those_of_the_plain_loop(name: str) -> None:
    made = loaded(name)
    wanted = plainly(made, QUESTIONS)
    talk = Chat(made, picture(), max_tokens=TOKENS)
    assert [talk.ask(question) for question in QUESTIONS] == wanted
    assert len(set(wanted)) > 1  # else the history would not show
    assert [turn.role for turn in talk.turns] == ["user", "assistant"] * 3


def test_the_picture_is_read_once_and_what_was_said_is_not_read_again() -> None:
    made = loaded("llava-clip-vicuna")
    talk = Chat(made, picture(), max_tokens=TOKENS)
    seen = []
    tower = made.model.model.vision_tower
    tower.register_forward_hook(lambda *_: seen.append(1))
    talk.ask(QUESTIONS[0])
    first = talk.computed
    talk.ask(QUESTIONS[1])
    second = talk.computed - first
    assert len(seen) == 1
    again = Chat(made, picture(), max_tokens=TOKENS)
    again.turns = talk.turns[:2]
    again.ask(QUESTIONS[1])
    assert second < again.computed - 16  # at least without the tokens of the picture
    assert again.turns[3].text == talk.turns[3].text


def test_a_special_token_in_a_question_is_refused_and_the_conversation_goes_on() -> None:
    made = loaded("llava-clip-vicuna")
    talk = Chat(made, picture(), max_tokens=TOKENS)
    with pytest.raises(SampleError, match="holds '<image>'"):
        talk.ask("what is <image>?")
    assert [talk.ask(question) for question in QUESTIONS] == plainly(made, QUESTIONS)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), *MEMORY_ERRORS[:1]], ids=["Ctrl-C", "memory"])
@pytest.mark.parametrize("after", [0, 3])
def test_after_an_error_in_an_answer_the_conversation_stands_as_before(
    error: BaseException, after: int
) -> None:
    """Whatever some layers have taken up already; `after` so many tokens."""
    made = loaded("llava-clip-vicuna")
    talk = Chat(made, picture(), max_tokens=TOKENS)
    said = [talk.ask(QUESTIONS[0])]
    last, calls = made.model.model.language_model.layers[-1], iter(range(100))

    def torn(*_: object) -> None:
        if next(calls) == after:
            raise error

    hook = last.register_forward_pre_hook(torn)
    wanted = KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else VsdError
    with pytest.raises(wanted, match=None if wanted is KeyboardInterrupt else "memory does not suffice"):
        talk.ask("Is it a dog?")
    hook.remove()
    said += [talk.ask(question) for question in QUESTIONS[1:]]
    assert said == plainly(made, QUESTIONS)


@pytest.mark.parametrize("terminal", [True, False])
def test_ctrl_c_leaves_an_answer_on_a_terminal_and_ends_the_command_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], terminal: bool
) -> None:
    class Interrupted:
        def __init__(self, *_: object, **__: object) -> None: ...

        def ask(self, question: str) -> str:
            if question == "stop":
                raise KeyboardInterrupt
            return f"<{question}>"

    picture().save(tmp_path / "room.png")
    lines = io.StringIO("stop\ngo on\n")
    monkeypatch.setattr(lines, "isatty", lambda: terminal, raising=False)
    monkeypatch.setattr("sys.stdin", lines)
    monkeypatch.setattr("llava_vsd.inference.chat.Chat", Interrupted)
    monkeypatch.setattr("llava_vsd.model.load.load", lambda *_, **__: None)
    assert vsd("chat", tmp_path / "room.png", "--model", tmp_path) == (0 if terminal else 130)
    assert ("<go on>" in capsys.readouterr().out) is terminal


def test_the_command_reads_lines_and_prints_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from llava_vsd.model import small
    from llava_vsd.model.load import load

    run = small_run(tmp_path)
    run.instead(monkeypatch, tmp_path / "cache")
    picture().save(tmp_path / "room.png")
    lines = b"Where is the cat?\n\nwhat is <image>?\nwhat is \xff?\nAnd the lamp?\n"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(lines), encoding="utf-8"))
    assert vsd("chat", tmp_path / "room.png", "--max-tokens", TOKENS) == 0
    printed = capsys.readouterr()
    talk = Chat(load(small.checkpoint()), picture(), max_tokens=TOKENS)
    wanted = [talk.ask("Where is the cat?"), talk.ask("And the lamp?")]
    assert printed.out == "".join(f"{one}\n" for one in wanted)
    assert "holds '<image>', a special token of the model" in printed.err
    assert "vsd: the question is not UTF-8" in printed.err


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["nowhere.png"], 1, "nowhere.png: no such file; expected a picture"),
        (["room.png", "--model", "openai:http://localhost/v1"], 2, "expected small, or a folder or hub name"),
    ],
)
def test_what_is_wrong_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    arguments: list[str], code: int, says: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    picture().save("room.png")
    assert vsd("chat", *arguments) == code
    assert says in capsys.readouterr().err
