"""The baseline as an engine, and as a file: JSON with arrays in base64, so that loading it runs no code."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ValidationError
from threadpoolctl import threadpool_limits

from llava_vsd.errors import FileError, UsageError
from llava_vsd.inference.baseline.phrases import Pair
from llava_vsd.inference.baseline.relation import FEATURES, Features, RelationModel, Validation
from llava_vsd.inference.baseline.sentences import Sentences
from llava_vsd.inference.engine import Sight
from llava_vsd.jsonl import first_problem, replacing
from llava_vsd.relations import RELATIONS
from llava_vsd.schema import Item, Prediction, RelationAnswer

FORMAT: Final = "llava-vsd baseline"
VERSION: Final = 1
"""Of the file's form; a reader refuses any other."""

_DECIMALS = 6  # of probabilities: beyond, they may depend on the items beside


class BaselineModel(BaseModel):
    """All that is learned from items.

    Attributes:
        seed: of what is random in fitting.
        items: how many there were to learn from.
    """

    format: Literal["llava-vsd baseline"] = FORMAT
    version: Literal[1] = VERSION
    seed: int
    items: int
    relation: RelationModel
    sentences: Sentences

    def save(self, path: str | Path) -> None:
        """Writes the model, atomically.

        Raises:
            FileError: the file cannot be written.
        """
        with replacing(path) as file:
            file.write(self.model_dump_json())


def fit(
    items: Sequence[Item], *, seed: int = 0, step: Callable[[], None] = lambda: None
) -> tuple[BaselineModel, Validation]:
    """Learns from labelled items and their descriptions, on one core, the same from the same items and seed.

    Args:
        items: two or more.
        seed: of the folds and of what is random in fitting.
        step: called now and then, `FIT_STEPS` times at most, to show that it goes on.

    Returns:
        the model, and what cross-validation says of its relations.

    Raises:
        UsageError: fewer than two items.
    """
    with threadpool_limits(1):  # sums must not depend on the number of threads
        relation, validation = RelationModel.fit(items, seed=seed, step=step)
        sentences = Sentences.fit(items)
    return BaselineModel(seed=seed, items=len(items), relation=relation, sentences=sentences), validation


def load(path: str | Path, features: str = "both") -> Baseline:
    """An engine from a file that `vsd baseline fit` has written.

    Args:
        path: the file.
        features: what it may look at for the relation: `names`, `boxes` or `both`.

    Raises:
        UsageError: other features.
        FileError: the file is missing, is no baseline, is damaged, or has another version.
    """
    path = Path(path)
    if features not in FEATURES:
        raise UsageError(f"baseline: unknown features {features!r}; expected one of: {', '.join(FEATURES)}")
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise FileError(path, "no such file") from None
    except OSError as error:
        raise FileError(path, f"cannot be read: {error.strerror}") from None
    expected = f"expected a file of `vsd baseline fit` ({FORMAT}, version {VERSION})"
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        raise FileError(path, f"not JSON; {expected}") from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise FileError(path, f"not a baseline; {expected}")
    if found.get("version") != VERSION:
        raise FileError(path, f"version {found.get('version')}; {expected}: fit it anew, or update llava-vsd")
    try:
        model = BaselineModel.model_validate(found)
    except ValidationError as error:
        field, problem = first_problem(error)
        raise FileError(path, f"damaged: {field}: {problem}; {expected}") from None
    return Baseline(model, features, name=f"baseline:{path}", digest=sha256(content).hexdigest())


class Baseline:
    """Answers from names and boxes alone; an item's labels and descriptions are not looked at.

    Args:
        model: what was learned.
        features: what it may look at for the relation. Sentences speak of that relation, whatever it is.
        name: stands in the predictions.
        digest: tells this model from others.
    """

    batch_size = 512

    def __init__(
        self, model: BaselineModel, features: Features = "both", *, name: str = "baseline", digest: str = ""
    ) -> None:
        self.model, self.features = model, features
        self.name = name if features == "both" else f"{name}#{features}"
        self.sees: frozenset[Sight] = frozenset() if features == "names" else frozenset({"boxes"})
        self.settings: dict[str, Any] = {"engine": "baseline", "features": features, "sha256": digest}

    def predict(self, items: Sequence[Item]) -> Iterator[Prediction]:
        """Yields an answer to each item; see `Engine`."""
        triples = [triple for item in items for triple in item.triples]
        with threadpool_limits(1):  # these products are too small to share between threads
            probabilities = self.model.relation.probabilities(triples, self.features).round(_DECIMALS)
        likeliest = [RELATIONS[column] for column in probabilities.argmax(axis=1)]
        answers = [
            RelationAnswer(
                subject=triple.subject,
                object=triple.object,
                relation=relation,
                scores=dict(zip(RELATIONS, row, strict=True)),
            )
            for triple, relation, row in zip(triples, likeliest, probabilities.tolist(), strict=True)
        ]
        shares, pairs, start = [], [], 0
        for item in items:
            shares.append(answers[start : start + len(item.triples)])
            pairs.append(Pair(item.pair.subject, item.pair.object, likeliest[start + item.asked]))
            start += len(item.triples)
        with threadpool_limits(1):
            said = self.model.sentences.compose(pairs, self.model.relation.vectors)
        for item, own, (description, descriptions) in zip(items, shares, said, strict=True):
            yield Prediction(
                id=item.id, image=item.image, model=self.name, relations=own,
                description=description, descriptions=descriptions, settings=self.settings,
            )  # fmt: skip
