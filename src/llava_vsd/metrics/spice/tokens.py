"""Splits English text into sentences and Penn Treebank tokens as CoreNLP does, for SPICE and for caption scores.

At each place of the text all rules of the tables below are tried. The one that reaches farthest wins, the first of
equals; what a rule looks at behind its token counts. This is the principle of generated scanners such as the original,
so its oddities follow from the same rules: `it'sin` gives `it`, an opening quote and `sin`, since "a quote before two
letters" reaches farther than `'s`.

Source of the token forms: the tokenization of the Penn Treebank, and the output of CoreNLP 3.4.1 and 3.6.0, which
agree but for the end of a text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from llava_vsd.metrics.spice.abbreviations import (
    CLIPPED,
    CLOSING_CAPITALISED,
    CLOSING_IN_ANY_CASE,
    NUMBERED,
    STARTERS,
    TITLES,
    TWO_IN_ONE,
)

# What single characters and entities become; a character that is neither here nor a letter, digit, sign or symbol
# of Unicode's basic plane (emoji, controls) gives no token.
REPLACED = {
    "(": "-LRB-", ")": "-RRB-", "{": "-LCB-", "}": "-RCB-", "[": "-LSB-", "]": "-RSB-",
    '"': "''", "\u201c": "``", "\u201d": "''", "\u201e": "``", "\u00ab": "``", "\u00bb": "''", "&quot;": "''",
    "\u2018": "`", "\u2019": "'", "\u201a": "`", "\u201b": "'", "\u2039": "`", "\u203a": "'", "&apos;": "'",
    "\u2012": "--", "\u2013": "--", "\u2014": "--", "\u2015": "--", "\u2026": "...",
    "\u00a4": "$", "\u20a0": "$", "\u20ac": "$", "\u00a3": "#", "\u00a2": "cents",
    "\u00bc": "1/4", "\u00bd": "1/2", "\u00be": "3/4", "\u2153": "1/3", "\u2154": "2/3",
    "&amp;": "&", "&lt;": "<", "&gt;": ">",
}  # fmt: skip

SENTENCE_END = re.compile(r"\.|[!?]+")
AFTER_THE_END = {"''", "'", '"', "-RRB-", "-RSB-", "-RCB-"}  # still of the sentence that has ended


class Rule(NamedTuple):
    """One kind of token.

    Attributes:
        pattern: a match is how far the rule reaches; group 1 is the token, or all of the match without a group.
        gives: makes the tokens put out from the text of the token.
    """

    pattern: re.Pattern[str]
    gives: Callable[[str], Sequence[str]]


def _word(token: str) -> Sequence[str]:
    token = token.replace("\u2019", "'").replace("\u00ad", "")
    cut = TWO_IN_ONE.get(token.lower())
    return (token[:cut], token[cut:]) if cut else (token,)


def _verbatim(token: str) -> Sequence[str]:
    return (token.replace(" ", "\u00a0"),)  # blanks inside a token are hard


def _sign(token: str) -> Sequence[str]:
    return (REPLACED.get(token, token),)


def _smiley(token: str) -> Sequence[str]:
    return (token.replace("(", "-LRB-").replace(")", "-RRB-"),)


def _and_stop(token: str) -> Sequence[str]:
    return (token, ".")


def _always(form: str) -> Callable[[str], Sequence[str]]:
    return lambda token: (form,)


def _any_of(words: Iterable[str], suffix: str = "") -> str:
    return "(?:" + "|".join(re.escape(word) + suffix for word in sorted(words, key=len, reverse=True)) + ")"


# Superscripts, fractions and the like are letters or digits to `\w`, but not here; nor is any emoji or rare script
# beyond the basic plane.
_NUMERALS = "\u00b2\u00b3\u00b9\u00bc-\u00be\u2070-\u209c\u2150-\u218b\u2460-\u249b\u24ea-\u24ff\u2776-\u2793"
_BEYOND = "\U00010000-\U0010ffff"
_MARKS = "\u00ad\u0300-\u036f\u0591-\u05bd\u064b-\u0652\u0670\u0900-\u0903\u093a-\u094f\u0e31\u0e34-\u0e3a\u0e47-\u0e4e"
_LETTER = rf"(?:[^\W\d_{_NUMERALS}{_BEYOND}]|[{_MARKS}])"
_ALNUM = rf"(?:[^\W_{_NUMERALS}{_BEYOND}]|[{_MARKS}])"
_APOSTROPHE = "['\u2019]"
_CLOSING = rf"(?:(?i:{_any_of(CLOSING_IN_ANY_CASE)})|{_any_of(CLOSING_CAPITALISED)})\."
_INITIALS = r"[A-Za-z](?:\.[A-Za-z])+\."
_STARTER = rf"\s+{_any_of(STARTERS)}\s"
_HOST_LABEL = r"[^\s\"`'<>|!?(){}$,-_]{1,63}"  # the range from comma to underscore holds digits and capitals
_PATH = r"(?:/[^\s\"<>|()]+[^\s\"<>|.!?(){},-])?"
# Where nothing else bounds a rule, a count does: a text without blanks must not be read again for every token.

WORDS: list[tuple[str, Callable[[str], Sequence[str]]]] = [
    # words, stops inside included (dog.The); words before n't; n't
    (rf"{_LETTER}{_ALNUM}*(?:[.!?]{_LETTER}{_ALNUM}*)*", _word),
    (rf"([A-Za-z]+)n{_APOSTROPHE}t", _word),
    (rf"n{_APOSTROPHE}t", _word),
    # joined by hyphens or underscores; by hyphens after a number or initials (1,000-foot); by slashes (and/or)
    (rf"(?:[dDoOlL]{_APOSTROPHE})?{_ALNUM}+(?:[-_\u2010\u2011]{_ALNUM}+)*", _word),
    (r"[A-Za-z0-9][A-Za-z0-9.,]{0,99}(?:-(?:[A-Za-z0-9]+|(?:[A-Za-z]\.)+))+", _word),
    (r"[A-Za-z0-9]+(?:-[A-Za-z]+){0,2}(?:/[A-Za-z0-9]+(?:-[A-Za-z]+){0,2}){1,2}", _word),
    (r"[aA]nti-", _word),
    # with an apostrophe: y'all; O'Hara, D'Angelo; ma'am, Hawai'i; dunkin'
    (rf"([yY]{_APOSTROPHE}){_LETTER}", _word),
    (rf"[A-HJ-XZn]{_APOSTROPHE}{_LETTER}{{2,}}", _word),
    (rf"{_LETTER}+[aeiouyA-Z]{_APOSTROPHE}[aeiouA-Z]{_LETTER}*", _word),
    (rf"(?i:{_any_of(CLIPPED).replace(chr(39), _APOSTROPHE)})", _word),
    # AT&T; C++, C#
    (r"[A-Z]+(?:&[A-Z]+)+", _word),
    (r"[CcFfJj](?:\+\+|#)", _word),
    # abbreviations
    (rf"({_CLOSING})\s(?:\s|[A-Z])", _and_stop),
    (rf"({_CLOSING})[\s\S]{{2}}", _word),
    (_CLOSING, _and_stop),
    (rf"(?i:{_any_of(TITLES)})\.", _word),
    (rf"((?i:{_any_of(NUMBERED)})\.)\s?\d", _word),
    (rf"({_INITIALS}){_STARTER}", _and_stop),
    (_INITIALS, _word),
    (rf"([A-Za-z])\.{_STARTER}", _word),
    (r"[A-Za-z]\.", _word),
    # numbers, fractions, telephones
    (r"\d+(?:[.,:]\d+)*", _word),
    (r"\d{1,4}(?:[- ]\d{1,4})?[/\u2044]\d{1,4}", _verbatim),
    (r"(?:\d{2,4}[- ])?\d{2,4}[- ]\d{3,4}[- ]?\d{3,5}", _verbatim),
    # addresses
    (r"(?i:https?)://[^\s\"<>|(){}]+[^\s\"<>|.!?(){},-]", _verbatim),
    (rf"www\.(?:[^\s\"<>|.!?(){{}},]{{1,63}}\.){{1,20}}[A-Za-z]{{2,4}}{_PATH}", _verbatim),
    (rf"(?:{_HOST_LABEL}\.){{1,20}}(?:com|net|org|edu){_PATH}", _verbatim),
    (r"[A-Za-z0-9][^\s\"<>|(){}@]{0,63}@(?:[^\s\"<>|(){}.@]{1,63}\.){0,20}[^\s\"<>|(){}.@]+", _verbatim),
    (rf"[{_NUMERALS}]", _sign),
]

SIGNS: list[tuple[str, Callable[[str], Sequence[str]]]] = [
    # after an apostrophe: 's and the like, 'em, 'tis, '90s; a quote before two letters opens
    (rf"({_APOSTROPHE}[sdmSDM])[^A-Za-z]", _word),
    (rf"{_APOSTROPHE}[sdmSDM]", _word),
    (rf"({_APOSTROPHE}(?i:re|ve|ll))[^A-Za-z]", _word),
    (rf"(?i:{_any_of(CLIPPED).replace(chr(39), _APOSTROPHE)})", _word),
    (r"(')[A-Za-z]\S", _always("`")),
    (r"\u2019(?i:re|ve|ll)", _word),
    (rf"({_APOSTROPHE}[tT])(?i:is|was)", _word),
    (rf"{_APOSTROPHE}\d0s", _word),
    # double quotes
    (r"''|``", _sign),
    (r'(")[A-Za-z0-9$]', _always("``")),
    # runs; of four dots before a word the last ends a sentence
    (r"(\.{3})\.\s+[A-Za-z0-9]", _sign),
    (r"\.{3,}", _always("...")),
    (r"-{2,}", _always("--")),
    (r"\*+|[!?]+|_+|<<|>>", _sign),
    (r"-(?i:[LR][RCS]B)-", _sign),
    # numbers with a sign or without a first digit, telephones
    (r"[-+]?[.,:]?\d+(?:[.,:]\d+)*", _word),
    (r"(?:\(\d{2,3}\) ?|\+\+?(?:\d{2,4}[- ])?\d{2,4}[- ])\d{3,4}[- ]?\d{3,5}", _verbatim),
    # smileys, tags, entities, names on the net
    (r"([<>]?[:;=][-o*']?[()DPdpO\\{@|\[\]])[^A-Za-z0-9]", _smiley),
    (r"</?[A-Za-z][^<>\n]{0,255}>", _verbatim),
    (r"&(?i:amp|lt|gt|quot|apos);", _sign),
    (r"[@#][A-Za-z_]\w*", _word),
    # any other sign or symbol
    (rf"[^\w\s\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\uf8ff\ufe00-\ufe0f\ufeff\ufff0-\uffff{_BEYOND}]", _sign),
]

_WORD_RULES = [Rule(re.compile(pattern), gives) for pattern, gives in WORDS]
_SIGN_RULES = [Rule(re.compile(pattern), gives) for pattern, gives in SIGNS]
_PLAIN = re.compile(r"(?:[A-Za-z]+[ \n])+")  # the bulk of all text: words between blanks, which no rule divides


def tokens(text: str, start: int = 0, end: int | None = None) -> list[str]:
    """Returns the Penn Treebank tokens of `text[start:end]`; rules look at the text behind `end` too.

    Brackets become `-LRB-` and so on, double quotes two backquotes or two apostrophes, dashes `--`; case is kept.
    The text behind matters: a word that could be an abbreviation is judged by what follows.
    """
    found: list[str] = []
    place, end = start, len(text) if end is None else end
    while place < end:
        plain = _PLAIN.match(text, place, end)
        if plain:
            words = plain.group().split()
            if TWO_IN_ONE.keys().isdisjoint(plain.group().lower().split()):
                found += words
            else:
                found += [part for word in words for part in _word(word)]
            place = plain.end()
            continue
        first = text[place]
        if first.isspace():
            place += 1
            continue
        reach, best, gives = place, None, _sign
        for pattern, rule_gives in _WORD_RULES if first.isalnum() else _SIGN_RULES:
            match = pattern.match(text, place)
            if match and match.end() > reach:
                reach, best, gives = match.end(), match, rule_gives
        if best is None:
            place += 1
            continue
        group = best.re.groups
        found += gives(best.group(group))
        place = best.end(group)
    return found


def sentences(text: str) -> list[list[str]]:
    """Splits a caption into sentences of tokens, in the form that the original SPICE parses.

    A sentence ends with a full stop or a run of `!` and `?`, and takes closing quotes and brackets with it. A text
    without tokens has no sentences.
    """
    found: list[list[str]] = []
    ended = True
    for token in tokens(text):
        if ended and not (found and token in AFTER_THE_END):
            found.append([])
            ended = False
        found[-1].append(token)
        ended = ended or SENTENCE_END.fullmatch(token) is not None
    return found
