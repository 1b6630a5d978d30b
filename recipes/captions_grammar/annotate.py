"""From a tree to its derivation under the captions grammar: which states, rules and taggings it is made of.

A category says too little: what a noun phrase holds depends on where it stands. States are categories with what
decides about their inside added, after Klein and Manning (2003), Accurate Unlexicalized Parsing: the category above;
the form of the verb; whether a noun phrase has phrases inside; and more, see `_marks`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from llava_vsd.metrics.spice.grammar import BOUNDARY, ROOT
from llava_vsd.metrics.spice.labels import basic
from llava_vsd.metrics.spice.trees import Tree

MEMORY: Final = 2  # how many sisters to the left an intermediate state of binarisation knows

# of verb phrases and clauses, by the tag of the head: finite, base, gerund, participle, to
VERB_FORM: Final = {
    "VBZ": "F", "VBP": "F", "VBD": "F", "MD": "F", "VB": "B", "VBG": "G", "VBN": "N", "TO": "T", "VP": "V",
}  # fmt: skip

# By category: the end to search from, and the children that can be its head, the best first. Others: the first child.
HEADS: Final = {
    "NP": ("right", ("NN NNS NNP NNPS NX POS JJR", "NP", "CD JJ JJS DT PRP QP EX VBG")),
    "NP-TMP": ("right", ("NN NNS NNP NNPS NX POS JJR", "NP", "CD JJ JJS DT PRP QP EX VBG")),
    "VP": ("left", ("VBZ VBP VBD VBN VBG VB MD TO", "VP", "NN NNS JJ")),
    "S": ("left", ("VP", "S SBAR ADJP NP")),
    "PP": ("left", ("IN TO VBG VBN RP", "PP")),
    "SBAR": ("left", ("IN WHNP WHADVP WHPP WDT", "S")),
    "SINV": ("left", ("VP VBZ VBD VBP MD",)),
    "SQ": ("left", ("VBZ VBD VBP MD VP",)),
    "ADJP": ("right", ("JJ VBN VBG JJR JJS", "ADJP", "RB")),
    "ADVP": ("right", ("RB RBR JJ RP IN", "ADVP")),
    "QP": ("right", ("CD",)),
    "FRAG": ("left", ("NP S VP PP",)),
}

# tags whose words behave by what is two levels up: prepositions, particles, conjunctions
FAR_SIGHTED: Final = frozenset({"IN", "TO", "CC", "RP"})
# tags that are marked where they are a phrase by themselves
LONELY: Final = frozenset({"DT", "RB", "JJ", "NN", "VBG", "VBN", "CD"})

# words that decide about more than their tag says
WORDS: Final = frozenset({
    "of", "with", "in", "on", "at", "by", "next", "to", "standing", "sitting", "is", "are", "while", "and", "front",
    "top", "near", "for", "from", "as", "up", "down", "out", "has", "that", "looking",
})  # fmt: skip


class Context(NamedTuple):
    """The categories above a node: its parent's and grandparent's."""

    parent: str
    grandparent: str


@dataclass
class Derivation:
    """What a tree is made of; each list with repetitions.

    Attributes:
        binary: parent, left child, right child.
        unary: parent, child.
        taggings: word, tag.
    """

    binary: list[tuple[str, str, str]] = field(default_factory=list)
    unary: list[tuple[str, str]] = field(default_factory=list)
    taggings: list[tuple[str, str]] = field(default_factory=list)


class _Seen(NamedTuple):
    """What a node tells its parent: its state, whether it has a verb in it, the tag of its head."""

    state: str
    verbal: bool
    head: str


def derivation(tree: Tree) -> Derivation:
    """The one derivation of a tree; the tree is what is left when annotation and intermediate states are cut off.

    Args:
        tree: ROOT with one child.
    """
    found = Derivation()
    [top] = tree.children
    found.binary.append((ROOT, _walk(top, Context(ROOT, ROOT), False, found).state, BOUNDARY))
    return found


def _walk(node: Tree, above: Context, alone: bool, found: Derivation) -> _Seen:
    if node.word is not None:
        state = f"{node.label}^{above.parent}"
        if node.label in FAR_SIGHTED:
            state += f"^{above.grandparent}"
        if alone and node.label in LONELY:
            state += "~U"
        if node.word in WORDS:
            state += f"={node.word}"
        found.taggings.append((node.word, state))
        return _Seen(state, node.label in VERB_FORM, node.label)
    here = Context(basic(node.label), above.parent)
    children = [_walk(child, here, len(node.children) == 1, found) for child in node.children]
    head = _head(node)
    verbal = any(child.verbal for child in children)
    marks = _marks(node, children, head, verbal)
    state = f"{node.label}^{above.parent}" + (f"~{marks}" if marks else "")
    _binarise(state, [child.state for child in children], found)
    return _Seen(state, verbal or node.label == "VP", children[head].head)


def _head(node: Tree) -> int:
    """Which child is the head."""
    labels = [child.label for child in node.children]
    side, choices = HEADS.get(node.label, ("left", ()))
    places = range(len(labels)) if side == "left" else range(len(labels) - 1, -1, -1)
    for choice in choices:
        for place in places:
            if labels[place] in choice.split():
                return place
    return places[0]


def _marks(node: Tree, children: list[_Seen], head: int, verbal: bool) -> str:
    """What a phrase is marked with.

    B: a noun phrase without phrases inside. P, C: it is possessive, coordinated. R: it ends with a modifier, so that
    more may attach inside. After VP and S the form of the verb, see `VERB_FORM`, X for none. v: another phrase with
    a verb somewhere inside. U: it has a single child.
    """
    labels = [child.label for child in node.children]
    marks = ""
    if node.label.startswith("NP"):
        marks += "B" if all(child.word is not None for child in node.children) else ""
        marks += "P" if labels[-1] == "POS" else ""
        marks += "C" if "CC" in labels else ""
    elif node.label == "VP":
        marks += VERB_FORM.get(labels[head], "X")
    elif node.label == "S":
        marks += VERB_FORM.get(children[head].head, "X")
    if verbal and node.label not in ("VP", "S") and not marks.startswith("B"):
        marks += "v"
    if len(labels) == 1:
        marks += "U"
    if node.label == "NP" and labels[-1] in ("PP", "VP", "SBAR"):
        marks += "R"
    return marks


def _binarise(state: str, children: list[str], found: Derivation) -> None:
    """From the left: an intermediate state stands for the sisters still to come and knows the last ones before them."""
    if len(children) == 1:
        found.unary.append((state, children[0]))
        return
    parent = state
    for place, child in enumerate(children[:-2], start=1):
        known = children[max(0, place - MEMORY) : place]
        rest = f"@{state}|{'_'.join(known)}" + ("$" if place < MEMORY else "")
        found.binary.append((parent, child, rest))
        parent = rest
    found.binary.append((parent, children[-2], children[-1]))
