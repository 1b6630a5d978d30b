"""The two forms in which a sentence travels through SPICE: a constituency tree, and words with their heads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from llava_vsd.errors import VsdError


class TreeError(VsdError):
    """A bracketed tree cannot be read; names the position and what was expected."""


@dataclass(slots=True)
class Tree:
    """A node of a constituency tree: a phrase with children, a pre-terminal with `word`.

    Attributes:
        label: category (`NP`, `NP-TMP`) or, of a pre-terminal, the part-of-speech tag.
        children: empty for a pre-terminal.
        word: the token of a pre-terminal, None for a phrase.
    """

    label: str
    children: list[Tree] = field(default_factory=list)
    word: str | None = None

    @classmethod
    def read(cls, text: str) -> Tree:
        """Reads one bracketed tree, e.g. `(ROOT (NP (DT a) (NN cat)))`.

        Raises:
            TreeError: the brackets do not match, or a node has neither word nor children.
        """
        stack: list[Tree] = []
        root: Tree | None = None
        for match in re.finditer(r"\(\s*([^\s()]*)|\)|([^\s()]+)", text):
            token = match.group()
            if root is not None:
                raise TreeError(f"tree: text after its end at character {match.start()}: {token!r}")
            if token.startswith("("):
                node = cls(match.group(1))
                if stack:
                    stack[-1].children.append(node)
                stack.append(node)
            elif not stack:
                raise TreeError(f"tree: expected '(' at character {match.start()}, found {token!r}")
            elif token == ")":
                node = stack.pop()
                if node.word is None and not node.children:
                    raise TreeError(
                        f"tree: node {node.label!r} ends at character {match.start()} without content"
                    )
                if not stack:
                    root = node
            else:
                stack[-1].word = token
        if root is None:
            raise TreeError("tree: ends before its last ')'" if stack else "tree: empty")
        return root

    def leaves(self) -> Iterator[Tree]:
        """The pre-terminals, from left to right."""
        if self.word is not None:
            yield self
        for child in self.children:
            yield from child.leaves()

    def __str__(self) -> str:
        content = self.word if self.word is not None else " ".join(map(str, self.children))
        return f"({self.label} {content})"


class Word(NamedTuple):
    """One token of a sentence with its place in the basic dependency tree (Universal Dependencies v1).

    Attributes:
        word: the token as printed at the leaf.
        tag: its pre-terminal.
        lemma: see `lemmas.py`.
        head: position of its governor, counted from 1; 0 is the root, -1 none.
        relation: label of the edge from the governor (`nsubj`, `nmod`, ...).
    """

    word: str
    tag: str
    lemma: str
    head: int
    relation: str
