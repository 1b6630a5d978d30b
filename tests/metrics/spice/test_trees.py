import pytest

from llava_vsd.metrics.spice.trees import Tree, TreeError


def test_a_bracketed_tree_reads_and_prints_back():
    text = "(ROOT (NP (NP (DT a) (NN cat)) (PP (IN on) (NP (DT a) (NN mat)))))"
    tree = Tree.read(text)
    assert str(tree) == text
    assert [(leaf.label, leaf.word) for leaf in tree.leaves()] == [
        ("DT", "a"), ("NN", "cat"), ("IN", "on"), ("DT", "a"), ("NN", "mat"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("(NP (NN cat)", "ends before"),
        ("cat", "expected '('"),
        ("(NP)", "without content"),
        ("(NN cat) (NN dog)", "after its end"),
    ],
)
def test_a_broken_tree_is_refused_with_the_place(text, says):
    with pytest.raises(TreeError, match=r".") as error:
        Tree.read(text)
    assert says in str(error.value)
