"""Splits English text into sentences and Penn Treebank tokens as CoreNLP does, for SPICE and caption scores.

At each place of the text all rules of the tables below are tried. The one that reaches farthest wins, the
first of equals; what a rule looks at behind its token counts. This is the principle of generated scanners
such as the original, so its oddities follow from the same rules: `it'sin` gives `it`, an opening quote and
`sin`, since "a quote before two letters" reaches farther than `'s`.

Sources: the tokenization of the Penn Treebank, and the output of CoreNLP 3.4.1 and 3.6.0. The two differ
only in the treatment of a curly apostrophe inside a word.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
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

# What single signs and entities become. All other signs and symbols of Unicode's basic plane stay; emoji,
# controls and letters beyond that plane give no token.
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
AFTER_THE_END = {"''", "'", "-RRB-", "-RSB-", "-RCB-"}  # still of the sentence that has ended

Form = Callable[[str], Sequence[str]]  # from the text of a token to the tokens put out


class Rule(NamedTuple):
    """One kind of token.

    Attributes:
        pattern: its match is how far the rule reaches; group 1 is the token, else all of the match.
        form: makes the tokens put out from the text of the token.
    """

    pattern: re.Pattern[str]
    form: Form


def _word(token: str) -> Sequence[str]:
    token = token.replace("\u00ad", "")  # soft hyphens
    cut = TWO_IN_ONE.get(token.lower())
    return (token[:cut], token[cut:]) if cut else (token,)


def _straight(token: str) -> Sequence[str]:
    return (token.replace("\u2019", "'"),)


def _unbroken(token: str) -> Sequence[str]:
    return (token.replace(" ", "\u00a0"),)


def _bracketed(token: str) -> Sequence[str]:
    return _unbroken(token.replace("(", "-LRB-").replace(")", "-RRB-"))


def _sign(token: str) -> Sequence[str]:
    return (REPLACED.get(token, token),)


def _and_stop(token: str) -> Sequence[str]:
    return (token, ".")


def _always(form: str) -> Form:
    return lambda token: (form,)


def _any_of(words: str) -> str:
    return "(?:" + "|".join(re.escape(word) for word in sorted(words.split(), key=len, reverse=True)) + ")"


# Superscripts and fractions are letters or digits to `\w`, but not here.
_NUMERALS = (
    r"\u00b2\u00b3\u00b9\u00bc-\u00be\u2070-\u209c\u2150-\u218b\u2460-\u249b\u24ea-\u24ff\u2776-\u2793"
)
_BEYOND = r"\U00010000-\U0010ffff"
_UNSEEN = (  # controls, invisible marks, surrogates and private use, variation selectors
    r"\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ud800-\uf8ff\ufe00-\ufe0f\ufeff\ufff0-\uffff"
)
_MARKS = (  # soft hyphen; accents and vowel signs, which `\w` leaves out
    r"\u00ad\u0300-\u036f\u0591-\u05bd\u064b-\u0652\u0670\u0900-\u0903\u093a-\u094f\u0e31\u0e34-\u0e3a\u0e47-\u0e4e"
)
_LETTER = rf"(?:[^\W\d_{_NUMERALS}{_BEYOND}]|[{_MARKS}])"
_ALNUM = rf"(?:[^\W_{_NUMERALS}{_BEYOND}]|[{_MARKS}])"
_DOTTED = rf"{_LETTER}{_ALNUM}*(?:[.!?]{_LETTER}{_ALNUM}*)*"
_APOSTROPHE = r"['\u2019]"
_CLIPPED = rf"(?i:{_any_of(CLIPPED)})".replace("'", _APOSTROPHE)
_CLOSING = rf"(?:(?i:{_any_of(CLOSING_IN_ANY_CASE)})|{_any_of(CLOSING_CAPITALISED)})\."
_INITIALS = r"[A-Za-z](?:\.[A-Za-z])+\."
_STARTER = rf"\s+{_any_of(STARTERS)}\s"
_HOST_LABEL = r"(?:[a-z]|[^\x00-\x7f\s]){1,63}"  # small letters or any sign beyond ASCII; no digits
_PATH = r"(?:/[^\s\"<>|()]+[^\s\"<>|.!?(){},-])?"

# Where nothing else bounds how far a rule looks, a count does: else a long text without blanks would be
# read again for every token.
WORDS: list[tuple[str, Form]] = [
    # words, with stops inside (dog.The) and before other signs (etc.,); words before n't; n't
    (_DOTTED, _word),
    (rf"({_DOTTED}\.)[,;:]", _word),
    (rf"([A-Za-z]+)n{_APOSTROPHE}t", _word),
    (rf"n{_APOSTROPHE}t", _straight),
    # joined by hyphens or underscores; by hyphens after a number or initials (1,000-foot); by slashes
    (rf"(?:[dDoOlL]{_APOSTROPHE})?{_ALNUM}+(?:[-_\u2010\u2011]{_ALNUM}+)*", _word),
    (r"[A-Za-z0-9][A-Za-z0-9.,]{0,99}(?:-(?:[A-Za-z](?:\.[A-Za-z])+\.|[A-Za-z0-9]+))+", _word),
    (r"[A-Za-z0-9]+(?:-[A-Za-z]+){0,2}(?:/[A-Za-z0-9]+(?:-[A-Za-z]+){0,2}){1,2}", _word),
    (r"[aA]nti-", _word),
    # with an apostrophe: y'all; O'Hara, D'Angelo; ma'am, Hawai'i; dunkin'
    (rf"([yY]{_APOSTROPHE}){_LETTER}", _straight),
    (rf"(?![IY])[A-Zn]{_APOSTROPHE}{_LETTER}{{2,}}", _word),
    (rf"{_LETTER}+[aeiouyA-Z]{_APOSTROPHE}[aeiouA-Z]{_LETTER}*", _word),
    (_CLIPPED, _word),
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
    (r"\d{1,4}(?:[- ]\d{1,4})?[/\u2044]\d{1,4}", _unbroken),
    (r"(?:\d{2,4}[- ])?\d{2,4}[- ]\d{3,4}[- ]?\d{3,5}", _unbroken),
    (rf"[{_NUMERALS}]", _sign),
    # addresses on the net and of mail
    (r"(?i:https?)://[^\s\"<>|(){}]+[^\s\"<>|.!?(){},-]", _word),
    (rf"www\.(?:[^\s\"<>|.!?(){{}},]{{1,63}}\.){{1,20}}[A-Za-z]{{2,4}}{_PATH}", _word),
    (rf"(?:{_HOST_LABEL}\.){{1,20}}(?:com|net|org|edu){_PATH}", _word),
    (r"[A-Za-z0-9][^\s\"<>|(){}]{0,63}@(?:[^\s\"<>|(){}.]{1,63}\.){0,20}[^\s\"<>|(){}.]+", _word),
]

SIGNS: list[tuple[str, Form]] = [
    # after an apostrophe: 's and the like, 'em, 'tis, '90s; a quote before two letters opens
    (rf"({_APOSTROPHE}[sdmSDM])[^A-Za-z]", _straight),
    (rf"{_APOSTROPHE}[sdmSDM]", _straight),
    (rf"({_APOSTROPHE}(?i:re|ve|ll))[^A-Za-z]", _straight),
    (_CLIPPED, _straight),
    (r"(')[A-Za-z]\S", _always("`")),
    (r"\u2019(?i:re|ve|ll)", _straight),
    (rf"({_APOSTROPHE}[tT])(?i:is|was)", _straight),
    (rf"{_APOSTROPHE}[2-9]0s", _straight),
    # double quotes
    (r"''|``", _sign),
    (r'(")[A-Za-z0-9$]', _always("``")),
    # runs; of four dots before a word the last ends a sentence
    (r"(\.{3})\.\s+[A-Za-z]", _sign),
    (r"\.{3,}|\.(?: \.){2,}", _always("...")),
    (r"-{2,}", _always("--")),
    (r"\*+|[!?]+|_+|<<|>>", _sign),
    (r"-(?i:[LR][RCS]B)-", _sign),
    # numbers with a sign or without a first digit, telephones
    (r"[-+]?[.,:]?\d+(?:[.,:]\d+)*", _word),
    (r"(?:\(\d{2,3}\) ?|\+\+?(?:\d{2,4}[- ])?\d{2,4}[- ])\d{3,4}[- ]?\d{3,5}", _bracketed),
    # smileys, tags, entities, names on the net
    (r"([:;=]-?[()DPp])[^A-Za-z0-9]", _bracketed),
    (r"</?[A-Za-z][^<>\n]{0,255}>", _unbroken),
    (r"&(?i:amp|lt|gt|quot|apos);", _sign),
    (r"@[A-Za-z_][A-Za-z0-9_]*", _word),
    (rf"#(?:{_LETTER}|_)(?:{_ALNUM}|_)*", _word),
    (rf"[^\w\s{_UNSEEN}{_BEYOND}]", _sign),
]

_WORD_RULES = [Rule(re.compile(pattern), form) for pattern, form in WORDS]
_SIGN_RULES = [Rule(re.compile(pattern), form) for pattern, form in SIGNS]
_PLAIN = re.compile(r"(?:[A-Za-z]+[ \n])+")  # the bulk of all text: words between blanks, which no rule cuts


def tokens(text: str, start: int = 0, end: int | None = None) -> list[str]:
    """Returns the Penn Treebank tokens of `text[start:end]`.

    Brackets become `-LRB-` and so on, double quotes two backquotes or two apostrophes, dashes `--`; case is
    kept; a blank inside a token (`1 1/2`) is a no-break space. Rules look at the text behind `end` too: a
    word that could be an abbreviation is judged by what follows.
    """
    found: list[str] = []
    place, end = start, len(text) if end is None else end
    while place < end:
        plain = _PLAIN.match(text, place, end + 1)
        if plain:
            words = plain.group().split()
            if not TWO_IN_ONE.keys().isdisjoint(plain.group().lower().split()):
                words = [part for word in words for part in _word(word)]
            found += words
            place = plain.end()
            continue
        best: re.Match[str] | None = None
        reach = place
        form: Form = _word
        for rule in _WORD_RULES if text[place].isalnum() else _SIGN_RULES:
            match = rule.pattern.match(text, place)
            if match and match.end() > reach:
                best, reach, form = match, match.end(), rule.form
        if best is None:  # white space, or nothing that makes a token
            place += 1
            continue
        group = best.re.groups
        found += form(best.group(group))
        place = best.end(group)
    return found


def sentences(text: str) -> list[list[str]]:
    """Splits a caption into sentences of tokens, in the form that the original SPICE parses.

    A sentence ends with a full stop or a run of `!` and `?`, and takes closing quotes and brackets with it.
    A text without tokens has no sentences. Curly apostrophes inside words become straight (3.6.0; 3.4.1 keeps
    them).
    """
    found: list[list[str]] = []
    ended = True
    for token in tokens(text):
        if ended and not (found and token in AFTER_THE_END):
            found.append([])
            ended = False
        found[-1].append(token.replace("\u2019", "'"))
        ended = ended or SENTENCE_END.fullmatch(token) is not None
    return found
