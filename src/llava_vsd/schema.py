"""The rows that stages exchange: items, conversations, predictions. One JSON object a line."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from llava_vsd.relations import Relation

Task = Literal["classify", "describe", "diversify", "caption", "chat"]

Box = tuple[int, int, int, int]
"""[y_min, y_max, x_min, x_max] in pixels, origin at the upper left: the order of the VSD files."""

Probe = Literal["swap", "mirror", "blank"]
"""What was changed before an item was asked again: subject and object swapped, the picture mirrored, or blanked."""

SENTENCES = 3
"""How many task 3 asks for."""

Text = Annotated[str, Field(min_length=1)]


def is_text(given: str) -> bool:
    """Whether a row can hold it: file names, arguments and input keep bytes that are not UTF-8 as half surrogates."""
    try:
        given.encode()
    except UnicodeEncodeError:
        return False
    return True


class Row(BaseModel):
    """A row; a field that this version does not know is kept as it is."""

    model_config = ConfigDict(extra="allow")


class Triple(Row):
    """Two things in a picture and how the first stands to the second."""

    subject: Text
    object: Text
    relation: Relation
    subject_box: Box
    object_box: Box


class Item(Row):
    """One picture of VSD: the v1 entry joined with the v2 entry at the same place.

    Attributes:
        id: `v1-val-00012`: data set, split, place in the file.
        image: the image id of the files: a Visual Genome number, or the name of a SpatialSense file.
        asked: the triple for whose pair sentences are asked.
        descriptions_v1: unique, stripped, in the file's order; not aligned to the triples.
        descriptions_v2: likewise, from v2.
        probe: what was changed in it, see `data.probes`; None for an item as it is.
        holds: all that is true in the picture, in both orders where both have a name; None where nobody knows, as of
            photographs.
    """

    id: Text
    image: Text
    triples: Annotated[list[Triple], Field(min_length=1)]
    asked: Annotated[int, Field(ge=0)] = 0
    descriptions_v1: list[str] = []
    descriptions_v2: list[str] = []
    probe: Probe | None = None
    holds: Annotated[list[Triple] | None, Field(exclude_if=lambda triples: triples is None)] = None

    @model_validator(mode="after")
    def _asked_is_there(self) -> Item:
        if self.asked >= len(self.triples):
            raise ValueError(f"asked is {self.asked}, but there are {len(self.triples)} triples")
        return self

    @property
    def pair(self) -> Triple:
        """The triple for whose pair sentences are asked."""
        return self.triples[self.asked]

    def held(self, subject: str, object: str) -> frozenset[Relation]:
        """The relations that `holds` has for these two names in this order."""
        return frozenset(
            triple.relation
            for triple in self.holds or ()
            if (triple.subject, triple.object) == (subject, object)
        )

    @property
    def label(self) -> str:
        """The id, and what was changed: how errors name it."""
        return label(self.id, self.probe)


class Turn(Row):
    """What one side says in a conversation."""

    role: Literal["system", "user", "assistant"]
    text: str


class Place(Row):
    """A thing that a question is about, and where it is."""

    name: Text
    box: Box


class Conversation(Row):
    """A training sample: an image (or none) and the turns about it.

    The text of a turn carries no image token: where the image goes, and how it is written, is the exporter's and
    the model's business. It belongs before the first user turn.

    Attributes:
        places: the subject and the object, where the builder told their boxes. The text of the turns does not: how a
            box is written is the model's business.
    """

    id: Text
    task: Task
    image: str | None
    turns: Annotated[list[Turn], Field(min_length=1)]
    places: Annotated[list[Place] | None, Field(exclude_if=lambda places: places is None)] = None


class RelationAnswer(Row):
    """The relation that a model gives for one triple, with a score for each label where it has them.

    Attributes:
        relation: None where the model's text names none; counts as no answer.
        scores: probabilities; what is not named has 0, and without any there are none.
    """

    subject: str
    object: str
    relation: Relation | None
    scores: dict[Relation, float] = {}


class Refinement(Row):
    """What became of the third sentence."""

    original: str
    outcome: str
    reason: str
    tries: int
    model: str


class Prediction(Row):
    """What a model says of one item.

    Attributes:
        relations: one a triple, in the item's order.
        description: task 2, one sentence about the asked pair.
        descriptions: task 3, three sentences about the asked pair.
        raw: the model's text before it was parsed.
        settings: how it was made.
        probe: what was changed in the item before it was asked; such a row is no answer to the item itself.
    """

    id: Text
    image: str
    model: str
    relations: list[RelationAnswer]
    description: str
    descriptions: list[str]
    raw: dict[str, Any] = {}
    refinement: Refinement | None = None
    settings: dict[str, Any] = {}
    probe: Probe | None = None

    @property
    def label(self) -> str:
        """The id, and what was changed in the item: how errors name it."""
        return label(self.id, self.probe)


def label(name: str, probe: Probe | None) -> str:
    """How an item, or the answer to it, is called: `v1-val-00012`, `v1-val-00012 (swap)`."""
    return f"{name} ({probe})" if probe else name
