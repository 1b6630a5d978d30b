"""Basic dependencies of a constituency tree: Universal Dependencies v1, with content words as heads."""

from __future__ import annotations

from llava_vsd.metrics.spice import head_rules, relation_rules, word_lists
from llava_vsd.metrics.spice.regroupings import fixed, grouping
from llava_vsd.metrics.spice.tree_paths import Condition, Node, Paths
from llava_vsd.metrics.spice.trees import Tree, Word

_PATHS = Paths(word_lists.LABELS, word_lists.WORDS, relation_rules.CONDITIONS)


class _HeadRule:
    def __init__(self, row: str) -> None:
        parts = row.split()
        self.categories = parts[0]
        self.last = parts[1] == "last"
        n = 2
        while n < len(parts) and parts[n][0] not in "!./<>@$^":
            n += 1
        self.tiers = [_PATHS.labels(part) for part in parts[2:n]]
        self.condition = _PATHS.all_of(" ".join(parts[n:]))

    def find(self, children: list[Node]) -> Node | None:
        order = children[::-1] if self.last else children
        for tier in self.tiers:
            for child in order:
                if tier[child.label] and self.condition(child):
                    return child
        return None


class _HeadTable(dict):
    def __init__(self) -> None:
        self.rules = [( _HeadRule(row)) for row in head_rules.RULES.strip().splitlines() if row[0] != "#"]
        self.cats = [_PATHS.labels(rule.categories) for rule in self.rules]

    def __missing__(self, label: str) -> list[_HeadRule]:
        self[label] = [rule for rule, cat in zip(self.rules, self.cats) if cat[label]]
        return self[label]


_HEADS = _HeadTable()
_SPELT = {"RB", "IN", "JJS", "RBS"}


def find_head(node: Node) -> Node:
    for rule in _HEADS[node.label]:
        found = rule.find(node.children)
        if found is not None:
            return _before_conjunction(found, node.children)
    return _before_conjunction(node.children[-1], node.children)


def _before_conjunction(found: Node, children: list[Node]) -> Node:
    """Steps back from a later conjunct to the one before the conjunction."""
    place = found.place
    nominal = found.parent is not None and found.parent.label in ("NP", "NX", "NML", "NP-TMP", "NP-ADV", "UCP")
    while place >= 2 and children[place - 1].label in ("CC", "CONJP"):
        place -= 2
        while place > 0 and _PUNCT[children[place].label]:
            place -= 1
        if not nominal:
            break
    return children[place]


_PUNCT = _PATHS.labels("{punct}")


class _RelationRule:
    def __init__(self, row: str) -> None:
        self.relation, parents, children, *conditions = row.split(maxsplit=3)
        self.parents = parents
        self.children = children
        self.condition = _PATHS.all_of(conditions[0].split(";")[0] if conditions else "")


class _RelationTable(dict):
    def __init__(self) -> None:
        self.rules = []
        for row in relation_rules.RULES.strip().splitlines():
            if row[0] == "#":
                continue
            relation, parents, child, *conditions = row.split(maxsplit=3)
            # the child column is itself a test: label, words, conditions
            label = child
            conds = conditions[0].split(";")[0] if conditions else ""
            conds, _, target = conds.partition("->")
            import re
            m = re.match(r"([^=\[]*)(.*)", child)
            parents, *pc = parents.split("[", 1)
            label, rest = m[1], m[2]
            pcond = "^[" + pc[0] if pc else ""
            cond = _PATHS.all_of(" ".join([("." + rest) if rest else "", pcond, conds]))
            self.rules.append((relation, _any(parents), _any(label), cond, _PATHS.all_of(target) if target.strip() else None))

    def __missing__(self, key):
        p, c = key
        self[key] = [(r, cond, target) for r, ps, cs, cond, target in self.rules if ps(p) and cs(c)]
        return self[key]


def _any(text):
    if text == "*":
        return lambda label: True
    table = _PATHS.labels(text)
    return lambda label: table[label]


_RELATIONS = _RelationTable()


def find_relation(node: Node) -> tuple[str, Node]:
    for relation, condition, target in _RELATIONS[node.parent.label, node.label]:
        if condition(node):
            return relation, (node.parent if target is None else target(node) or node.parent)
    return "dep", node.parent


def wh(node: Node) -> bool:
    while node.children:
        node = node.children[0]
    return node.label in ("WP", "WDT", "WRB", "WP$")


def splice_question(children: list[Node]) -> None:
    for place in range(1, len(children)):
        question = children[place]
        if question.label == "SQ" and any(c.label == "WHNP" and wh(c) for c in children[:place]):
            kids = question.children
            verbs = [c for c in kids if c.label.startswith("VB")]
            if (
                len(verbs) == 1 and verbs[0].word in word_lists.WORDS["be"]
                and any(c.label == "NP" and not any(k.label == "EX" for k in c.children) for c in kids)
                and not any(c.label in ("VP", "ADJP", "WHNP") for c in kids) and sum(c.label=="NP" for c in kids)==1
            ):
                children[place : place + 1] = kids
                return


def build(tree: Tree, words: list[Node]) -> Node:
    if tree.word is not None:
        node = Node(tree.label, [], tree.word.lower(), len(words) + 1)
        words.append(node)
        return node
    children = [build(child, words) for child in tree.children]
    if tree.label == "PP" and len(children) == 2 and children[0].word == "according" and children[1].children:
        if children[1].label == "PP" and children[1].children[0].word == "to":
            children[1:] = children[1].children
    if tree.label == "SBARQ":
        splice_question(children)
    fixed(tree.label, children)
    while len(children) > 2:
        found = grouping(tree.label, tuple([c.label if c.children or c.label not in _SPELT else c.label + "=" + c.word for c in children]))
        if found is None:
            break
        label, start, end = found
        children[start:end] = [Node(label, children[start:end])]
    return Node(tree.label, children)


def heads(node: Node) -> None:
    for child in node.children:
        if child.children:
            heads(child)
    if node.children:
        node.head = find_head(node) if len(node.children) > 1 else node.children[0]
        node.leaf = node.head.leaf
        node.word = node.leaf.word


def attach(node: Node, out: dict[int, tuple[int, str]]) -> None:
    for child in node.children:
        if child is not node.head:
            relation, governor = find_relation(child)
            out[child.leaf.number] = (governor.leaf.number, relation)
        if child.children:
            attach(child, out)


def convert(tree: Tree) -> tuple[list[Node], dict[int, tuple[int, str]], Node]:
    words: list[Node] = []
    top = build(tree, words)
    heads(top)
    out = {top.leaf.number: (0, "root")}
    attach(top, out)
    passive = {head for head, relation in out.values() if relation == "auxpass"}
    for number, (head, relation) in out.items():
        if relation in ("nsubj", "csubj") and head in passive:
            out[number] = (head, relation + "pass")
    return words, out, top
