"""The original program's input and output files, so that ours drops into the scripts that call it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from llava_vsd.errors import FileError, RowError
from llava_vsd.metrics.spice.score import CategoryScore, Match, SpiceScore


class Pair(NamedTuple):
    """An entry of the input: `{"image_id": any, "test": caption, "refs": [caption, ...]}`."""

    image_id: Any
    test: str
    refs: list[str]


def read_pairs(path: str | Path) -> list[Pair]:
    """Reads a JSON list of entries.

    Raises:
        FileError: the file is missing, no UTF-8, or no JSON list.
        RowError: an entry is no object, or lacks a field or has one of another type; names entry and field.
    """
    path = Path(path)
    try:
        content = json.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        raise FileError(path, "no such file") from None
    except OSError as error:
        raise FileError(path, f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise FileError(path, f"not UTF-8 text ({error.reason} at byte {error.start})") from None
    except json.JSONDecodeError as error:
        raise FileError(path, f"line {error.lineno}, column {error.colno}: not JSON: {error.msg}") from None
    except RecursionError:
        raise FileError(path, "nested too deeply") from None
    except ValueError as error:  # a number of thousands of digits
        raise FileError(path, f"cannot be read: {error}") from None
    if not isinstance(content, list):
        raise FileError(path, 'expected a JSON list of {"image_id", "test", "refs"}')
    return [_pair(path, place, entry) for place, entry in enumerate(content)]


def _pair(path: Path, place: int, entry: Any) -> Pair:
    if not isinstance(entry, dict):
        raise RowError(path, f"entry {place}", "", "expected an object with image_id, test and refs")
    where = f"entry {place} (image_id {entry.get('image_id', 'missing')})"
    for field in ("image_id", "test", "refs"):
        if field not in entry:
            raise RowError(path, where, field, "missing")
    test, refs = entry["test"], entry["refs"]
    if not isinstance(test, str):
        raise RowError(path, where, "test", f"{test!r}, expected a text")
    if not isinstance(refs, list):
        raise RowError(path, where, "refs", f"{refs!r}, expected a list of texts")
    for number, ref in enumerate(refs):
        if not isinstance(ref, str):
            raise RowError(path, where, f"refs[{number}]", f"{ref!r}, expected a text")
    return Pair(entry["image_id"], test, refs)


def output(
    pairs: Iterable[Pair], scores: Iterable[SpiceScore], *, detailed: bool = False, subset: bool = False
) -> list[dict[str, Any]]:
    """The original's output: one entry an item.

    Args:
        pairs, scores: in the same order.
        detailed: the merged tuples of both sides with their truth values (`-detailed`).
        subset: the categories beside *All* (`-subset`); figures of a category that the references lack are None.
    """
    entries = []
    for pair, score in zip(pairs, scores, strict=True):
        entry: dict[str, Any] = {"image_id": pair.image_id, "scores": categories(score, subset=subset)}
        if detailed:
            entry |= {"test_tuples": _tuples(score.candidate), "ref_tuples": _tuples(score.reference)}
        entries.append(entry)
    return entries


def categories(score: SpiceScore, *, subset: bool) -> dict[str, dict[str, Any]]:
    """The figures of one item by category, under the original's names."""
    wanted: Mapping[str, CategoryScore] = score.categories if subset else {"All": score.categories["All"]}
    return {
        name: {
            "pr": one.precision, "re": one.recall, "f": one.f,
            "fn": one.fn, "numImages": 1, "fp": one.fp, "tp": one.tp,
        }
        for name, one in wanted.items()
    }  # fmt: skip


def _tuples(matches: Iterable[Match]) -> list[dict[str, Any]]:
    return [{"tuple": list(match.tuple), "truth_value": match.found} for match in matches]
