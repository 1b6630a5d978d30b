"""What tags a word may have and how likely each is: from counts, also for words never seen."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from llava_vsd.metrics.spice.spelling import american

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Ints = NDArray[np.int32]
Halves = NDArray[np.uint16]

LOWEST: Final = -100.0  # estimates at or below it count as impossible
FORCED: Final = np.float32(-1000.0)  # score of a tag that a word cannot have, when all tags are opened
BEYOND_BASIC_PLANE: Final = re.compile("[\U00010000-\U0010ffff]")


class Lexicon(Protocol):
    """Scores of tags for words, as a parser needs them; a grammar brings its own."""

    def scores(self, word: str, *, first: bool) -> Floats:
        """log P(word | tag) of each tag, shape [tags], -inf where the tag is not offered.

        Args:
            word: the token as it stands in the sentence.
            first: whether it is the first of its sentence.
        """

    def open_scores(self, word: str, *, first: bool) -> Floats:
        """The same with every tag offered, finite throughout: the second attempt at a sentence without a parse."""

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Everything needed to build it again, for the grammar's file."""

    def fits(self) -> bool:
        """Whether its parts fit together, so that every word can be asked for."""


def signature(word: str, *, first: bool) -> str:
    """The class of an unknown word by its case, hyphens, digits and last letter, e.g. `UNK-LC-DASHt` (`t-shirt`)."""
    # the counts were made on UTF-16 units, where a character beyond the basic plane is two units without case
    word = BEYOND_BASIC_PLANE.sub("\ud800\udc00", word)
    upper = [letter.isupper() or letter.istitle() for letter in word]
    lower = [letter.islower() for letter in word]
    name = "UNK"
    if upper[:1] == [True]:
        if not any(lower) and not any(letter.istitle() and not letter.isupper() for letter in word):
            name += "-ALLC"
        else:
            name += "-INIT" if first else "-UC"
    elif any(lower):
        name += "-LC"
    if "-" in word:
        name += "-DASH"
    digits = [letter.isdecimal() for letter in word]
    if any(digits):
        name += "-NUM" if all(digits) else "-DIG"
    elif len(word) > 3:
        name += word[-1].lower()[:1]
    return name


def _all_below(limit: int, numbers: Ints) -> bool:
    return bool(((numbers >= 0) & (numbers < limit)).all())


@dataclass(frozen=True, eq=False)
class CountedLexicon:
    """Maximum-likelihood estimates, smoothed for words below a count, by signature for words never seen.

    Counts may be fractions. A pair of arrays `*_of`, `*_tag` with `*_count` is one sparse table: entry i says that
    the word (signature) with number `*_of[i]` was counted `*_count[i]` times with tag `*_tag[i]`; sorted by `*_of`.

    Attributes:
        words: the number of a word is its position.
        word_count: shape [words]; with any tag.
        seen_of, seen_tag, seen_count: the table of words.
        tag_count: shape [tags]; with any word.
        total: with any word and tag.
        signatures, signature_count, unseen_*: the same of rare words, by their signatures.
        open_tags: the tags offered to words never seen.
        frequent: words counted more often keep to the tags seen with them.
        smooth_unseen, smooth_seen: how many counts the tags of rare words at large weigh, beside the signature's or the
            word's own.
        respell: whether words are looked up as Americans spell them.
    """

    words: Sequence[str]
    signatures: Sequence[str]
    word_count: Doubles
    seen_of: Ints
    seen_tag: Ints
    seen_count: Doubles
    tag_count: Doubles
    total: float
    signature_count: Doubles
    unseen_of: Ints
    unseen_tag: Ints
    unseen_count: Doubles
    unseen_tag_count: Doubles
    unseen_total: float
    open_tags: Ints
    frequent: float = 100.0
    smooth_unseen: float = 1.0
    smooth_seen: float = 0.2
    respell: bool = True

    @cached_property
    def _number(self) -> dict[str, int]:
        return {word: number for number, word in enumerate(self.words)}

    @cached_property
    def _signature_number(self) -> dict[str, int]:
        return {name: number for number, name in enumerate(self.signatures)}

    @cached_property
    def _seen_at(self) -> list[int]:
        """Where the entries of each word start in the table, shape [words + 1]."""
        return np.searchsorted(self.seen_of, np.arange(len(self.words) + 1)).tolist()  # type: ignore[no-any-return]

    @cached_property
    def _unseen_at(self) -> list[int]:
        return np.searchsorted(self.unseen_of, np.arange(len(self.signatures) + 1)).tolist()  # type: ignore[no-any-return]

    @cached_property
    def _prior(self) -> list[float]:
        """P(tag) among rare words, shape [tags]."""
        return (self.unseen_tag_count / self.unseen_total).tolist()  # type: ignore[no-any-return]

    @cached_property
    def _tag_share(self) -> list[float]:
        return (self.tag_count / self.total).tolist()  # type: ignore[no-any-return]

    def scores(self, word: str, *, first: bool) -> Floats:
        """See `Lexicon.scores`."""
        spelling = american(word) if self.respell else word
        count, joint = self._counts(spelling)
        if not joint:
            offered: Iterable[int] = self.open_tags.tolist()
        elif count > self.frequent:
            offered = joint
        else:
            offered = range(len(self.tag_count))
        found = self._estimate(spelling, offered, first=first)
        if np.isneginf(found).all():
            found = self._estimate(spelling, range(len(self.tag_count)), first=first)
        return found

    def open_scores(self, word: str, *, first: bool) -> Floats:
        """See `Lexicon.open_scores`."""
        spelling = american(word) if self.respell else word
        found = self._estimate(spelling, range(len(self.tag_count)), first=first)
        found[np.isneginf(found)] = FORCED
        return found

    def _counts(self, spelling: str) -> tuple[float, dict[int, float]]:
        """How often a word was seen, and with which tags; none for one never seen."""
        number = self._number.get(spelling)
        if number is None:
            return 0.0, {}
        low, high = self._seen_at[number], self._seen_at[number + 1]
        tags, counts = self.seen_tag[low:high].tolist(), self.seen_count[low:high].tolist()
        return float(self.word_count[number]), dict(zip(tags, counts, strict=True))

    def _class_counts(self, name: str) -> tuple[float, dict[int, float]]:
        """The same of the rare words with a signature."""
        number = self._signature_number.get(name)
        if number is None:
            return 0.0, {}
        low, high = self._unseen_at[number], self._unseen_at[number + 1]
        tags, counts = self.unseen_tag[low:high].tolist(), self.unseen_count[low:high].tolist()
        return float(self.signature_count[number]), dict(zip(tags, counts, strict=True))

    def _estimate(self, spelling: str, tags: Iterable[int], *, first: bool) -> Floats:
        """log P(word | tag) for these tags by Bayes' rule from P(tag | word); -inf for others; rounded at the end."""
        count, joint = self._counts(spelling)
        frequent = count > self.frequent
        smooth, share = self.smooth_seen, count / self.total
        if not joint:
            count, joint = self._class_counts(signature(spelling, first=first))
            smooth, share = self.smooth_unseen, 1 / self.total
        found = np.full(len(self.tag_count), -np.inf, dtype=np.float32)
        for tag in tags:
            prior, tag_share, seen = self._prior[tag], self._tag_share[tag], joint.get(tag, 0.0)
            likely = seen / count if frequent and seen > 0 else (seen + smooth * prior) / (count + smooth)
            if likely > 0 and tag_share > 0 and (score := math.log(likely * share / tag_share)) > LOWEST:
                found[tag] = score
        return found

    def fits(self) -> bool:
        """Whether the shapes are those above, and the tables name words, signatures and tags that exist."""
        tags = len(self.tag_count) if self.tag_count.ndim == 1 else 0
        tables = (
            (len(self.words), self.word_count, self.seen_of, self.seen_tag, self.seen_count),
            (len(self.signatures), self.signature_count, self.unseen_of, self.unseen_tag, self.unseen_count),
        )
        return (
            min(self.total, self.unseen_total) > 0
            and self.unseen_tag_count.shape == (tags,)
            and all(
                count.shape == (number,)
                and of.shape == tag.shape == joint.shape == (of.size,)
                and _all_below(number, of)
                and _all_below(tags, tag)
                and bool((np.diff(of) >= 0).all())
                for number, count, of, tag, joint in tables
            )
            and self.open_tags.shape == (self.open_tags.size,)
            and _all_below(tags, self.open_tags)
        )

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """See `Lexicon.arrays`; one entry a field, strings joined by line feeds as bytes."""
        found: dict[str, NDArray[np.generic]] = {}
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name in ("words", "signatures"):
                value = np.frombuffer("\n".join(value).encode(), dtype=np.uint8)
            found[item.name] = np.asarray(value)
        return found
