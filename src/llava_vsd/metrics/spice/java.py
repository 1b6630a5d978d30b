"""Reads the objects of a Java serialisation stream as plain data, since the original grammar is published so.

Written after the Java Object Serialization Specification, chapter 6 (stream protocol, version 5). Nothing of the
stream is ever run: classes are names, objects are the values of their fields.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any, Final

NULL, REFERENCE, CLASS_DESCRIPTION, OBJECT, STRING, ARRAY, CLASS, BLOCK, END = range(0x70, 0x79)
LONG_BLOCK, LONG_STRING, ENUM = 0x7A, 0x7C, 0x7E
FIRST_HANDLE: Final = 0x7E0000
WRITES_MORE, SERIALIZABLE = 1, 2  # flags of a class description
PRIMITIVES: Final = {"B": "b", "C": "H", "D": "d", "F": "f", "I": "i", "J": "q", "S": "h", "Z": "?"}


class JavaStreamError(ValueError):
    """The bytes are no Java serialisation stream, end too early, or use a part of the protocol not read here."""


@dataclass(slots=True)
class JavaObject:
    """An object: its class, its fields by name (those of base classes too), and what it wrote beside them."""

    kind: str
    fields: dict[str, Any] = field(default_factory=dict)
    extra: list[Any] = field(default_factory=list)

    def __getitem__(self, name: str) -> Any:
        return self.fields[name]

    def items(self) -> list[Any]:
        """The elements of a list, or key, value, key, value ... of a hash map, in the order of the stream."""
        return [value for value in self.extra if not isinstance(value, bytes)]


@dataclass(slots=True)
class _Description:
    kind: str
    flags: int = 0
    primitives: struct.Struct = field(default_factory=lambda: struct.Struct(">"))
    primitive_names: list[str] = field(default_factory=list)
    object_names: list[str] = field(default_factory=list)
    lineage: list[_Description] = field(default_factory=list)  # from the topmost class down to this one


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.handles: list[Any] = []

    def take(self, form: struct.Struct) -> tuple[Any, ...]:
        values = form.unpack_from(self.data, self.at)
        self.at += form.size
        return values

    def number(self, code: str) -> Any:
        return self.take(struct.Struct(">" + code))[0]

    def raw(self, length: int) -> bytes:
        self.at += length
        if self.at > len(self.data):
            raise JavaStreamError("the stream ends too early")
        return self.data[self.at - length : self.at]

    def text(self, length_code: str = "H") -> str:
        raw = self.raw(self.number(length_code))
        # Java's own UTF-8: zero in two bytes, characters beyond the basic plane as two surrogates
        units = raw.replace(b"\xc0\x80", b"\x00").decode("utf-8", "surrogatepass")
        return units if units.isascii() else units.encode("utf-16", "surrogatepass").decode("utf-16")

    def keep(self, value: Any) -> Any:
        self.handles.append(value)
        return value

    def until_end(self) -> list[Any]:
        values = []
        while self.data[self.at] != END:
            values.append(self.content())
        self.at += 1
        return values

    def content(self) -> Any:
        code = self.data[self.at]
        self.at += 1
        if code == OBJECT:
            return self.object()
        if code == REFERENCE:
            handle = self.number("i") - FIRST_HANDLE
            if not 0 <= handle < len(self.handles):
                raise JavaStreamError(f"a reference to nothing at byte {self.at - 5}")
            return self.handles[handle]
        if code == NULL:
            return None
        if code in (STRING, LONG_STRING):
            return self.keep(self.text("H" if code == STRING else "Q"))
        if code in (BLOCK, LONG_BLOCK):
            return self.raw(self.number("B" if code == BLOCK else "i"))
        if code == ARRAY:
            return self.array()
        if code == CLASS_DESCRIPTION:
            return self.description()
        if code == CLASS:
            return self.keep(self.content())
        if code == ENUM:
            kind = self.content()
            place = len(self.handles)
            self.keep(None)
            self.handles[place] = f"{kind.kind}.{self.content()}"
            return self.handles[place]
        raise JavaStreamError(f"unexpected code {code:#x} at byte {self.at - 1}")

    def description(self) -> _Description:
        kind = self.text()
        self.number("q")  # serial version
        found: _Description = self.keep(_Description(kind))
        found.flags = self.number("B")
        codes = ">"
        for _ in range(self.number("H")):
            code, name = chr(self.number("B")), self.text()
            if code in PRIMITIVES:
                codes += PRIMITIVES[code]
                found.primitive_names.append(name)
            else:
                self.content()  # the declared type
                found.object_names.append(name)
        found.primitives = struct.Struct(codes)
        self.until_end()
        base = self.content()
        found.lineage = [*(base.lineage if base is not None else []), found]
        return found

    def object(self) -> JavaObject:
        description = self.content()
        made: JavaObject = self.keep(JavaObject(description.kind))
        fields = made.fields
        for level in description.lineage:
            if not level.flags & SERIALIZABLE:
                raise JavaStreamError(f"{level.kind} has a form of its own, which is not read here")
            # the specification puts primitive fields before objects in every description
            if level.primitive_names:
                fields.update(zip(level.primitive_names, self.take(level.primitives), strict=True))
            for name in level.object_names:
                fields[name] = self.content()
            if level.flags & WRITES_MORE:
                made.extra += self.until_end()
        return made

    def array(self) -> list[Any]:
        description = self.content()
        values: list[Any] = self.keep([])
        length, code = self.number("i"), description.kind[1]
        if code in PRIMITIVES:
            values += self.take(struct.Struct(f">{length}{PRIMITIVES[code]}"))
        else:
            values += [self.content() for _ in range(length)]
        return values


def read_object(data: bytes) -> Any:
    """Reads the first object of a stream.

    Args:
        data: the whole stream, not compressed.

    Returns:
        A `JavaObject`, or a str, a list (of an array), None. An object met again is the same Python object.

    Raises:
        JavaStreamError: the bytes are no such stream, end too early, or hold a form that is not read here.
    """
    if data[:4] != b"\xac\xed\x00\x05":
        raise JavaStreamError("not a Java serialisation stream (it does not start with AC ED 00 05)")
    reader = _Reader(data)
    reader.at = 4
    try:
        return reader.content()
    except JavaStreamError:
        raise
    except RecursionError:
        raise JavaStreamError("objects are nested too deeply") from None
    except (struct.error, IndexError, UnicodeError, AttributeError, TypeError) as error:
        raise JavaStreamError(f"broken at byte {reader.at}: {error}") from error
