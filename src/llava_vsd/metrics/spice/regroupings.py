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
SBAR       IN   ... [ IN=whether CC RB=not ] ...
PP       IN    ... [ IN|TO CC IN|TO ] ...
QP       NP    ... [ RB|IN=at JJS|RBS=least,most ] ...
QP       QP    {dollar} [ CD CD ] ...
# modifiers joined by a conjunction: "black and white cats", "the cat and dog food", "cats, dogs and birds food"
NP       NP    [ NN|JJ|DT|PRP$|VBG|NNP|CD|QP|INTJ|X CC {flat}|QP|INTJ|X ] -CC|, ...
NP       NP    DT [ NN|JJ|VBG|NNP CC {flat}|VP|QP|DT ] {noun}
NP       NP    DT [ NN|JJ|VBG|NNP CC {flat} ] {noun} CC ...
NP       LIST    ... [ NN|NNP , NN CC NN ] ...+
# the second conjunct: "a man in a hat and a [red coat]"
NP|NX|NML|NP-TMP|NP-ADV|UCP       NP-CJ    ...+ CC [ {flat}+ {noun} ]
NP|NX|NML|NP-TMP|NP-ADV|UCP       NP-CJ    ...+ CC [ {flat}+ {noun} ] ,|CC ...
NP        NP-CJ    NP CC [ ADVP PP ]
UCP       NP-CJ    ...+ CC [ {flat}+ JJ ]
QP       QP    ...+ CC [ .. ]
"""
FIXED = """
according/VBG to/TO
as/IN to/TO
as/RB well/RB
as/RB well/RB as/IN
because/RB of/IN
because/IN of/IN
due/JJ to/TO
how/WRB come/VB
in/IN between/IN
in/IN case/NN
in/IN order/NN
instead/RB of/IN
kind/NN of/IN
less/JJR than/IN
let/VB alone/RB
more/JJR than/IN
not/RB to/TO mention/VB
prior/JJ to/TO
prior/RB to/TO
rather/RB than/IN
so/RB that/IN
such/JJ as/IN
that/DT is/VBZ
"""

_FIXED: dict[tuple[str, str], list[list[tuple[str, str]]]] = {}
for _line in FIXED.strip().splitlines():
    _row = [tuple(_item.split("/")) for _item in _line.split()]
    _FIXED.setdefault(_row[0], []).append(_row)
for _rows in _FIXED.values():
    _rows.sort(key=len, reverse=True)
_FIXED_IN = {"PP", "ADVP", "SBAR", "CONJP", "QP", "WHADVP", "INTJ"}


def fixed(label: str, children: list) -> None:
    if label not in _FIXED_IN:
        return
    if label == "SBAR" and [(c.word, c.label) for c in children[:2]] == [("as", "RB"), ("if", "IN")]:
        children[:2] = [type(children[0])("MWE", children[:2])]
    if label == "PP" and len(children) == 2 and children[0].word == "in" and len(children[1].children) == 1:
        if (children[1].children[0].word, children[1].children[0].label) in (("between", "IN"), ("order", "NN")):
            children[1] = children[1].children[0]
    for place, child in enumerate(children[:-1]):
        for row in _FIXED.get((child.word, child.label), ()):
            found = children[place : place + len(row)]
            if [(c.word, c.label) for c in found] == row and (place == 0 or label == "CONJP"):
                children[place : place + len(row)] = [type(child)("MWE", found)]
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
