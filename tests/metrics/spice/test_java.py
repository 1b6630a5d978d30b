import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llava_vsd.metrics.spice.java import JavaObject, JavaStreamError, read_object

# the example of the specification: a list of two, first {value 17, next: second}, second {value 19, next null}
SPECIFICATION = bytes.fromhex(
    "aced0005 7372 0004 4c697374 69c88a154016ae68 02 0002 49 0005 76616c7565 4c 0004 6e657874"
    "74 0006 4c4c6973743b 78 70 00000011 7371007e0000 00000013 70"
)


def utf(text: str) -> bytes:
    return struct.pack(">H", len(text.encode())) + text.encode()


def class_of(name: str, flags: int, fields: bytes = b"\0\0", base: bytes = b"p") -> bytes:
    return b"r" + utf(name) + bytes(8) + bytes([flags]) + fields + b"x" + base


def test_the_example_of_the_specification():
    first = read_object(SPECIFICATION)
    assert first.kind == "List"
    assert first["value"] == 17
    assert first["next"]["value"] == 19
    assert first["next"]["next"] is None


def test_a_reference_is_the_same_object_again():
    array = class_of("[Ljava.lang.Object;", 2)
    data = (
        b"\xac\xed\0\5u"
        + array
        + struct.pack(">i", 2)
        + SPECIFICATION[4:].replace(b"q\0\x7e\0\0", b"q\0\x7e\0\2")
        + b"q\0\x7e\0\4"
    )
    first, second = read_object(data)
    assert second is first


def test_what_a_class_writes_itself_comes_after_its_fields():
    fields = b"\0\1" + b"I" + utf("size")
    array_list = class_of("java.util.ArrayList", 3, fields)
    data = (
        b"\xac\xed\0\5s"
        + array_list
        + struct.pack(">i", 2)
        + b"w\4\0\0\0\2"
        + b"t"
        + utf("a")
        + b"t"
        + utf("ö")
        + b"x"
    )
    found = read_object(data)
    assert isinstance(found, JavaObject)
    assert found["size"] == 2
    assert found.items() == ["a", "ö"]


def test_fields_of_base_classes_come_first():
    base = class_of("Base", 2, b"\0\1" + b"D" + utf("x"))
    data = (
        b"\xac\xed\0\5s"
        + class_of("Derived", 2, b"\0\1" + b"Z" + utf("y"), base)
        + struct.pack(">d?", 1.5, True)
    )
    assert read_object(data).fields == {"x": 1.5, "y": True}


@pytest.mark.parametrize(
    ("code", "packed", "values"),
    [
        ("I", ">3i", [1, -2, 3]),
        ("D", ">3d", [0.5, -1.0, 2.0]),
        ("S", ">3h", [1, -1, 7]),
        ("Z", ">3?", [True, False, True]),
    ],
)
def test_arrays_of_numbers(code, packed, values):
    data = b"\xac\xed\0\5u" + class_of("[" + code, 2) + struct.pack(">i", 3) + struct.pack(packed, *values)
    assert read_object(data) == values


def test_zero_and_characters_beyond_the_basic_plane_in_strings():
    raw = b"\xc0\x80" + b"\xed\xa0\xbd\xed\xb9\x82"  # Java writes U+1F642 as its two surrogates
    assert read_object(b"\xac\xed\0\5t" + struct.pack(">H", len(raw)) + raw) == "\0🙂"


@pytest.mark.parametrize("size", range(len(SPECIFICATION)))
def test_a_stream_that_ends_early_is_an_error(size):
    with pytest.raises(JavaStreamError):
        read_object(SPECIFICATION[:size])


@given(st.integers(4, len(SPECIFICATION) - 1), st.binary(min_size=1, max_size=8))
def test_a_damaged_stream_is_read_or_refused_but_nothing_else(place, damage):
    with contextlib.suppress(JavaStreamError):
        read_object(SPECIFICATION[:place] + damage + SPECIFICATION[place + len(damage) :])


def test_a_form_of_its_own_is_refused():
    with pytest.raises(JavaStreamError, match="Odd has a form of its own"):
        read_object(b"\xac\xed\0\5s" + class_of("Odd", 12))
