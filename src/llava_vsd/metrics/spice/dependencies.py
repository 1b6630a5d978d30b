"""Basic dependencies of a constituency tree: Universal Dependencies v1, with content words as heads."""

from __future__ import annotations

from llava_vsd.metrics.spice import clause_rules, head_rules, relation_rules, word_lists
from llava_vsd.metrics.spice.lemmas import lemma
from llava_vsd.metrics.spice.regroupings import phrase
from llava_vsd.metrics.spice.tree_paths import Condition, Node, Paths
from llava_vsd.metrics.spice.trees import Tree, Word

_PATHS = Paths(word_lists.LABELS, word_lists.WORDS, relation_rules.CONDITIONS)
_PASSED = _PATHS.labels("{punct}|UH|INTJ|NP-ADV|NP-TMP")
_CONJUNCTIONS = _PATHS.labels("CC|CONJP")
_STEPS_FAR_BACK = _PATHS.labels("NP|NX|NML|NP-TMP|NP-ADV|UCP|WHADJP")


def basic(tree: Tree) -> list[Word]:
    """The words of a sentence with lemmas, governors and relations.

    They are the `basic` dependencies of CoreNLP 3.6.0, with the subjects of passives marked as such. There is exactly
    one root, and every other word has a governor.
    """
    leaves: list[Node] = []
    top = _nodes(tree, leaves)
    _find_heads(top)
    edges = {top.leaf.number: (0, "root")}
    _attach(top, edges)
    passive = {head for head, relation in edges.values() if relation == "auxpass"}
    words: list[Word] = []
    for number, leaf in enumerate(tree.leaves(), start=1):
        head, relation = edges[number]
        if head in passive and relation in ("nsubj", "csubj"):
            relation += "pass"
        word = leaf.word or ""
        words.append(Word(word, leaf.label, lemma(word, leaf.label), head, relation))
    return words


def _nodes(tree: Tree, leaves: list[Node]) -> Node:
    if tree.word is not None:
        leaves.append(Node(tree.label, [], tree.word, len(leaves) + 1))
        return leaves[-1]
    return phrase(tree.label, [_nodes(child, leaves) for child in tree.children])


def _find_heads(node: Node) -> None:
    if not node.children:
        return
    for child in node.children:
        _find_heads(child)
    node.head = _HEADS.find(node) if len(node.children) > 1 else node.children[0]
    node.leaf = node.head.leaf
    node.word = node.leaf.word


def _attach(node: Node, edges: dict[int, tuple[int, str]]) -> None:
    for child in node.children:
        if child is not node.head:
            relation, governor = _RELATIONS.find(child)
            edges[child.leaf.number] = (governor.leaf.number, relation)
        _attach(child, edges)


class _HeadRule:
    """One line of `head_rules.py`: finds the head among the children of a phrase."""

    def __init__(self, row: str) -> None:
        categories, side, *rest = row.split(";")[0].split()
        tiers = next((n for n, part in enumerate(rest) if part[0] in "!./<>@$^"), len(rest))
        self.covers = _PATHS.labels(categories)
        self._from_last = side == "last"
        self._tiers = [_PATHS.labels(part) for part in rest[:tiers]]
        self._condition = _PATHS.all_of(" ".join(rest[tiers:]))

    def find(self, children: list[Node]) -> Node | None:
        order = children[::-1] if self._from_last else children
        for tier in self._tiers:
            for child in order:
                if tier[child.label] and self._condition(child):
                    return child
        return None


class _HeadTable:
    """All lines of `head_rules.py`, those of a category looked up once."""

    def __init__(self, text: str) -> None:
        self._rules = [_HeadRule(row) for row in _rows(text)]
        self._of_category: dict[str, list[_HeadRule]] = {}

    def find(self, node: Node) -> Node:
        if node.label not in self._of_category:
            self._of_category[node.label] = [rule for rule in self._rules if rule.covers[node.label]]
        rules = self._of_category[node.label]
        found = next(
            (head for rule in rules if (head := rule.find(node.children)) is not None), node.children[-1]
        )
        return _before_conjunction(found, node)


def _before_conjunction(found: Node, phrase: Node) -> Node:
    """Steps back from a later conjunct to the one before the conjunction; in a noun phrase, to the very first."""
    children = phrase.children
    place = found.place
    while place >= 2 and _CONJUNCTIONS[children[place - 1].label]:
        before = place - 2
        while before >= 0 and _PASSED[children[before].label]:
            before -= 1
        if before < 0:
            break
        place = before
        if not _STEPS_FAR_BACK[phrase.label]:
            break
    return children[place]


class _RelationRule:
    """One line of the table of relations: says whether it is about a child, and which word governs that child.

    A column may carry conditions in brackets and words after `=`; those of the phrase are read at the child's parent.
    """

    def __init__(self, row: str) -> None:
        self.relation, phrase, child, *rest = row.split(";")[0].split(maxsplit=3)
        phrase, bracket, conditions = phrase.partition("[")
        label = child.split("[")[0].split("=")[0]
        tests = ["." + child.removeprefix(label)] if label != child else []
        tests += ["^[" + conditions] if bracket else []
        condition, arrow, governor = (rest[0] if rest else "").partition("->")
        self.phrases = _PATHS.labels(phrase)
        self.children = _PATHS.labels(label)
        self.holds = _PATHS.all_of(" ".join([*tests, condition]))
        self.governor: Condition | None = _PATHS.all_of(governor.strip()) if arrow else None


class _RelationTable:
    """All lines of the rules of relations, those of a pair of labels looked up once."""

    def __init__(self, text: str) -> None:
        self._rules = [_RelationRule(row) for row in _rows(text)]
        self._of_pair: dict[tuple[str, str], list[_RelationRule]] = {}

    def find(self, node: Node) -> tuple[str, Node]:
        phrase = node.parent
        assert phrase is not None
        pair = phrase.label, node.label
        if pair not in self._of_pair:
            self._of_pair[pair] = [
                rule for rule in self._rules if rule.phrases[phrase.label] and rule.children[node.label]
            ]
        for rule in self._of_pair[pair]:
            if rule.holds(node):
                return rule.relation, (rule.governor(node) if rule.governor else None) or phrase
        return "dep", phrase


def _rows(text: str) -> list[str]:
    return [row for row in text.strip().splitlines() if row and not row.startswith("#")]


_HEADS = _HeadTable(head_rules.RULES)
_RELATIONS = _RelationTable(relation_rules.RULES + clause_rules.RULES)
