"""`vsd chat`: a conversation about a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from llava_vsd.cli.describe import Adapter, Device, Dtype, Model


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(chat)


def chat(
    image: Annotated[
        Path, typer.Argument(metavar="IMAGE", help="Picture to talk about.", show_default=False)
    ],
    model: Model = "small",
    adapter: Adapter = "",
    dtype: Dtype = "auto",
    device: Device = "auto",
    max_tokens: Annotated[int, typer.Option(help="Most tokens of an answer.", min=1)] = 256,
) -> None:
    """Ask open questions about a picture, a line each; Ctrl-D ends, Ctrl-C leaves an answer.

    Each question is answered in the light of those before. Questions come from the terminal, or from standard input;
    answers go to standard output. Without --model the small model answers, which was trained on rendered rooms and
    knows nothing else: ask a large model about photographs.

    Example: echo "What is on the table?" | vsd chat examples/rooms/images/rooms-test-layouts-00046.jpg
    """
    import sys
    from io import TextIOWrapper

    import llava_vsd.model  # noqa: F401 - says what is missing where torch is
    from llava_vsd.cli.progress import noted
    from llava_vsd.data.images import ImageFiles
    from llava_vsd.errors import SampleError, UsageError
    from llava_vsd.predict import is_checkpoint

    if not is_checkpoint(model):
        raise UsageError(f"--model {model}: expected small, or a folder or hub name of a checkpoint")
    picture = ImageFiles().open(str(image))

    from llava_vsd.inference.chat import Chat
    from llava_vsd.model.load import load
    from llava_vsd.model.small import SMALL, checkpoint

    place = checkpoint(noted) if model == SMALL else model
    talk = Chat(
        load(place, dtype=dtype, device=device, adapter=adapter or None), picture, max_tokens=max_tokens
    )
    if isinstance(sys.stdin, TextIOWrapper):
        sys.stdin.reconfigure(errors="surrogateescape")  # one line that is not UTF-8 is refused by itself
    on_terminal = sys.stdin.isatty()
    while True:
        try:
            question = input("> " if on_terminal else "").strip()
        except (EOFError, KeyboardInterrupt) as end:
            if not on_terminal and isinstance(end, KeyboardInterrupt):
                raise
            if on_terminal:
                print()
            return
        if not question:
            continue
        try:
            answer = talk.ask(question)
        except (
            SampleError
        ) as error:  # a special token in the question, or no text: the conversation goes on without it
            noted(error.problem)
            continue
        except KeyboardInterrupt:
            if not on_terminal:
                raise
            print()
            continue
        print(answer, flush=True)
