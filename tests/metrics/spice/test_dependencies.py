import pytest

from llava_vsd.metrics.spice.dependencies import basic
from llava_vsd.metrics.spice.trees import Tree


def edges(text):
    words = basic(Tree.read(text))
    names = ["root", *(word.word for word in words)]
    return " ".join(f"{word.word}<{word.relation}<{names[word.head]}" for word in words)


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        (
            "(ROOT (S (NP (DT the) (NN book)) (VP (VBZ is) (PP (IN on) (NP (DT a) (NN table))))))",
            "the<det<book book<nsubj<table is<cop<table on<case<table a<det<table table<root<root",
        ),
        (
            "(ROOT (NP (NP (DT a) (NN cat)) (VP (VBG sitting) (PP (IN under) (NP (DT a) (JJ red) (NN car))))))",
            "a<det<cat cat<root<root sitting<acl<cat under<case<car a<det<car red<amod<car car<nmod<sitting",
        ),
        (
            "(ROOT (S (NP (EX there)) (VP (VBZ is) (NP (NP (DT a) (NN man)) (PP (IN on) (NP (NN top)))))))",
            "there<expl<is is<root<root a<det<man man<nsubj<is on<case<top top<nmod<man",
        ),
        (
            "(ROOT (S (NP (NNS cars)) (VP (VBP are) (VP (VBN parked) (PP (IN by) (NP (NN street)))))))",
            "cars<nsubjpass<parked are<auxpass<parked parked<root<root by<case<street street<nmod<parked",
        ),
        (
            "(ROOT (NP (NN steak) (, ,) (NNS potatoes) (CC and) (NN broccoli)))",
            "steak<root<root ,<punct<steak potatoes<conj<steak and<cc<steak broccoli<conj<steak",
        ),
    ],
)
def test_content_words_head(tree, expected):
    assert edges(tree) == expected


@pytest.mark.parametrize(
    "tree",
    [
        "(ROOT (X (XX a) (XX b)))",
        "(NN dog)",
        "(ROOT (FRAG (. .)))",
        "(ROOT (S (S (S (VP (VB go))))))",
        "(A (B (C c) (D d)) (E e))",
    ],
)
def test_any_tree_gets_one_word_a_leaf_and_heads_among_them(tree):
    words = basic(Tree.read(tree))
    assert [word.word for word in words] == [leaf.word for leaf in Tree.read(tree).leaves()]
    assert all(-1 <= word.head <= len(words) for word in words)
    assert any(word.head == 0 for word in words)


def share_equal(pairs):
    """The share of trees whose dependencies are the original's, word by word; how many there were."""
    equal = [
        [(word.head, word.relation) for word in basic(Tree.read(tree))]
        == [(head, relation) for head, relation in gold]
        for tree, gold in pairs
    ]
    return sum(equal) / len(equal), len(equal)


@pytest.mark.parametrize(
    ("name", "every", "least"),
    [
        ("parses_val", 1, 1.0),
        ("parses_coco_a", 1, 1.0),
        ("train_coco_trees_0", 20, 0.9996),
        ("train_coco_trees_2", 20, 0.9993),
        ("train_vsd_like_trees_1", 20, 0.9995),
    ],
)
def test_captions_have_the_dependencies_of_the_original(reference, name, every, least):
    rows = reference.jsonl(f"oracle/spice/{name}.jsonl.gz")[::every]
    pairs = [
        (tree, [(word[3], word[4]) for word in sentence])
        for row in rows
        for tree, sentence in zip(row["tree"], row["s"], strict=True)
    ]
    share, count = share_equal(pairs)
    assert count >= 1_900
    assert share >= least


def test_trees_far_from_captions_mostly_have_the_dependencies_of_the_original(reference):
    odd = reference.jsonl("oracle/spice/odd_trees.jsonl.gz")[::4]
    pairs = []
    for row in odd:
        by_word = {dependent: (head, relation) for dependent, head, relation in row["deps"]}
        count = sum(1 for _ in Tree.read(row["tree"]).leaves())
        pairs.append((row["tree"], [by_word.get(place, (-1, "")) for place in range(1, count + 1)]))
    equal = sum(
        [(w.head, w.relation) if w.head >= 0 else (-1, "") for w in basic(Tree.read(tree))] == gold
        for tree, gold in pairs
    )
    assert equal / len(pairs) >= 0.96
