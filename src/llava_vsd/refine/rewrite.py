"""What becomes of the third sentence: the model's rewrite, else one by rules, else it stays; every row says which."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final, Literal

from llava_vsd.errors import MismatchError, UsageError
from llava_vsd.inference.text import Sampling
from llava_vsd.refine.completions import Completions
from llava_vsd.refine.guard import Claim, claim, fault
from llava_vsd.refine.prompt import DIGEST, prompt, sentence_of
from llava_vsd.refine.rules import by_rules
from llava_vsd.schema import SENTENCES, Prediction, Refinement

Outcome = Literal["model", "rules", "kept"]

VERSION: Final = 1
"""Of guard and rules together: rows of another version are not gone on with."""

GREEDY = Sampling()
DRAWN = Sampling(temperature=0.8, top_p=0.95)
"""The first try takes the likeliest words; the next ones draw, else they would say the same."""

RULES = "rules"
"""The name that stands in rows where no text model took part."""


@dataclass
class _Work:
    """A row on its way."""

    prediction: Prediction
    second: str
    others: list[str]
    claim: Claim | None
    tries: int = 0
    faults: list[str] = field(default_factory=list)
    text: str = ""


class Refiner:
    """Rewrites the third sentence of predictions from the second.

    Args:
        completions: the text model; None for rules alone.
        tries: how often the model is asked for one sentence, at most.
        guarded: judge what it says. Without, its first sentence stands whatever it is, as in the paper; an empty one
            leaves the original.
        seed: of what is drawn.

    Raises:
        UsageError: no try at all, or rules without a guard.
    """

    def __init__(
        self, completions: Completions | None, *, tries: int = 3, guarded: bool = True, seed: int = 0
    ) -> None:
        if tries < 1:
            raise UsageError(f"tries: {tries}, expected 1 or more")
        if completions is None and not guarded:
            raise UsageError("rules are made by the guard's measure; without a guard a text model is needed")
        self.completions, self.guarded, self.seed = completions, guarded, seed
        self.tries = tries if guarded else 1
        self.model = completions.model.name if completions else RULES
        self.batch_size = 4 * completions.model.batch_size if completions else 256

    @property
    def settings(self) -> dict[str, Any]:
        """All that a rewrite depends on besides the prediction; stands in each row under `refine`."""
        found: dict[str, Any] = {"version": VERSION, "model": self.model, "guarded": self.guarded}
        if self.completions:
            found |= {"tries": self.tries, "seed": self.seed, "prompt": DIGEST}
            found["settings"] = self.completions.model.settings
        return found

    def refine(self, predictions: Sequence[Prediction], asked: Sequence[int]) -> list[Prediction]:
        """The predictions with their third sentences rewritten; what becomes of one does not depend on the others.

        Args:
            predictions: any number.
            asked: for each, the place in `relations` of the pair that the sentences are about.

        Raises:
            MismatchError: a prediction has no relation at that place, or is refined already; names its id.
            VsdError: the model cannot answer.
        """
        rows = [_begin(one, place) for one, place in zip(predictions, asked, strict=True)]
        open_rows = [row for row in rows if row.second and (row.claim or not self.guarded)]
        if self.completions:
            for attempt in range(self.tries):
                open_rows = [row for row in open_rows if not row.text]
                self._try(self.completions, open_rows, attempt)
        return [self._end(row) for row in rows]

    def in_batches(self, predictions: Sequence[Prediction], asked: Sequence[int]) -> Iterator[Prediction]:
        """Yields the same rows as `refine` as they come, some at a time."""
        for start in range(0, len(predictions), self.batch_size):
            some = slice(start, start + self.batch_size)
            yield from self.refine(predictions[some], asked[some])

    def _try(self, completions: Completions, rows: Sequence[_Work], attempt: int) -> None:
        prompts = [prompt(row.second) for row in rows]
        seeds = [self._seed(row.second, attempt) for row in rows]
        texts = completions.complete(prompts, DRAWN if attempt else GREEDY, seeds)
        for row, completion in zip(rows, texts, strict=True):
            text = sentence_of(completion)
            row.tries += 1
            if self.guarded and row.claim:
                problem = fault(text, row.second, row.others, row.claim)
            else:
                problem = "" if text else "form: says nothing"
            if problem:
                row.faults.append(problem)
            else:
                row.text = text

    def _seed(self, second: str, attempt: int) -> int:
        """Of this sentence's own draw, so that neighbours and order do not matter."""
        digest = sha256(json.dumps([self.seed, second, attempt]).encode()).digest()
        return int.from_bytes(digest[:7], "big")

    def _end(self, row: _Work) -> Prediction:
        outcome: Outcome = "model"
        said = "; ".join(dict.fromkeys(row.faults))
        reason = said
        if not row.second:
            outcome, reason = "kept", "no second sentence to rewrite from"
        elif self.guarded and not row.claim:
            outcome, reason = "kept", "neither task 1 nor the second sentence gives a relation"
        elif not row.text and row.claim and self.guarded:
            found, problem = by_rules(row.second, row.others, row.claim)
            outcome = "rules" if found else "kept"
            row.text = found.sentence if found else ""
            reason = "; ".join(filter(None, [said, f"rule: {found.rule}" if found else problem]))
        elif not row.text:
            outcome = "kept"
        given = row.prediction.descriptions
        original = given[SENTENCES - 1] if len(given) >= SENTENCES else ""
        three = [*given[: SENTENCES - 1], row.text] if row.text else given
        refinement = Refinement(
            original=original, outcome=outcome, reason=reason, tries=row.tries, model=self.model
        )
        settings = {**row.prediction.settings, "refine": self.settings}
        return row.prediction.model_copy(
            update={"descriptions": three, "refinement": refinement, "settings": settings}
        )


def _begin(prediction: Prediction, place: int) -> _Work:
    if prediction.refinement is not None:
        raise MismatchError(f"prediction {prediction.id}: refinement: is refined already, expected none")
    if not 0 <= place < len(prediction.relations):
        raise MismatchError(
            f"prediction {prediction.id}: relations: {len(prediction.relations)}, expected more than {place}, "
            "the place of the asked pair"
        )
    answer = prediction.relations[place]
    others = prediction.descriptions[: SENTENCES - 1]
    second = others[-1].strip() if len(others) == SENTENCES - 1 else ""
    return _Work(prediction, second, others, claim(second, answer))
