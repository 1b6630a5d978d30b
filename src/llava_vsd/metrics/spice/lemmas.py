"""Lemmas by rule from a word and its part of speech, as the lemmatiser behind SPICE makes them."""

from __future__ import annotations

import re
from functools import lru_cache

from llava_vsd.metrics.spice import lemma_tables as tables


def _pairs(text: str) -> dict[str, str]:
    return dict(item.split("=") for item in text.split())


def _forms(text: str) -> dict[str, str]:
    rows = (item.split(":") for item in text.split())
    return {form: base for base, forms in rows for form in forms.split(",")}


_OTHERS = {
    (word, tag): base
    for tag, *items in (row.split() for row in tables.OTHERS.strip().splitlines())
    for word, base in _pairs(" ".join(items)).items()
}
_VERBS = {base: base for base in tables.VERB_BASES.split()} | _forms(tables.VERBS)
_NOUNS = (
    {word: word for word in tables.SINGULARS.split()}
    | {word + "s": word for word in (tables.IE + tables.U).split()}
    | _forms(tables.NOUNS)
)
_DOUBLED = frozenset(tables.DOUBLED.split())
_STEMS = {ending: added for added, endings in tables.STEMS.items() for ending in endings.split()}
_ENDINGS = _pairs(tables.ENDINGS)
_VERB_ENDINGS = _ENDINGS | _pairs(tables.VERB_ENDINGS)
_ANALYSED = re.compile(r"[a-z0-9'-]+")
_VOWEL = re.compile("[aeiouy]")


@lru_cache(maxsize=100_000)
def lemma(word: str, tag: str) -> str:
    """The base form of a word.

    Verbs (`VB...`) and plural nouns (`NNS`) lose their endings, a few pronouns and contractions have a base form of
    their own, names (`NNP`, `NNPS`) stay as they are, and all else becomes lower case.

    Args:
        word: as written.
        tag: Penn part-of-speech tag.
    """
    if tag in ("NNP", "NNPS"):
        return word
    lower = word.lower()
    if (lower, tag) in _OTHERS:
        return _OTHERS[lower, tag]
    if not (tag == "NNS" or tag.startswith("VB")):
        return lower
    if lower.endswith("-"):
        # the original takes the tag for a part of such a word
        return f"{lower}_{tag}"
    irregular = _NOUNS if tag == "NNS" else _VERBS
    if lower in irregular:
        return irregular[lower]
    last = lower[lower.rfind("-") + 1 :]
    if irregular.get(last) == last:
        return lower
    if not _ANALYSED.fullmatch(lower):
        return lower
    if tag == "NNS":
        return _without_s(lower, _ENDINGS)
    return _verb(lower)


def _verb(word: str) -> str:
    for ending in ("ing", "ed"):
        if word.endswith(ending):
            stem = word.removesuffix(ending)
            if not _VOWEL.search(stem) or (ending == "ed" and stem.endswith("e")):
                return word
            if ending == "ed" and stem.endswith("i") and len(stem) > 2:
                return stem[:-1] + "y"
            if ending == "ed" and stem.endswith("o") and not stem.endswith("oo"):
                return stem + "e"
            return _base(stem)
    return _without_s(word, _VERB_ENDINGS) if word.endswith("s") else word


def _base(stem: str) -> str:
    """The base of a verb that has lost its -ing or -ed."""
    last = stem[stem.rfind("-") + 1 :]
    if last[:-1] in _DOUBLED and (last[-2] == last[-1] or last.endswith("ck")):
        return stem[:-1]
    return stem + _by_ending("^" + last, _STEMS)[1]


def _without_s(word: str, endings: dict[str, str]) -> str:
    if len(word) < 2:
        return word
    last = word[word.rfind("-") + 1 :]
    if last != word and last in _NOUNS and endings is _ENDINGS:
        return word.removesuffix(last) + _NOUNS[last]
    if word.endswith("ies") and len(last) < 5:
        return word[:-1]
    ending, replacement = _by_ending(word, endings)
    return word.removesuffix(ending) + replacement


def _by_ending(word: str, endings: dict[str, str]) -> tuple[str, str]:
    """The longest ending of the word that the table has, and what it says; the empty ending if it has none."""
    for place in range(len(word)):
        if word[place:] in endings:
            return word[place:], endings[word[place:]]
    return "", ""
