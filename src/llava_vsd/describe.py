"""Two things in a picture, asked about by name: relation with probabilities, one sentence, three sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from llava_vsd.data.images import ImageFiles
from llava_vsd.data.prompts import ANY
from llava_vsd.errors import UsageError
from llava_vsd.inference.settings import Settings
from llava_vsd.predict import SMALL, load_engine
from llava_vsd.relations import Relation
from llava_vsd.schema import Box, Item, Prediction, Row, Text, Triple, is_text


class Description(Row):
    """What a model says of a pair in a picture.

    Attributes:
        image: the picture's path, as it was given.
        subject, object: the pair, as it was given.
        subject_box, object_box: where the two are, if that was told.
        relation: None where the model's text names none.
        scores: probability of each of the nine, the likeliest first; empty where the model has none.
        description: one sentence.
        descriptions: three sentences.
        model: who says it.
        unknown_names: those of the two names that the small model was not trained on.
    """

    image: Text
    subject: Text
    object: Text
    subject_box: Box | None = None
    object_box: Box | None = None
    relation: Relation | None
    scores: dict[Relation, float]
    description: str
    descriptions: list[str]
    model: str
    unknown_names: list[str]


def named(subject: str, object: str) -> tuple[str, str]:
    """Both names without spaces around them; UsageError where one is empty or no text."""
    names = subject.strip(), object.strip()
    if not all(names):
        raise UsageError("an empty name; expected what the two things are called")
    if broken := [name for name in names if not is_text(name)]:
        raise UsageError(f"name {broken[0]!r} is not UTF-8; expected what the thing is called")
    return names


class Describer:
    """A model to ask about pairs.

    Args:
        spec: as `predict.load_engine` takes it; `small` is the model that ships, which knows rendered rooms only.
        running: how to run a checkpoint.
        note: told what takes long, and what a user should know.

    Raises:
        as `load_engine`.
    """

    def __init__(
        self,
        spec: str = SMALL,
        running: Settings | None = None,
        note: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._unknown: Callable[..., list[str]] = lambda *names: []
        if spec == SMALL:
            import llava_vsd.model  # noqa: F401 - says what is missing where torch is
            from llava_vsd.model.small import about

            self._unknown = about().unknown
        self.engine = load_engine(spec, images=ImageFiles(), running=running, note=note)
        if remark := getattr(self.engine, "remark", ""):
            note(remark)

    def describe(
        self,
        image: str | Path,
        subject: str,
        object: str,
        *,
        subject_box: Box | None = None,
        object_box: Box | None = None,
    ) -> Description:
        """Describes how two things stand to each other.

        Args:
            image: file of the picture.
            subject, object: names of the two.
            subject_box, object_box: where they are: y_min, y_max, x_min, x_max in pixels.

        Raises:
            UsageError: an empty name; a model that looks at boxes, without boxes.
            FileError: no such picture, or it is broken.
        """
        boxes = (subject_box, object_box)
        return next(self.describe_all([image], subject, object, boxes=boxes))

    def describe_all(
        self,
        images: Sequence[str | Path],
        subject: str,
        object: str,
        *,
        boxes: tuple[Box | None, Box | None] = (None, None),
    ) -> Iterator[Description]:
        """The same of several pictures, several at a time; raises as `describe`."""
        subject, object = named(subject, object)
        files = ImageFiles()
        for image in images:
            files.path(str(image))
        if "boxes" in self.engine.sees and None in boxes:
            raise UsageError(f"{self.engine.name} looks at boxes; expected the boxes of both")
        pair = Triple(
            subject=subject,
            object=object,
            relation=ANY.relation,
            subject_box=boxes[0] or ANY.subject_box,
            object_box=boxes[1] or ANY.object_box,
        )
        items = [Item(id=str(image), image=str(image), triples=[pair]) for image in images]
        size = self.engine.batch_size
        for start in range(0, len(items), size):
            for one in self.engine.predict(items[start : start + size]):
                yield self._description(one, pair, boxes)

    def _description(
        self, one: Prediction, pair: Triple, boxes: tuple[Box | None, Box | None]
    ) -> Description:
        answer = one.relations[0]
        likeliest = sorted(answer.scores.items(), key=lambda entry: -entry[1])
        return Description(
            image=one.image,
            subject=pair.subject,
            object=pair.object,
            subject_box=boxes[0],
            object_box=boxes[1],
            relation=answer.relation,
            scores=dict(likeliest),
            description=one.description,
            descriptions=one.descriptions,
            model=self.engine.name,
            unknown_names=self._unknown(pair.subject, pair.object),
        )
