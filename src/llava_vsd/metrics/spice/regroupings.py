"""Flat phrases of the treebank in which children belong together: rules that put a node over them.

A line reads: categories, the label of the new node, the children of the phrase from first to last. Brackets stand round
those that get the new node; `?`, `*` and `+` after a test are as in regular expressions, `...` is any row of children.
"""

from __future__ import annotations

import re
from functools import lru_cache

from llava_vsd.metrics.spice import word_lists

RULES = """
# an adverb that opens the second conjunct: "eats and [then sleeps]"
S|VP|NP    *    ...+ CC [ RB=then,not {phrase} ]
SBAR       *    ...+ CC [ RB=then {phrase} ]
PP       IN    ... [ IN|TO CC IN|TO ] ...
QP       NP    ... [ RB|IN=at JJS|RBS=least,most ] ...
QP       QP    {dollar} [ CD CD ] ...
# modifiers joined by a conjunction: "black and white cats", "the cat and dog food", "cats, dogs and birds food"
NP       NP    [ NN|JJ|DT|PRP$|VBG|NNP|NP|CD|QP|INTJ|X CC {flat}|NP|QP|INTJ|X ] -CC|, ...
NP       NP    DT [ NN|JJ|VBG|NNP|NP CC {flat}|VP|QP|NP|DT ] {noun}
NP       LIST    ... [ NN|NNP , NN CC NN ] ...+
# the second conjunct: "a man in a hat and a [red coat]"
NP|NX|NML|NP-TMP|NP-ADV|UCP       NP    ...+ CC [ {flat}+ {noun} ]
NP|NX|NML|NP-TMP|NP-ADV|UCP       NP    ...+ CC [ {flat}+ {noun} ] ,|CC ...
UCP       NP    ...+ CC [ {flat}+ JJ ]
QP       QP    ...+ CC [ .. ]
"""
FIXED = """
according to|as if|as though|as to|as well|as well as|at least|because of|due to|how come|in between|in case|in order|instead of|kind of
less than|let alone|more than|not to mention|prior to|rather than|so that|such as|that is
"""

_FIXED: dict[str, list[tuple[str, ...]]] = {}
for _line in FIXED.split("\n"):
    for _text in filter(None, _line.split("|")):
        _FIXED.setdefault(_text.split()[0], []).append(tuple(_text.split()))
for _rows in _FIXED.values():
    _rows.sort(key=len, reverse=True)
_FIXED_IN = {"PP", "ADVP", "SBAR", "CONJP", "QP", "WHADVP", "INTJ"}


def fixed(label: str, children: list) -> None:
    if label not in _FIXED_IN:
        return
    for place, child in enumerate(children[:-1]):
        for words in _FIXED.get(child.word, ()):
            found = children[place : place + len(words)]
            if label == "QP" and words == ("at", "least"):
                continue
            if tuple([c.word for c in found]) == words and not any(c.children for c in found):
                children[place : place + len(words)] = [type(child)("MWE", found)]
                return


def _pattern(text: str) -> re.Pattern[str]:
    parts = []
    for token in text.split():
        if token in ("[", "]"):
            parts.append("(" if token == "[" else ")")
            continue
        if token in ("...", "...+"):
            parts.append("(?:[^ ]+ )" + ("*" if token == "..." else "+"))
            continue
        if token == "..":
            parts.append("(?:[^ ]+ ){2,}")
            continue
        if token == "*":
            parts.append("(?:[^ ]+ )")
            continue
        repeat = token[-1] if token[-1] in "?*+" else ""
        token = token.rstrip("?*+")
        token, _, words = token.partition("=")
        names = re.sub(r"\{(\w+)\}", lambda m: "|".join(sorted(word_lists.LABELS[m[1]])), token).split("|")
        one = "|".join(re.escape(n[:-1]) + "[^ =]*" if n.endswith("~") else re.escape(n) for n in names)
        negative = names[0].startswith("-") and names[0] not in ("-LRB-", "-RRB-")
        if negative:
            one = "(?!(?:" + "|".join(re.escape(n.lstrip("-")) for n in names) + ")[ =])[^ =]+"
        tail = "=(?:" + words.replace(",", "|") + ")" if words else "(?:=[^ ]*)?"
        parts.append(f"(?:(?:{one}){tail} ){repeat}")
    return re.compile("".join(parts))


_RULES = [
    (set(row.split()[0].split("|")), row.split()[1], _pattern(" ".join(row.split()[2:])))
    for row in RULES.strip().splitlines()
    if row[0] != "#"
]


@lru_cache(maxsize=100000)
def grouping(label: str, children: tuple[str, ...]) -> tuple[str, int, int] | None:
    text = " ".join(children) + " "
    for categories, new, pattern in _RULES:
        if label in categories:
            found = pattern.fullmatch(text)
            if found is not None:
                first = text[: found.start(1)].count(" ")
                end = first + found[1].count(" ")
                return (children[end - 1] if new == "*" else new), first, end
    return None
