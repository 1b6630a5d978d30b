"""The conversation about a mirrored picture: left and right change places in question, answer and boxes."""

from __future__ import annotations

import re
from typing import NoReturn

from llava_vsd.errors import NotMirrorableError
from llava_vsd.relations import RELATIONS
from llava_vsd.relations import mirrored as mirrored_relation
from llava_vsd.schema import Box, Conversation, Place, Turn


def _words(*lines: str) -> frozenset[str]:
    return frozenset(" ".join(lines).split())


_LEFT_TO_RIGHT = {
    "left": "right",
    "lefts": "rights",
    "leftmost": "rightmost",
    "leftest": "rightest",
    "lefthand": "righthand",
    "leftward": "rightward",
    "leftwards": "rightwards",
    "lefty": "righty",
}
_SWAPPED = _LEFT_TO_RIGHT | {right: left for left, right in _LEFT_TO_RIGHT.items()}

_OTHER_WORDS = (
    "bright",
    "fright",
    "upright",
    "copyright",
    "outright",
    "downright",
    "alright",
    "wright",
    "cleft",
)
"""Words (and all that start so) that hold "left" or "right" and have no side."""

_NO_SIDE_AFTER = _words(
    "above across after against ahead along around at away back before behind below beneath beside besides",
    "between by down here in inside into near next now off on onto outside over past there through under",
    "underneath up within",
    # right means correct, left means remaining
    "alone angle angles answer answers choice empty open option order out place preposition unattended way word",
)
"""Before these, where nothing in front marks a side, "right" means directly or correct, and "left" remaining."""

_SIDE_BEFORE = _words(
    "the a an to on at in of from far extreme upper lower top bottom front rear back center middle and or near",
    "his her its their my your our both first second third fourth",
)
"""After these (or a genitive) "left" and "right" are sides."""

_ALWAYS_CORRECT = _words("angle angles answer answers choice option order preposition way word")
"""Before these "right" means correct even after "the"."""

_LEAVING_BEFORE = _words(
    "has have had having be been being was were just who they he she it people get gets got getting"
)
"""After these "left" is a form of "to leave", unless "of", "to" or "side" follows."""

_SIDE_AFTER = _words("of to side")

_KEPT = (
    # the options of a question: a list that names both sides stays in its order
    ", ".join(name for name in RELATIONS if mirrored_relation(name) != name),
    "right side up",
)
"""Phrases that stay as they are."""

_REFUSED = _words(
    "clockwise counterclockwise anticlockwise east west eastern western eastward westward starboard"
)
"""What a mirror changes in a way that the text alone does not tell."""

_WORD = re.compile(
    "|".join(map(re.escape, _KEPT)) + r"|[a-z]*(?:left|right)[a-z]*|\b(?:" + "|".join(_REFUSED) + r")\b", re.I
)
_BEFORE = re.compile(r"([\w'’]+)[\s\"(-]*$")
_AFTER = re.compile(r"[\s\"-]*(\w+)")


def mirrored(conversation: Conversation, *, width: int | None = None) -> Conversation:
    """The same conversation about the picture seen in a mirror; its id ends in `/mirrored`.

    "left" and "right" (also leftmost, left-hand, ...) change places, in their casing, wherever they are a side: of a
    picture, a thing, or a body, whose left hand a mirror makes a right one. Kept are "right" where it means directly
    ("right behind") or correct ("the right answer"), the list of options that names both sides, and words such as
    "bright". Refused is what may be no side ("left open", "has left"), words that are not known ("outleft"), and
    turns of a clock or the compass. Writing in a picture is mirrored with it: nothing is done about that.

    Args:
        conversation: any; without a word of side it differs in the id alone.
        width: of the picture, in pixels; asked for where the conversation holds boxes.

    Raises:
        NotMirrorableError: names the id and the words that cannot be told.
    """
    places = conversation.places
    if places is not None:
        if width is None:
            raise NotMirrorableError(conversation.id, "it holds boxes; expected the width of the picture")
        places = [
            Place(name=mirrored_text(place.name, id=conversation.id), box=mirrored_box(place.box, width))
            for place in places
        ]
    turns = [
        Turn(role=turn.role, text=mirrored_text(turn.text, id=conversation.id)) for turn in conversation.turns
    ]
    return conversation.model_copy(
        update={"id": f"{conversation.id}/mirrored", "turns": turns, "places": places}
    )


def mirrored_box(box: Box, width: int) -> Box:
    """[y_min, y_max, x_min, x_max] of a box in the mirrored picture; sides are edges, so 0 becomes `width`."""
    y0, y1, x0, x1 = box
    return y0, y1, width - x1, width - x0


def mirrored_text(text: str, *, id: str = "text") -> str:
    """The text with left and right exchanged; see `mirrored`, also for what is raised."""

    def swap(found: re.Match[str]) -> str:
        word = found[0]
        low = word.lower()
        if low in _KEPT or low.startswith(_OTHER_WORDS):
            return word
        if low not in _SWAPPED:
            _refuse(id, text, found)
        if low in ("left", "right"):
            before, after = _BEFORE.search(text[: found.start()]), _AFTER.match(text, found.end())
            previous, following = before[1].lower() if before else "", after[1].lower() if after else ""
            if _without_side(low, previous, following):
                if low == "left":
                    _refuse(id, text, found)
                return word
        return _cased(_SWAPPED[low], word)

    return _WORD.sub(swap, text)


def _without_side(word: str, previous: str, following: str) -> bool:
    """Whether "left" or "right" is something else than a side between these words (lower case, "" for none)."""
    if following in _SIDE_AFTER:
        return False
    if following in _ALWAYS_CORRECT or (word == "left" and previous in _LEAVING_BEFORE):
        return True
    marked = previous in _SIDE_BEFORE or previous.endswith(("'s", "’s", "s'", "s’"))
    return following in _NO_SIDE_AFTER and not marked


def _cased(word: str, like: str) -> str:
    if like.isupper():
        return word.upper()
    return word.capitalize() if like[0].isupper() else word


def _refuse(id: str, text: str, found: re.Match[str]) -> NoReturn:
    around = text[max(found.start() - 20, 0) : found.end() + 20]
    raise NotMirrorableError(id, f"{around!r}: {found[0]!r} may be no side; a mirrored copy is not safe")
