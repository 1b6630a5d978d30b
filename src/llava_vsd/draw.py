"""Pictures with what was said about them: boxes around the two things, the text below. Pillow only; nothing is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

from llava_vsd.schema import Box

SUBJECT, OBJECT = (214, 69, 28), (20, 98, 190)
"""Colours of the two things, red, green, blue: also told apart by those who see no red or no green."""

PAPER, INK = (255, 255, 255), (24, 24, 24)
NARROWEST = 640
"""Pixels: a narrower picture is enlarged, so that the text below it can be read."""

_TITLE, _TEXT, _LABEL = 26, 20, 18  # heights of letters in pixels
_MARGIN = 14


@dataclass(frozen=True)
class Mark:
    """A box with a name on it.

    Attributes:
        name: of the thing.
        box: in pixels of the picture.
        colour: red, green, blue.
    """

    name: str
    box: Box
    colour: tuple[int, int, int]


def annotated(
    picture: Image.Image, title: str, lines: Sequence[str], marks: Sequence[Mark] = ()
) -> Image.Image:
    """The picture, enlarged where it is narrow, with marks on it and a panel of text below.

    Args:
        picture: is left as it is.
        title: the first line, in larger letters.
        lines: each begins on a line of its own and is broken where it is too long.
        marks: parts of a box outside of the picture are left out.

    Returns:
        an RGB picture as wide as the (enlarged) picture, and higher.
    """
    times = max(1, -(-NARROWEST // picture.width))
    shown = picture.convert("RGB").resize(
        (picture.width * times, picture.height * times), Image.Resampling.LANCZOS
    )
    for mark in reversed(marks):  # the first one on top
        _draw_mark(shown, mark, times)
    set_lines = [(line, _TITLE) for line in wrapped(title, _TITLE, shown.width - 2 * _MARGIN)]
    for text in lines:
        set_lines += [(line, _TEXT) for line in wrapped(text, _TEXT, shown.width - 2 * _MARGIN)]
    height = 2 * _MARGIN + sum(_step(size) for _, size in set_lines)
    page = Image.new("RGB", (shown.width, shown.height + height), PAPER)
    page.paste(shown, (0, 0))
    pen, at = ImageDraw.Draw(page), shown.height + _MARGIN
    for line, size in set_lines:
        pen.text((_MARGIN, at), line, fill=INK, font=ImageFont.load_default(size))
        at += _step(size)
    return page


def described(
    picture: Image.Image,
    triple: tuple[str, str | None, str],
    share: float | None,
    sentences: Sequence[str],
    boxes: tuple[Box | None, Box | None] = (None, None),
) -> Image.Image:
    """A picture with what a model says of a pair.

    Args:
        picture: is left as it is.
        triple: subject, relation (None: none was named), object.
        share: probability of the relation, 0-1, if it is known.
        sentences: that of task 2, then those of task 3; empty ones are left out.
        boxes: of subject and object; each is drawn where it is known.
    """
    subject, relation, object = triple
    title = f"{subject} - {relation or 'no relation named'} - {object}"
    if share is not None:
        title += f"  ({100 * share:.0f} %)"
    lines = [f"{'' if place == 0 else '-  '}{text}" for place, text in enumerate(sentences) if text]
    marks = [
        Mark(name, box, colour)
        for name, box, colour in zip((subject, object), boxes, (SUBJECT, OBJECT), strict=True)
        if box is not None
    ]
    return annotated(picture, title, lines, marks)


def wrapped(text: str, size: int, width: float) -> list[str]:
    """The text in lines of `width` pixels at most, broken at spaces; a word that is wider stands in pieces.

    Args:
        text: spaces in a row count as one.
        size: height of the letters in pixels.
        width: must hold the widest letter.
    """
    font = ImageFont.load_default(size)
    lines: list[str] = []
    line = ""
    for word in text.split():
        longer = f"{line} {word}" if line else word
        if font.getlength(longer) <= width:
            line = longer
            continue
        if line:
            lines.append(line)
        while font.getlength(word) > width:
            fits = max((end for end in range(1, len(word)) if font.getlength(word[:end]) <= width), default=1)
            lines.append(word[:fits])
            word = word[fits:]
        line = word
    return [*lines, line] if line else lines


def _draw_mark(picture: Image.Image, mark: Mark, times: int) -> None:
    pen = ImageDraw.Draw(picture)
    top, bottom, left, right = (side * times for side in mark.box)
    if bottom <= top or right <= left:
        return
    pen.rectangle((left, top, right - 1, bottom - 1), outline=mark.colour, width=3)
    font = ImageFont.load_default(_LABEL)
    wide, high = round(font.getlength(mark.name)) + 8, _LABEL + 6
    x = max(0, min(left, picture.width - wide))
    y = top - high if top >= high else max(0, min(top, picture.height - high))
    pen.rectangle((x, y, x + wide - 1, y + high - 1), fill=mark.colour)
    pen.text((x + 4, y + 1), mark.name, fill=PAPER, font=font)


def _step(size: int) -> int:
    return round(size * 1.4)
