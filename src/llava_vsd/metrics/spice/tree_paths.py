r"""A small language of paths through a constituency tree, in which the rules of heads and relations are written.

A condition names a walk that starts at a node; it holds if the walk can be made or, after `!`, if it cannot:

    >>VP            some later sibling is a VP
    ^VP<NP          the parent is a VP that stands right after an NP
    !/NP            no child is an NP
    /VP[$VBN]       a child is a VP whose head word is tagged VBN
    <={be}          the sibling right before has a form of `be` as its head word

A walk is a row of steps, a step is an axis and a test. Axes:

    .  the node itself                     /  a child        //  a node below
    ^  the parent                         ^^  a node above
    <  the sibling right before           <<  a sibling anywhere before       <|  the first of the siblings
    >  the sibling right after            >>  a sibling anywhere after        >|  the last of the siblings
    @  the head child                      $  the head word

A test is a list of labels joined by `|`, then, after `=`, words joined by `,` or the name of a list in braces, then any
number of further conditions on the node in square brackets. A label that ends in `~` stands for all that begin so
(`VB~` for the tags of verbs); no labels at all, or no words, are met by every node. `-` before the labels or the words
turns them round. The word of a phrase is its head word; words are compared in lower case.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from llava_vsd.metrics.spice.trees import TreeError


class Node:
    """A node of a tree under conversion: it knows its parent, its place among the siblings, and its head.

    Attributes:
        label: category or part-of-speech tag.
        children: empty for a word.
        parent: None at the top.
        place: index among the parent's children.
        head: the head child; a word is its own head.
        leaf: the head word; set when the heads are found.
        text: of a word, as written.
        word: the head word's text in lower case.
        number: of a word, its position in the sentence, counted from 1; 0 for a phrase.
    """

    __slots__ = ("children", "head", "label", "leaf", "number", "parent", "place", "text", "word")

    def __init__(self, label: str, children: list[Node], text: str = "", number: int = 0) -> None:
        self.label = label
        self.children = children
        self.text = text
        self.word = text.lower()
        self.number = number
        self.parent: Node | None = None
        self.place = 0
        self.head = self
        self.leaf = self
        for place, child in enumerate(children):
            child.parent = self
            child.place = place


Condition = Callable[[Node], "Node | None"]
Lists = Mapping[str, frozenset[str]]


class _Labels(dict[str, bool]):
    """Whether a label is among those of a test, remembered for each label met."""

    def __init__(self, names: list[str], *, wanted: bool) -> None:
        super().__init__()
        self.wanted = wanted
        self.names = {name for name in names if not name.endswith("~")}
        self.stems = tuple(name[:-1] for name in names if name.endswith("~"))

    def __missing__(self, label: str) -> bool:
        found = (label in self.names or label.startswith(self.stems)) is self.wanted
        self[label] = found
        return found


def _below(node: Node) -> Iterator[Node]:
    for child in node.children:
        yield child
        yield from _below(child)


def _above(node: Node) -> Iterator[Node]:
    while node.parent is not None:
        node = node.parent
        yield node


def _siblings(node: Node) -> list[Node]:
    return node.parent.children if node.parent is not None else [node]


def _before(node: Node) -> Node | None:
    return node.parent.children[node.place - 1] if node.place and node.parent is not None else None


def _after(node: Node) -> Node | None:
    siblings = _siblings(node)
    return siblings[node.place + 1] if node.place + 1 < len(siblings) else None


_SINGLE: dict[str, Callable[[Node], Node | None]] = {
    ".": lambda node: node,
    "^": lambda node: node.parent,
    "<": _before,
    ">": _after,
    "<|": lambda node: _siblings(node)[0],
    ">|": lambda node: _siblings(node)[-1],
    "@": lambda node: node.head,
    "$": lambda node: node.leaf,
}
_MANY: dict[str, Callable[[Node], Iterator[Node] | list[Node]]] = {
    "/": lambda node: node.children,
    "//": _below,
    "^^": _above,
    "<<": lambda node: _siblings(node)[: node.place],
    ">>": lambda node: _siblings(node)[node.place + 1 :],
}
_STEP = re.compile(
    r"(?P<axis>//|/|\^\^|\^|<<|<\||<|>>|>\||>|\.|@|\$)"
    r"(?P<labels>-?[A-Za-z{][\w|~{}-]*)?"
    r"(?:=(?P<words>-?[^\s\[\]/^<>@$]+))?"
)


class Paths:
    """Compiles conditions; holds the named lists that they refer to.

    Args:
        label_lists: name to labels, for `{name}` in place of a label.
        word_lists: name to words, for `={name}`.
    """

    def __init__(self, label_lists: Lists, word_lists: Lists, named: str = "") -> None:
        self._label_lists = label_lists
        self._word_lists = word_lists
        self._named: dict[str, list[Condition]] = {
            "after": [_after_head],
            "head": [_is_head],
            "capitals": [_in_capitals],
        }
        for line in named.strip().splitlines():
            if line.strip() and not line.startswith("#"):
                name, text = line.split(maxsplit=1)
                self._named.setdefault(name, []).append(self.all_of(text))

    def labels(self, text: str) -> Mapping[str, bool]:
        """A table from every label to whether `text` (`NP|VB~`, `-NN`, `{noun}`, `*` for all) names it."""
        names: list[str] = []
        for name in text.removeprefix("-").split("|"):
            names += (
                sorted(self._label_lists[name[1:-1]]) if name.startswith("{") else [name.replace("*", "~")]
            )
        return _Labels(names, wanted=not text.startswith("-"))

    def all_of(self, text: str) -> Condition:
        """One condition out of those that `text` lists, separated by blanks.

        Raises:
            TreeError: a condition is not of the language; names it and the place.
        """
        place = 0
        conditions: list[Condition] = []
        while place < len(text):
            if text[place] == " ":
                place += 1
                continue
            condition, place = self._condition(text, place)
            conditions.append(condition)
        return _every(conditions)

    def _condition(self, text: str, place: int) -> tuple[Condition, int]:
        wanted = text[place] != "!"
        steps: list[tuple[str, Condition]] = []
        place += not wanted
        if text[place] == "&":
            found = re.compile(r"\w+").match(text, place + 1)
            assert found is not None
            any_of = _some(self._named[found[0]])
            return (any_of if wanted else _not(any_of)), found.end()
        while place < len(text) and text[place] not in " ]":
            found = _STEP.match(text, place)
            if found is None:
                raise TreeError(f"rule {text!r}: expected a step of a path at character {place}")
            place = found.end()
            tests = self._tests(found)
            while place < len(text) and text[place] == "[":
                place += 1
                while text[place : place + 1] != "]":
                    if place >= len(text):
                        raise TreeError(f"rule {text!r}: expected ']' at its end")
                    if text[place] == " ":
                        place += 1
                        continue
                    test, place = self._condition(text, place)
                    tests.append(test)
                place += 1
            steps.append((found["axis"], _every(tests)))
        walk: Condition = _always
        for axis, test in reversed(steps):
            walk = _step(axis, test, walk)
        if not steps:
            raise TreeError(f"rule {text!r}: expected a path at character {place}")
        return (walk if wanted else _not(walk)), place

    def _tests(self, found: re.Match[str]) -> list[Condition]:
        tests: list[Condition] = []
        if found["labels"]:
            tests.append(_has_label(self.labels(found["labels"])))
        if found["words"]:
            named = found["words"].lstrip("-")
            words = self._word_lists[named[1:-1]] if named[0] == "{" else frozenset(named.split(","))
            tests.append(_has_word(words, wanted=found["words"] == named))
        return tests


def _after_head(node: Node) -> Node | None:
    return node if node.parent is not None and node.place > node.parent.head.place else None


def _is_head(node: Node) -> Node | None:
    return node if node.parent is not None and node.parent.head is node else None


def _in_capitals(node: Node) -> Node | None:
    return node if node.leaf.text.isupper() else None


def _always(node: Node) -> Node | None:
    return node


def _every(conditions: list[Condition]) -> Condition:
    if not conditions:
        return _always
    if len(conditions) == 1:
        return conditions[0]
    if len(conditions) == 2:
        first, second = conditions
        return lambda node: first(node) and second(node)
    return lambda node: node if all(condition(node) for condition in conditions) else None


def _some(conditions: list[Condition]) -> Condition:
    if len(conditions) == 1:
        return conditions[0]
    return lambda node: node if any(condition(node) for condition in conditions) else None


def _not(condition: Condition) -> Condition:
    return lambda node: None if condition(node) else node


def _has_label(table: Mapping[str, bool]) -> Condition:
    return lambda node: node if table[node.label] else None


def _has_word(words: frozenset[str], *, wanted: bool) -> Condition:
    if wanted:
        return lambda node: node if node.word in words else None
    return lambda node: node if node.word not in words else None


def _step(axis: str, test: Condition, walk: Condition) -> Condition:
    if axis in _SINGLE:
        move = _SINGLE[axis]

        def to_one(node: Node) -> Node | None:
            found = move(node)
            return walk(found) if found is not None and test(found) else None

        return to_one
    moves = _MANY[axis]

    def to_first(node: Node) -> Node | None:
        for found in moves(node):
            if test(found) and (end := walk(found)):
                return end
        return None

    return to_first
