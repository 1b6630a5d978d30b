"""How to run a model of transformers and how to ask it; known without torch, so that commands can say it."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf

from llava_vsd.errors import UsageError


@dataclass(frozen=True)
class Decoding:
    """How sentences are made.

    Attributes:
        beams: beams of a beam search; 1 for none.
        sample: temperature of sampling; 0 takes the likeliest token.
        top_p: sample from the likeliest tokens that have this much probability together.
        candidates: answers to task 3 of which the best is taken: its mean log probability a token less
            `overlap_penalty` times the share of 4-grams that its sentences have in common (0-1).
        overlap_penalty: in nats a token.
        seed: of sampling.
    """

    beams: int = 1
    sample: float = 0.0
    top_p: float = 1.0
    candidates: int = 1
    overlap_penalty: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.beams < 1 or self.candidates < 1:
            raise UsageError(f"beams {self.beams}, candidates {self.candidates}: expected 1 or more of each")
        if not 0 <= self.sample < inf or not 0 < self.top_p <= 1:
            raise UsageError(f"sample {self.sample}, top-p {self.top_p}: expected 0 or more, and 0-1")
        if not 0 <= self.overlap_penalty < inf:
            raise UsageError(f"overlap penalty {self.overlap_penalty}: expected 0 or more")
        if self.beams > 1 and self.sample:
            raise UsageError("beams and sample: expected one or the other")
        if self.candidates > 1 and not self.sample and self.candidates > self.beams:
            raise UsageError(
                f"candidates {self.candidates}: expected as many beams, or a temperature to sample at"
            )


@dataclass(frozen=True)
class Settings:
    """How to run a model, and how to ask it.

    Attributes:
        dtype, device, quantize, adapter: as `model.load.load` takes them.
        batch_size: items at once; halved for good when memory runs out.
        template: place of the question templates in `data.prompts.TEMPLATES`.
        boxes: whether questions tell where the two things are, in the family's own form.
        both_orders: ask for the relation with subject and object exchanged too; see `metrics.calibration.both_orders`.
        temperature: of the scores; what `vsd calibrate` fits. Changes no answer, but how sure it is. None: 1, for the
            small model the one that ships with it.
        max_tokens: of each answer in words; None takes what each task needs.
        decoding: how sentences are made.
    """

    dtype: str = "auto"
    device: str = "auto"
    quantize: str | None = None
    adapter: str | None = None
    batch_size: int = 8
    template: int = 0
    boxes: bool = False
    both_orders: bool = False
    temperature: float | None = None
    max_tokens: int | None = None
    decoding: Decoding = field(default_factory=Decoding)

    def __post_init__(self) -> None:
        if self.batch_size < 1 or not 0 < (1 if self.temperature is None else self.temperature) < inf:
            raise UsageError(
                f"batch size {self.batch_size}, temperature {self.temperature}: expected more than 0"
            )
