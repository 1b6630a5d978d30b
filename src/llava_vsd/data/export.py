"""Conversations in the forms that trainers read: LLaVA JSON, ShareGPT, chat messages with image parts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, get_args

from llava_vsd.errors import UsageError
from llava_vsd.jsonl import replacing
from llava_vsd.schema import Conversation

Form = Literal["llava", "sharegpt", "messages", "openai"]
FORMS: tuple[Form, ...] = get_args(Form)

_SPEAKERS = {"user": "human", "assistant": "gpt", "system": "system"}


def parse_forms(names: str) -> tuple[Form, ...]:
    """Form names separated by commas.

    Raises:
        UsageError: a name is none of `FORMS`.
    """
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    for name in wanted:
        if name not in FORMS:
            raise UsageError(f"unknown form {name!r}; expected some of: {', '.join(FORMS)}")
    return tuple(form for form in FORMS if form in wanted)


def default_image_path(image: str) -> str:
    """The file name of an image id in a flat folder: a Visual Genome number is a JPEG, other ids are file names."""
    return f"{image}.jpg" if image.isdigit() else image


def llava(conversation: Conversation, image: str | None) -> dict[str, Any]:
    """LLaVA's own form, one JSON list: `image` is relative to the trainer's image folder, `<image>` marks its place."""
    row: dict[str, Any] = {"id": conversation.id}
    if image is not None:
        row["image"] = image
    return row | {"conversations": _spoken(conversation, "<image>\n" if image is not None else "")}


def sharegpt(conversation: Conversation, image: str | None) -> dict[str, Any]:
    """ShareGPT with a list of images, as LLaMA-Factory and ms-swift read it."""
    return {
        "id": conversation.id,
        "conversations": _spoken(conversation, "<image>" if image is not None else ""),
        "images": [image] if image is not None else [],
    }


def messages(conversation: Conversation, image: str | None) -> dict[str, Any]:
    """Messages whose image part points at the column `images`, as TRL's SFT trainer reads them."""
    return {
        "id": conversation.id,
        "messages": _parts(conversation, {"type": "image"} if image is not None else None),
        "images": [image] if image is not None else [],
    }


def openai(conversation: Conversation, image: str | None) -> dict[str, Any]:
    """OpenAI's chat messages: the image part carries the address itself, as hosted fine-tuning and servers read it."""
    part = {"type": "image_url", "image_url": {"url": image}} if image is not None else None
    return {"id": conversation.id, "messages": _parts(conversation, part)}


_SHAPES: dict[Form, tuple[str, Callable[[Conversation, str | None], dict[str, Any]]]] = {
    "llava": ("llava.json", llava),
    "sharegpt": ("sharegpt.jsonl", sharegpt),
    "messages": ("messages.jsonl", messages),
    "openai": ("openai.jsonl", openai),
}


@contextmanager
def writing(form: Form, folder: Path) -> Iterator[Callable[[Conversation, str | None], None]]:
    """Opens `folder`'s file of that form; what is yielded writes one conversation with its image's path.

    The file takes its name when all is written; memory is constant.
    """
    name, shape = _SHAPES[form]
    as_list = name.endswith(".json")
    with replacing(folder / name) as file:
        before = "[\n" if as_list else ""

        def write(conversation: Conversation, image: str | None) -> None:
            nonlocal before
            file.write(before + json.dumps(shape(conversation, image), ensure_ascii=False))
            before = ",\n" if as_list else "\n"

        yield write
        file.write("\n]\n" if as_list and before == ",\n" else "[]\n" if as_list else before)


def _spoken(conversation: Conversation, mark: str) -> list[dict[str, str]]:
    turns = []
    for turn in conversation.turns:
        here = mark if turn.role == "user" else ""
        mark = "" if here else mark
        turns.append({"from": _SPEAKERS[turn.role], "value": here + turn.text})
    return turns


def _parts(conversation: Conversation, image: dict[str, Any] | None) -> list[dict[str, Any]]:
    turns = []
    for turn in conversation.turns:
        content: list[dict[str, Any]] = [{"type": "text", "text": turn.text}]
        if image is not None and turn.role == "user":
            content.insert(0, image)
            image = None
        turns.append({"role": turn.role, "content": content})
    return turns
