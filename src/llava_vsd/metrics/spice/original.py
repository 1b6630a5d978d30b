"""The original grammar of SPICE: read from the file its owners publish, checked to the last bit, as our own arrays."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from llava_vsd.errors import FileError
from llava_vsd.metrics.spice.grammar import BOUNDARY, Grammar
from llava_vsd.metrics.spice.java import JavaObject, JavaStreamError, read_object
from llava_vsd.metrics.spice.lexicon import CountedLexicon

NAME: Final = "original grammar"
BOUNDARY_WORD: Final = ".$."
ANY: Final = -1  # in a key of a counter: all words, all tags

# CRC-32 of the little-endian bytes of each array of the published file (strings: UTF-8, joined by line feeds)
CHECKS: Final = {
    "states": 0x39547FA6,
    "tags": 0x41A03DE7,
    "words": 0x5B6E13E2,
    "binary rules": 0x1A1EE14F,
    "binary scores": 0x0CB085AD,
    "unary rules": 0xB3C8048C,
    "unary scores": 0x3690CBDE,
    "words of seenCounter": 0xDB78174F,
    "counts of seenCounter": 0x2110D959,
    "counts of unSeenCounter": 0x1699211C,
}


def read(data: bytes, path: str | Path) -> Grammar:
    """The grammar of an `englishPCFG.ser.gz` of CoreNLP 3.6.0.

    Args:
        data: the content of the file after gunzip.
        path: for errors.

    Raises:
        FileError: it is no such file, or of another version; names the first part that differs.
    """
    try:
        parser = read_object(data)
        return _grammar(parser, path)
    except JavaStreamError as error:
        raise FileError(path, f"expected the serialised parser englishPCFG, but {error}") from error
    except (KeyError, AttributeError, TypeError) as error:
        raise FileError(path, f"expected the serialised parser englishPCFG; no {error} in it") from error


def _grammar(parser: JavaObject, path: str | Path) -> Grammar:
    states, tags, words = (
        [*parser[index]["objects"].items()] for index in ("stateIndex", "tagIndex", "wordIndex")
    )
    binary_rules = parser["bg"]["allRules"].items()
    unary_rules = parser["ug"]["coreRules"].items()[::2]
    lexicon = parser["lex"]
    seen, unseen = _Counts(lexicon["seenCounter"]), _Counts(lexicon["uwModel"]["unSeenCounter"])
    binary = _ints([rule["parent"], rule["leftChild"], rule["rightChild"]] for rule in binary_rules)
    binary_scores = np.array([rule["score"] for rule in binary_rules], dtype=np.float32)
    unary = _ints([rule["parent"], rule["child"]] for rule in unary_rules)
    unary_scores = np.array([rule["score"] for rule in unary_rules], dtype=np.float32)
    found: dict[str, bytes] = {
        "states": "\n".join(states).encode(),
        "tags": "\n".join(tags).encode(),
        "words": "\n".join(words).encode(),
        "binary rules": binary.astype("<i4").tobytes(),
        "binary scores": binary_scores.astype("<f4").tobytes(),
        "unary rules": unary.astype("<i4").tobytes(),
        "unary scores": unary_scores.astype("<f4").tobytes(),
        "words of seenCounter": seen.word.astype("<i4").tobytes(),
        "counts of seenCounter": seen.count.astype("<f8").tobytes(),
        "counts of unSeenCounter": unseen.count.astype("<f8").tobytes(),
    }
    for part, expected in CHECKS.items():
        if (sum_ := zlib.crc32(found[part])) != expected:
            raise FileError(
                path,
                f"not the grammar of version 3.6.0: its {part} have CRC-32 {sum_:08x}, expected {expected:08x}",
            )
    number = {state: place for place, state in enumerate(states)}
    unseen_tags = unseen.of_tag(len(tags))
    known, seen_of, seen_tag, seen_count = seen.table()
    classes, unseen_of, unseen_tag, unseen_count = unseen.table()
    counted = CountedLexicon(
        words=[words[word] for word in known],
        signatures=[words[word] for word in classes],
        word_count=seen.of_word(known),
        seen_of=seen_of,
        seen_tag=seen_tag,
        seen_count=seen_count,
        tag_count=seen.of_tag(len(tags)),
        total=seen.total(),
        signature_count=unseen.of_word(classes),
        unseen_of=unseen_of,
        unseen_tag=unseen_tag,
        unseen_count=unseen_count,
        unseen_tag_count=unseen_tags,
        unseen_total=unseen.total(),
        open_tags=_ints(np.flatnonzero(unseen_tags > lexicon["trainOptions"]["openClassTypesThreshold"])),
        frequent=float(lexicon["smoothInUnknownsThreshold"]),
        smooth_unseen=lexicon["smooth"][0],
        smooth_seen=lexicon["smooth"][1],
    )
    return Grammar(
        name=NAME,
        states=states,
        tags=_ints(number[tag] for tag in tags),
        binary=binary,
        binary_scores=binary_scores,
        unary=unary,
        unary_scores=unary_scores,
        end_score=float(counted.scores(BOUNDARY_WORD, first=False)[tags.index(BOUNDARY)]),
        tag_costs=np.zeros(len(tags)),
        lexicon=counted,
    )


class _Counts:
    """A counter of (word, tag) pairs; where word or tag is -1, the sum over all."""

    def __init__(self, counter: JavaObject) -> None:
        entries = counter["map"].items()
        keys = entries[::2]
        self.word = _ints(key["word"] for key in keys)
        self.tag = _ints(key["tag"] for key in keys)
        self.count = np.array([value["d"] for value in entries[1::2]], dtype=np.float64)

    def total(self) -> float:
        return float(self.count[(self.word == ANY) & (self.tag == ANY)][0])

    def of_tag(self, tags: int) -> NDArray[np.float64]:
        found = np.zeros(tags)
        here = (self.word == ANY) & (self.tag != ANY)
        found[self.tag[here]] = self.count[here]
        return found

    def of_word(self, words: NDArray[np.int32]) -> NDArray[np.float64]:
        here = (self.word != ANY) & (self.tag == ANY)
        found = np.zeros(self.word.max() + 1)
        found[self.word[here]] = self.count[here]
        return found[words]

    def table(self) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]:
        """The words that have tags; of each joint count the place among them, the tag, and the count."""
        joint = np.flatnonzero((self.word != ANY) & (self.tag != ANY))
        joint = joint[np.lexsort((self.tag[joint], self.word[joint]))]
        known, place = np.unique(self.word[joint], return_inverse=True)
        return known, place.astype(np.int32), self.tag[joint], self.count[joint]


def _ints(values: Iterable[Any]) -> NDArray[np.int32]:
    return np.array(list(values), dtype=np.int32)
