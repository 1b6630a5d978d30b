"""Puts predictions beside their items: one each, about the same picture and the same pairs, or an error with ids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from llava_vsd.errors import MismatchError
from llava_vsd.schema import Item, Prediction, Probe

_NAMED = 5  # ids that an error names; of more it tells how many


def matched(
    items: Sequence[Item],
    predictions: Iterable[Prediction],
    *,
    allow_missing: bool = False,
    what: str = "predictions",
    probe: Probe | None = None,
) -> list[Prediction | None]:
    """The prediction of each item, in the items' order; None where `allow_missing` and there is none.

    With `allow_missing` a prediction may also lack all its relations. Sentences are not looked at: that a model gave
    too few of them, or none, is for the scores to say. `what` stands first in errors: a file's name, for example.
    Predictions of another `probe` are passed over: by default all that do not answer the items as they are.

    Raises:
        MismatchError: items with the same id; predictions that are missing, doubled, or of unknown items (names the
            ids); a prediction about another picture, with more or fewer relations than the item has triples, or
            about other things (names id and field).
    """
    refuse_doubled(items)
    known = {item.id: item for item in items}
    found: dict[str, Prediction] = {}
    doubled: dict[str, None] = {}
    unknown: dict[str, None] = {}
    for prediction in predictions:
        if prediction.probe != probe:
            continue
        if prediction.id not in known:
            unknown[prediction.id] = None
        elif prediction.id in found:
            doubled[prediction.id] = None
        found[prediction.id] = prediction
    if doubled:
        raise MismatchError(
            f"{what}: more than one prediction for {first_ids(list(doubled))}; expected one an item"
        )
    if unknown:
        raise MismatchError(f"{what}: no item has the id {first_ids(list(unknown))}")
    missing = [item.id for item in items if item.id not in found]
    if missing and not allow_missing:
        raise MismatchError(
            f"{what}: no prediction for {first_ids(missing)}; expected one for each of {len(items)} items "
            "(or --allow-missing)"
        )
    for name, prediction in found.items():
        fault = fault_of(known[name], prediction, allow_missing=allow_missing)
        if fault:
            raise MismatchError(f"{what}: prediction {name}: {fault}")
    return [found.get(item.id) for item in items]


def refuse_doubled(items: Sequence[Item]) -> None:
    """Raises MismatchError, which names the ids, where items have the same id."""
    twice = [one for one, count in Counter(item.id for item in items).items() if count > 1]
    if twice:
        raise MismatchError(f"items: {first_ids(twice)} occur more than once; expected one row an id")


def fault_of(item: Item, prediction: Prediction, *, allow_missing: bool = False) -> str:
    """What keeps `prediction` from being one of `item` (field, what was found, what was expected); empty if nothing."""
    if prediction.image != item.image:
        return f"image: {prediction.image!r}, expected {item.image!r}"
    if allow_missing and not prediction.relations:
        return ""
    if len(prediction.relations) != len(item.triples):
        return (
            f"relations: {len(prediction.relations)}, expected {len(item.triples)}, one a triple of the item"
        )
    for place, (answer, triple) in enumerate(zip(prediction.relations, item.triples, strict=True)):
        for field in ("subject", "object"):
            found, expected = getattr(answer, field), getattr(triple, field)
            if found != expected:
                return f"relations[{place}].{field}: {found!r}, expected {expected!r}"
    return ""


def first_ids(ids: Sequence[str]) -> str:
    """The first ids as a text for an error, and how many more there are."""
    rest = len(ids) - _NAMED
    return ", ".join(ids[:_NAMED]) + (f" and {rest} more" if rest > 0 else "")
