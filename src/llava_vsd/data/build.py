"""Items to conversations, by the rule of the paper (LLaVA-VSD, ACM MM 2024, section 2.2)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from llava_vsd.data.export import Form, default_image_path, writing
from llava_vsd.data.prompts import draw, question
from llava_vsd.data.statistics import Statistics
from llava_vsd.jsonl import writing_rows
from llava_vsd.schema import Conversation, Item, Place, Task, Turn

SEPARATOR = " \n "
"""What stands between the three sentences of a task-3 answer, in the paper's own data."""

PAPER_COUNTS: dict[Task, int] = {"classify": 20_490, "describe": 83_608, "diversify": 17_241}
"""Conversations that the paper built on train: 121,339."""


def conversations(item: Item, *, seed: int = 0, boxes: bool = False) -> Iterator[Conversation]:
    """The training samples of one item.

    Task 1: one. Task 2: one for each unique v1 description. Task 3: one if there are two unique v1 descriptions or
    more and a v2 description; its answer is "S R O.", one v1 and one v2 description. What is drawn (templates,
    descriptions of task 3) depends on the seed and the item's id alone. With `boxes` each also holds where its subject
    and its object are, for training with boxes in the question.
    """
    triple = item.pair
    places = [
        Place.model_construct(name=triple.subject, box=triple.subject_box),
        Place.model_construct(name=triple.object, box=triple.object_box),
    ]

    def sample(task: Task, suffix: str, answer: str) -> Conversation:
        key = f"{item.id}/{suffix}"
        # The values come from checked rows: no second validation, which would double the time.
        return Conversation.model_construct(
            id=key,
            task=task,
            image=item.image,
            turns=[
                Turn.model_construct(role="user", text=question(task, triple, seed=seed, key=key)),
                Turn.model_construct(role="assistant", text=answer),
            ],
            places=places if boxes else None,
        )

    yield sample("classify", "classify", triple.relation)
    for place, description in enumerate(item.descriptions_v1):
        yield sample("describe", f"describe/{place}", description)
    if len(item.descriptions_v1) >= 2 and item.descriptions_v2:
        first = item.descriptions_v1[draw(seed, f"{item.id}/diversify/v1", len(item.descriptions_v1))]
        second = item.descriptions_v2[draw(seed, f"{item.id}/diversify/v2", len(item.descriptions_v2))]
        named = f"{triple.subject} {triple.relation} {triple.object}."
        yield sample("diversify", "diversify", SEPARATOR.join((named, first, second)))


@dataclass(slots=True)
class Report:
    """What `build` wrote.

    Attributes:
        items: how many.
        tasks: conversations by task.
        statistics: filled where asked for.
    """

    items: int = 0
    tasks: Counter[Task] = field(default_factory=Counter)
    statistics: Statistics | None = None

    def paper_differences(self) -> list[str]:
        """Where the counts are not those of the paper's training set; empty where all agree."""
        return [
            f"{task}: {self.tasks[task]:,}, the paper has {count:,}"
            for task, count in PAPER_COUNTS.items()
            if self.tasks[task] != count
        ]


def build(
    items: Iterable[Item],
    folder: Path | None,
    *,
    seed: int = 0,
    forms: Sequence[Form] = (),
    with_conversations: bool = True,
    image_path: Callable[[str], str] = default_image_path,
    statistics: bool = False,
    boxes: bool = False,
) -> Report:
    """Writes `items.jsonl`, `conversations.jsonl` and the other forms into `folder`, in constant memory.

    Each file takes its name when all are written: an error or a kill leaves what was there before.

    Args:
        items: the source; each is held only while it is worked on.
        folder: where to write; None writes nothing (for the statistics alone).
        seed: with an item's id it decides what is drawn.
        forms: further forms to write, see `export`.
        with_conversations: False writes the items alone (test data).
        image_path: what a trainer's file says where the image is, given its id.
        statistics: gather them; takes 8 bytes a distinct answer.
        boxes: conversations say where their subject and object are, see `conversations`.
    """
    report = Report(statistics=Statistics() if statistics else None)
    with ExitStack() as files:
        write_item = files.enter_context(writing_rows(folder / "items.jsonl")) if folder is not None else None
        write = files.enter_context(_writing(folder if with_conversations else None, forms))
        for item in items:
            report.items += 1
            if write_item:
                write_item(item)
            if report.statistics:
                report.statistics.add_item(item)
            for sample in conversations(item, seed=seed, boxes=boxes) if with_conversations else ():
                report.tasks[sample.task] += 1
                write(sample, image_path(item.image))
                if report.statistics:
                    report.statistics.add_conversation(sample, item.pair.relation)
    return report


def convert(
    samples: Iterable[Conversation],
    folder: Path | None,
    *,
    forms: Sequence[Form] = (),
    statistics: bool = False,
) -> Report:
    """Writes conversations from elsewhere (see `llava.read_llava`) as `build` writes its own; images stay as named."""
    report = Report(statistics=Statistics() if statistics else None)
    with _writing(folder, forms) as write:
        for sample in samples:
            report.tasks[sample.task] += 1
            write(sample, sample.image)
            if report.statistics:
                report.statistics.add_conversation(sample, None)
    return report


@contextmanager
def _writing(
    folder: Path | None, forms: Sequence[Form]
) -> Iterator[Callable[[Conversation, str | None], None]]:
    """Opens `conversations.jsonl` and the other forms; what is yielded writes one conversation to each."""
    if folder is None:
        yield lambda sample, image: None
        return
    with ExitStack() as files:
        write_row = files.enter_context(writing_rows(folder / "conversations.jsonl"))
        writers = [files.enter_context(writing(form, folder)) for form in forms]

        def write(sample: Conversation, image: str | None) -> None:
            write_row(sample)
            for write_form in writers:
                write_form(sample, image)

        yield write
