"""Arrays as fields of a row, so that a fitted model is one JSON file that is safe to load."""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, PlainSerializer

_TYPES = ("float32", "int32", "uint8")


def _decoded(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value
    if not isinstance(value, dict) or value.keys() != {"type", "shape", "base64"}:
        raise ValueError("expected an array: type, shape and base64")
    kind, shape = value["type"], value["shape"]
    if kind not in _TYPES:
        raise ValueError(f"type {kind!r}, expected one of: {', '.join(_TYPES)}")
    if not isinstance(shape, list) or any(type(size) is not int or size < 0 for size in shape):
        raise ValueError(f"shape {shape!r}, expected a list of sizes")
    if not isinstance(value["base64"], str):
        raise ValueError("base64: expected a text")
    array = np.frombuffer(b64decode(value["base64"], validate=True), np.dtype(kind).newbyteorder("<"))
    if array.size != np.prod(shape, dtype=object):
        raise ValueError(f"{array.size} numbers, expected {' x '.join(map(str, shape))}")
    if kind == "float32" and not np.isfinite(array).all():
        raise ValueError("numbers that are not finite")
    return array.astype(kind).reshape(shape)


def _encoded(array: NDArray[Any]) -> dict[str, Any]:
    data = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    return {
        "type": array.dtype.name,
        "shape": list(array.shape),
        "base64": b64encode(data.tobytes()).decode("ascii"),
    }


Floats = Annotated[NDArray[np.float32], BeforeValidator(_decoded), PlainSerializer(_encoded)]
Integers = Annotated[NDArray[np.int32], BeforeValidator(_decoded), PlainSerializer(_encoded)]
Bytes = Annotated[NDArray[np.uint8], BeforeValidator(_decoded), PlainSerializer(_encoded)]


def expect(name: str, array: NDArray[Any], kind: str, *shape: int | None) -> None:
    """Refuses an array of another type or shape; `None` stands for any size.

    Raises:
        ValueError: names the array and what was expected.
    """
    fits = len(array.shape) == len(shape) and all(
        wanted is None or size == wanted for size, wanted in zip(array.shape, shape, strict=False)
    )
    if array.dtype.name != kind or not fits:
        expected = " x ".join("any" if size is None else str(size) for size in shape)
        raise ValueError(f"{name}: {array.dtype.name} {list(array.shape)}, expected {kind} {expected}")
