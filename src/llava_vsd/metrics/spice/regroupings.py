"""Flat phrases of the treebank in which children belong together: rules that put a node over them, or take one away."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from llava_vsd.metrics.spice import word_lists
from llava_vsd.metrics.spice.tree_paths import Condition, Node, Paths

# Categories, the label of the new node (`+`: they join their last), and the children of the phrase from first to
# last. Brackets stand round those that get the new node; `?`, `*` and `+` after a test are as in regular expressions,
# `*` alone is any child, `...` any row of children, `...+` any but none, `..` two or more.
GROUPED = """
# an adverb that opens the second conjunct: "eats and [then sleeps]"
S|VP|NP|ADVP    +    ...+ CC|, [ RB=then,not {phrase} ]
NP    +    ...+ CC=but [ RB=also {phrase} ]
S|VP|SBAR  CONJP  ... {phrase} ,? [ CC=and RB=yet,so ] {phrase} ...
SBAR       IN   ... [ IN=whether CC=or RB=not ] ...
PP       PREP  [ IN|TO CC IN|TO ] ...
QP       NP    ... [ RB|IN=at JJS|RBS=least,most ] ...
QP       QP    {dollar} [ CD CD ]
# modifiers joined by a conjunction: "black and white cats", "the cat and dog food", "cats, dogs and birds food"
NP       NP    [ DT|JJ|RB CC -CC|,|NP~ ] -CC|,|NP~ -NP~*
NP       NP    [ -DT|JJ|RB|NNS|NP~|ADJP CC -CC|,|DT|NP~ ] -CC|,|NP~ -NP~*
NP       NP    DT [ -NNS|NP~|,|ADJP CC -CC|NP~ ] -,|CC
NP       NP    DT [ NN|JJ|VBG|NNP CC {flat} ] {noun} CC ...
# lists of words: "cats, dogs, birds and fish" and "a red, white and blue car"
NP~      LIST    ...? [ {noun} ( , {noun} )+ ,? CC {noun} ] {punct}*
ADJP     LIST    ...? [ JJ ( , JJ )+ ,? CC JJ|{noun} ] {punct}*
NP       LIST    ...? [ {noun} ( , {noun} )* , NN|NNP CC {noun} ] ...+
NP       NP      ...? [ {noun} ( , {noun} )* , NN|NNP CC * ] ...+
NP       LIST    ...? [ JJ ( , JJ )+ CC JJ ] ...+
NP       LIST    ... [ NN|NNP|``|'' , * CC * ] ...+
# the second conjunct: "a man in a hat and a [red coat]", then the first
NP        NP-CJ    ...+ CC [ -CC|NP~ -CC|NP~* -CC|,|NP~ ] ,?
NP        NP-CJ    ...+ CC [ -CC|NP~ -CC|NP~* -CC|,|NP~ ] ,? CC ...
NP~       ADJP     CC=both,either,neither? [ -CC+ JJ ] CC ... NP-CJ ...
NP~       NP       CC=both,either,neither? [ -CC=both,either,neither -NP-CJ* -NP-CJ|, ] ,? CC NP-CJ ...
NX|NML|NP-TMP|NP-ADV       NP-CJ    ...+ CC [ {flat}+ {noun} ]
NX|NML|NP-TMP|NP-ADV       NP-CJ    ...+ CC [ {flat}+ {noun} ] ,|CC ...
NP        NP-CJ    NP CC [ ADVP PP ]
QP       QP    ...+ CC [ -NP~|TO -NP~+ ]
"""

# Fixed expressions, which become a node MWE: categories, whether at the `start` or `anywhere`, words with tags.
FIXED = """
SBAR    start     as/RB if/IN
CONJP   anywhere  as/RB well/RB as/IN
CONJP   anywhere  as/RB as/IN well/RB
CONJP   anywhere  as/RB well/RB
CONJP   anywhere  instead/RB of/IN
CONJP   anywhere  rather/RB than/IN
CONJP   anywhere  not/RB to/TO mention/VB
CONJP   anywhere  let/VB alone/RB
PP|ADVP|SBAR|QP|WHADVP|INTJ  start  according/VBG to/TO
PP|ADVP|SBAR|QP|WHADVP|INTJ  start  as/IN to/TO
PP|ADVP|SBAR|QP|WHADVP|INTJ  start  as/RB well/RB
PP|ADVP|SBAR|QP|WHADVP|INTJ  start  as/RB well/RB as/IN
PP|ADVP|SBAR|QP|WHADVP|INTJ  start  because/RB of/IN
PP|ADVP|SBAR|QP|WHADVP|INTJ  start  because/IN of/IN
PP|ADVP|SBAR|QP|WHADVP|INTJ  start  due/JJ to/TO
PP|ADVP|SBAR|QP|WHADVP|INTJ  start  how/WRB come/VB
PP|ADVP|SBAR|QP|WHADVP|INTJ  start  in/IN between/IN
PP|ADVP|SBAR|QP|WHADVP|INTJ  start  in/IN case/NN
PP|ADVP|SBAR|QP|WHADVP|INTJ  start  in/IN order/NN
PP|ADVP|SBAR|QP|WHADVP|INTJ  start  instead/RB of/IN
PP|ADVP|SBAR|QP|WHADVP|INTJ  start  kind/NN of/IN
PP|ADVP|SBAR|QP|WHADVP|INTJ  start  less/JJR than/IN
PP|ADVP|SBAR|QP|WHADVP|INTJ  start  let/VB alone/RB
PP|ADVP|SBAR|QP|WHADVP|INTJ  start  more/JJR than/IN
PP|ADVP|SBAR|QP|WHADVP|INTJ  start  not/RB to/TO mention/VB
PP|ADVP|SBAR|QP|WHADVP|INTJ  start  prior/JJ to/TO
PP|ADVP|SBAR|QP|WHADVP|INTJ  start  prior/RB to/TO
PP|ADVP|SBAR|QP|WHADVP|INTJ  start  rather/RB than/IN
PP|ADVP|SBAR|QP|WHADVP|INTJ  start  so/RB that/IN
PP|ADVP|SBAR|QP|WHADVP|INTJ  start  such/JJ as/IN
PP|ADVP|SBAR|QP|WHADVP|INTJ  start  that/DT is/VBZ
"""

# Children that give their own children to the phrase: its category and the child's, conditions on the child.
DISSOLVED = """
NP      CONJP   /CC=but[!<]>RB=also
PP      PP     /TO=to <VBG=according
SBAR    SBAR   /IN=that <RB=now
PP      *    /IN=between[!< !>] <IN=in
PP      *    /NN=order[!< !>] <IN=in
SBARQ   SQ   /VB~={be}[!>PP|S|{noun}|{comma}|CC|SINV|NP-ADV|VP !>>ADJP !>>VP/VB~] !/VB~=-{be} !/NP/EX <<WHNP/WP
"""

# Phrases that pass for others: category, the label they get, conditions.
RELABELLED = """
UCP     ADJP  /JJ|ADJP[!<]
UCP     ADJP  /DT[!< >JJ]
UCP     NP    /NN|NNS|NP[!<]
UCP     NP    /DT[!< >NN|NNP]
UCP     ADVP  /ADVP[!<]
ADVP    SBAR  /RB=now>SBAR[/IN=that]
"""

_PATHS = Paths(word_lists.LABELS, word_lists.WORDS)
_SPELT = frozenset(["RB", "IN", "JJS", "RBS", "CC"])


class _Group(NamedTuple):
    categories: Mapping[str, bool]
    name: str
    pattern: re.Pattern[str]


def phrase(label: str, children: list[Node]) -> Node:
    """A node over children as the rules have them; needs no heads."""
    if label in _RELABELLED:
        node = Node(label, children)
        label = next((new for new, holds in _RELABELLED[label] if holds(node)), label)
    if label in _DISSOLVED:
        children = _dissolve(label, children)
    if label in _FIXED:
        children = _with_expression(label, children)
    while len(children) > 2:
        found = _group(label, tuple([_spelt(child) for child in children]))
        if found is None:
            break
        name, start, end = found
        inside = children[start:end]
        if name == "+":
            name, inside = inside[-1].label, [*inside[:-1], *inside[-1].children]
        children = [*children[:start], Node(name, inside), *children[end:]]
    return Node(label, children)


def _dissolve(label: str, children: list[Node]) -> list[Node]:
    Node(label, children)
    kept: list[Node] = []
    for child in children:
        dissolved = any(labels[child.label] and holds(child) for labels, holds in _DISSOLVED[label])
        kept += child.children if dissolved else [child]
    return kept


def _with_expression(label: str, children: list[Node]) -> list[Node]:
    spelt = [(child.word, child.label) for child in children]
    for anywhere, expression in _FIXED[label]:
        for start in range(len(children) - len(expression) + 1 if anywhere else 1):
            end = start + len(expression)
            if spelt[start:end] == expression:
                return [*children[:start], Node("MWE", children[start:end]), *children[end:]]
    return children


@lru_cache(maxsize=100_000)
def _group(label: str, children: tuple[str, ...]) -> tuple[str, int, int] | None:
    """The label of a new node, and from which child to before which it reaches."""
    text = " ".join(children) + " "
    for rule in _GROUPED:
        if rule.categories[label] and (found := rule.pattern.fullmatch(text)):
            start = text[: found.start(1)].count(" ")
            end = start + found[1].count(" ")
            return rule.name, start, end
    return None


def _spelt(child: Node) -> str:
    return child.label if child.children or child.label not in _SPELT else f"{child.label}={child.word}"


def _pattern(text: str) -> re.Pattern[str]:
    """A row of tests as a regular expression over labels, each followed by a blank."""
    signs = {
        "(": "(?:",
        ")*": ")*",
        ")+": ")+",
        "[": "(",
        "]": ")",
        "*": "[^ ]+ ",
        "...": "(?:[^ ]+ )*",
        "...?": "(?:[^ ]+ )*?",
        "...+": "(?:[^ ]+ )+",
        "..": "(?:[^ ]+ ){2,}",
    }
    return re.compile("".join(signs.get(part) or _test(part) for part in text.split()))


def _test(text: str) -> str:
    repeat = text[-1] if text[-1] in "?*+" else ""
    labels, _, words = text.removesuffix(repeat).partition("=")
    wanted = not labels.startswith("-")
    labels = re.sub(
        r"\{(\w+)\}", lambda name: "|".join(sorted(word_lists.LABELS[name[1]])), labels.removeprefix("-")
    )
    one = "|".join(
        re.escape(label[:-1]) + "[^ =]*" if label.endswith("~") else re.escape(label)
        for label in labels.split("|")
    )
    words = f"=(?:{words.replace(',', '|')})" if words else "(?:=[^ ]*)?"
    return f"(?:{f'(?:{one}){words}' if wanted else f'(?!(?:{one}){words} )[^ ]+'} ){repeat}"


def _rows(text: str) -> list[list[str]]:
    return [row.split() for row in text.strip().splitlines() if not row.startswith("#")]


_GROUPED = [
    _Group(_PATHS.labels(categories), name, _pattern(" ".join(tests)))
    for categories, name, *tests in _rows(GROUPED)
]
_FIXED: dict[str, list[tuple[bool, list[tuple[str, str]]]]] = {}
for _categories, _where, *_words in _rows(FIXED):
    for _category in _categories.split("|"):
        _expression = [(word, tag) for word, _, tag in (item.rpartition("/") for item in _words)]
        _FIXED.setdefault(_category, []).append((_where == "anywhere", _expression))
for _expressions in _FIXED.values():
    _expressions.sort(key=lambda item: -len(item[1]))
_DISSOLVED: dict[str, list[tuple[Mapping[str, bool], Condition]]] = {}
for _category, _labels, *_conditions in _rows(DISSOLVED):
    _DISSOLVED.setdefault(_category, []).append(
        (_PATHS.labels(_labels), _PATHS.all_of(" ".join(_conditions)))
    )

_RELABELLED: dict[str, list[tuple[str, Condition]]] = {}
for _category, _new, *_conditions in _rows(RELABELLED):
    _RELABELLED.setdefault(_category, []).append((_new, _PATHS.all_of(" ".join(_conditions))))
