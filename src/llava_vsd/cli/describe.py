"""`vsd describe`: how two things in a picture stand to each other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

if TYPE_CHECKING:
    from llava_vsd.describe import Description
    from llava_vsd.schema import Box


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(describe)


KNOWS = "The small model was trained on rendered rooms (vsd rooms) and knows nothing of photographs"

Model = Annotated[
    str,
    typer.Option(
        help=f"{KNOWS}; for these give the folder or hub name of a large one, e.g. llava-hf/llava-1.5-7b-hf, "
        "or anything else that vsd predict takes."
    ),
]
Adapter = Annotated[str, typer.Option(help="Checkpoint: an adapter on it.", show_default=False)]
Dtype = Annotated[str, typer.Option(help="Checkpoint: auto (as it is saved), float32, bfloat16 or float16.")]
Device = Annotated[
    str, typer.Option(help="Checkpoint: auto (a GPU where there is one), cpu, cuda:1, mps ...")
]

BOX = "y_min,y_max,x_min,x_max in pixels, the order of the VSD files"


def describe(
    images: Annotated[
        list[Path], typer.Argument(metavar="IMAGE...", help="Picture, or several.", show_default=False)
    ],
    subject: Annotated[
        str,
        typer.Argument(
            help='The thing whose place is asked for; several words in quotes: "coffee table".',
            show_default=False,
        ),
    ],
    object: Annotated[
        str, typer.Argument(help="The thing that it is told in relation to.", show_default=False)
    ],
    model: Model = "small",
    adapter: Adapter = "",
    dtype: Dtype = "auto",
    device: Device = "auto",
    subject_box: Annotated[
        str,
        typer.Option(
            help=f"Where the subject is: {BOX}. Drawn by --save; a baseline looks at it, the small model does not.",
            show_default=False,
        ),
    ] = "",
    object_box: Annotated[str, typer.Option(help="Where the object is, likewise.", show_default=False)] = "",
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a picture, each on a line of stdout.")
    ] = False,
    save: Annotated[
        Optional[Path],  # noqa: UP045 - typer reads it at run time, on Python 3.10 too
        typer.Option(
            help="File for the picture with the boxes, where they are given, and the text below; with several "
            "pictures a folder for them.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Say how two things in a picture stand to each other: the relation with nine probabilities, one sentence, three.

    Without --model the small model answers, which ships with this package. It was trained on rendered rooms and knows
    nothing else: ask a large model about photographs. Several pictures in one command cost one start.

    Example: vsd describe examples/rooms/images/rooms-test-layouts-00046.jpg aquarium table --save answer.png
    """
    from llava_vsd.cli.progress import noted
    from llava_vsd.data.images import ImageFiles
    from llava_vsd.describe import Describer, named
    from llava_vsd.errors import UsageError
    from llava_vsd.inference.settings import Settings

    boxes = (parse_box(subject_box, "--subject-box"), parse_box(object_box, "--object-box"))
    if len(images) > 1 and any(boxes):
        raise UsageError("boxes of one picture do not fit others; expected one picture with --subject-box")
    # What is wrong is told before a model is read.
    subject, object = named(subject, object)
    store = ImageFiles()
    for image in images:
        size = store.size(str(image))
        for box, option in zip(boxes, ("--subject-box", "--object-box"), strict=True):
            if box and (box[0] >= size[1] or box[2] >= size[0]):
                raise UsageError(
                    f"{option} lies outside of the picture of {size[0]} x {size[1]}; expected {BOX}"
                )
    targets = {str(image): target for image, target in zip(images, _targets(images, save), strict=True)}
    running = Settings(dtype=dtype, device=device, adapter=adapter or None)
    describer = Describer(model, running, noted)
    told = False
    for one in describer.describe_all([str(image) for image in images], subject, object, boxes=boxes):
        if one.unknown_names and not told:
            told = True
            noted(
                f"{' and '.join(one.unknown_names)}: not among the names that the small model was trained on; "
                "what it says is a guess"
            )
        if as_json:
            print(one.model_dump_json())
        else:
            _show(one, named=len(images) > 1)
        target = targets[one.image]
        if target is not None:
            _save(one, target)
            if not as_json:
                print(f"{target}")


def parse_box(text: str, option: str) -> Box | None:
    """A box as the command line takes it; None for nothing.

    Raises:
        UsageError: not four whole numbers in order.
    """
    from llava_vsd.errors import UsageError

    if not text:
        return None
    try:
        top, bottom, left, right = (int(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"{option} {text!r}; expected {BOX}, e.g. 62,228,128,256") from None
    if not (0 <= top < bottom and 0 <= left < right):
        raise UsageError(
            f"{option} {text!r} holds nothing; expected {BOX}, each minimum less than its maximum"
        )
    return top, bottom, left, right


def _targets(images: list[Path], save: Path | None) -> list[Path | None]:
    """Where each picture goes, in a folder that is there; UsageError where it would take the place of one."""
    from llava_vsd.errors import UsageError
    from llava_vsd.jsonl import refuse_inputs

    if save is None:
        return [None] * len(images)
    if len(images) == 1 and not save.is_dir():
        if save.suffix.lower() != ".png":
            raise UsageError(f"--save {save}; expected a name that ends in .png")
        targets = [save]
    else:
        targets = [save / f"{image.stem}.png" for image in images]
    if len(set(targets)) < len(targets):
        raise UsageError(f"--save {save}: two pictures of the same name; expected one command for each")
    for target in targets:
        refuse_inputs(target, *images)
    targets[0].parent.mkdir(parents=True, exist_ok=True)
    return list(targets)


def _show(one: Description, *, named: bool) -> None:
    """Prints a description for a person."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    if named:
        console.print(Text(one.image, style="dim"), soft_wrap=True)
    console.print(Text(f"{one.subject} - {one.relation or 'no relation named'} - {one.object}", style="bold"))
    full = "█" if (console.encoding or "").lower().startswith("utf") else "#"
    table = Table.grid(padding=(0, 1))
    for relation, share in one.scores.items():
        table.add_row(relation, Text(bar(share, full), style="cyan"), f"{100 * share:5.1f} %")
    if one.scores:
        console.print(table)
    for text in (one.description, "", *one.descriptions):
        console.print(Text(text), soft_wrap=True)


def bar(share: float, full: str, width: int = 30) -> str:
    """A bar for a share of 0-1, filled up with spaces; what is not 0 to rounding shows."""
    return (full * max(round(share * width), int(share >= 0.005))).ljust(width)


def _save(one: Description, target: Path) -> None:
    from llava_vsd.data.images import ImageFiles
    from llava_vsd.draw import described

    made = described(
        ImageFiles().open(one.image),
        (one.subject, one.relation, one.object),
        one.scores.get(one.relation) if one.relation else None,
        [one.description, *one.descriptions],
        (one.subject_box, one.object_box),
    )
    made.save(target, format="PNG")
