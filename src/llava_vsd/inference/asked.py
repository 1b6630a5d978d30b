"""Pictures with what is asked about them in token ids, and what comes back: what ways to run a model have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from torch import Tensor

from llava_vsd.inference.decode import Answer

Ids = tuple[int, ...]


class Open(NamedTuple):
    """A question that is answered in words.

    Attributes:
        ids: of the question, up to where the answer begins.
        limit: most tokens of an answer.
        seeds: of sampling, one for each answer that is wanted; their number alone matters where nothing is sampled.
    """

    ids: Ids
    limit: int
    seeds: tuple[int, ...]


@dataclass
class Picture:
    """A picture and the questions about it.

    Attributes:
        prefix: token ids up to and including the last one of the image.
        pixels: what the model's processor makes of it.
        choices: token ids of the questions that have one answer among given ones.
        opens: the questions that are answered in words.
    """

    prefix: Ids
    pixels: Mapping[str, Tensor]
    choices: list[Ids] = field(default_factory=list)
    opens: list[Open] = field(default_factory=list)


class Replies(NamedTuple):
    """What a model says of one picture.

    Attributes:
        choices: for each question the log probability of each answer, that of its end token included.
        opens: for each question its answers, as many as were wanted, the best first or in the order of the seeds.
    """

    choices: list[list[float]]
    opens: list[list[Answer]]


class Way(Protocol):
    """A way to run a model."""

    def reply(self, pictures: Sequence[Picture]) -> list[Replies]:
        """Answers all that is asked about some pictures at once; an answer depends on its own question alone."""
        ...
