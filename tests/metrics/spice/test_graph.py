import pytest
from hypothesis import given
from hypothesis import strategies as st

from llava_vsd.metrics.spice.graph import Graph, collapse

# A basic tree, and the edges that are in the collapsed graph (+) or are not (-).
RULES = {
    "a passive has a passive subject": (
        "cats/NNS>3:nsubj are/VBP=be>3:auxpass held/VBN=hold>0:root",
        "+ 3 nsubjpass 1, - 3 nsubj 1",
    ),
    "two case markers side by side are one expression": (
        "cat/NN>0:root next/IN>5:case to/TO>5:case a/DT>5:det dog/NN>1:nmod",
        "+ 5 case 2, + 2 mwe 3, - 5 case 3, + 1 nmod:next_to 5",
    ),
    "an adverb and a case marker side by side are one expression, in capitals too": (
        "cat/NN>0:root Next/RB=next>4:advmod TO/TO=to>4:case dogs/NNS=dog>1:nmod",
        "+ 4 case 2, - 4 advmod 2, + 2 mwe 3, + 1 nmod:next_to 4",
    ),
    "a first word that governs the noun gives its place up": (
        "signs/NNS=sign>0:root outside/NN>1:nmod of/IN>4:case shops/NNS=shop>2:nmod",
        "+ 1 nmod:outside_of 4, + 4 case 2, + 2 mwe 3, - 2 nmod 4, - 1 nmod 2",
    ),
    "so does a root, with its subject and copula": (
        "cat/NN>3:nsubj is/VBZ=be>3:cop far/JJ>0:root from/IN>5:case dogs/NNS=dog>3:nmod",
        "root 5, + 5 nsubj 1, + 5 cop 2, + 5 case 3, + 3 mwe 4",
    ),
    "a joined predicate with a copula stays joined": (
        "cat/NN>2:nsubj sat/VBD=sit>0:root and/CC>2:cc is/VBZ=be>5:cop far/JJ>2:conj from/IN>7:case dogs/NNS>5:nmod",
        "+ 2 conj:and 7, + 7 cop 4, - 2 nmod 7",
    ),
    "without a copula the noun hangs by nmod": (
        "cat/NN>2:nsubj sleeps/VBZ=sleep>0:root far/RB>2:advmod from/IN>5:case dogs/NNS=dog>3:nmod",
        "+ 2 nmod:far_from 5, - 2 advmod 3",
    ),
    "three words are one expression": (
        "cat/NN>0:root in/IN>3:case front/NN>1:nmod of/IN>6:case a/DT>6:det dog/NN>3:nmod",
        "+ 1 nmod:in_front_of 6, + 6 case 2, + 2 mwe 3, + 2 mwe 4, - 1 nmod:in 3",
    ),
    "three words before a clause are a marker": (
        "cat/NN>0:root in/IN>3:case addition/NN>1:nmod to/TO>5:mark eating/VBG=eat>3:acl",
        "+ 1 acl 5, + 5 mark 2, - 5 case 2, + 2 mwe 3, + 2 mwe 4",
    ),
    "a side is no expression": (
        "cat/NN>0:root to/TO>4:case the/DT>4:det left/NN>1:nmod of/IN>6:case dogs/NNS=dog>4:nmod",
        "+ 1 nmod:to 4, + 4 nmod:of 6",
    ),
    "joined phrases divide their governor": (
        "cat/NN>2:nsubj sat/VBD=sit>0:root on/IN>4:case beds/NNS>2:nmod and/CC>4:cc under/IN>7:case tables/NNS>4:conj",
        "+ 2 nmod:on 4, + 2 conj:and 2', + 2' nmod:under 7, + 2 cc 5, + 2' nsubj 1, - 4 conj:and 7",
    ),
    "a joined phrase with two case markers divides its governor twice, the second time for nothing": (
        "signs/NNS=sign>0:root on/IN>5:case outside/NN>1:nmod of/IN>5:case shops/NNS>3:nmod and/CC>3:cc by/IN>8:case "
        "streets/NNS=street>3:conj",
        "+ 1 nmod:outside_of 5, + 1 conj:and 1', + 1 conj:and 1'', + 1' nmod:by 8, - 1'' nmod:by 8",
    ),
    "joined prepositions divide their governor": (
        "birds/NNS>2:nsubj fly/VBP>0:root to/TO>6:case and/CC>3:cc from/IN>3:conj trees/NNS>2:nmod",
        "+ 2 nmod:to 6, + 2' nmod:from 6, + 2 conj:and 2', + 3 conj:and 5, + 2' nsubj 1",
    ),
    "the agent of a passive is no place": (
        "cats/NNS>3:nsubj are/VBP=be>3:auxpass held/VBN=hold>0:root by/IN>5:case men/NNS=man>3:nmod",
        "+ 3 nmod:agent 5, - 3 nmod:by 5",
    ),
    "a participle alone has no agent": (
        "cat/NN>0:root held/VBN=hold>1:acl by/IN>4:case men/NNS=man>2:nmod",
        "+ 2 nmod:by 4",
    ),
    "the last of several case markers gives the name": (
        "cat/NN>0:root from/IN>4:case Behind/IN=behind>4:case trees/NNS=tree>1:nmod",
        "+ 1 nmod:behind 4",
    ),
    "the longest of several case markers gives the name": (
        "cat/NN>0:root in/IN>3:case front/NN>1:nmod of/IN>6:case of/IN>6:case trees/NNS=tree>3:nmod",
        "+ 1 nmod:in_front_of 6",
    ),
    "joined nouns share what comes in, not what leaves": (
        "a/DT>2:det man/NN>6:nsubj or/CC>2:cc a/DT>5:det woman/NN>2:conj rides/VBZ=ride>0:root",
        "+ 2 conj:or 5, + 6 nsubj 2, + 6 nsubj 5, - 5 det 1",
    ),
    "a joined word does not hand on what it was given": (
        "cats/NNS>5:nsubj dogs/NNS>1:conj and/CC>2:cc birds/NNS>2:conj sleep/VBP>0:root and/CC>1:cc",
        "+ 5 nsubj 1, + 5 nsubj 2, - 5 nsubj 4, + 1 conj:and 4",
    ),
    "nouns joined without a conjunction share nothing": (
        "cats/NNS>3:nsubj dogs/NNS>1:conj sleep/VBP>0:root",
        "+ 1 conj 2, - 3 nsubj 2",
    ),
    "a joined verb has the subject of the first": (
        "cats/NNS>2:nsubj sleep/VBP>0:root and/CC>2:cc eat/VBP>2:conj",
        "+ 2 nsubj 1, + 4 nsubj 1",
    ),
    "as a passive if it is one": (
        "cats/NNS>2:nsubj sleep/VBP>0:root and/CC>2:cc are/VBP=be>5:auxpass held/VBN=hold>2:conj",
        "+ 5 nsubjpass 1, - 5 nsubj 1",
    ),
    "and as an active one if it is none": (
        "cats/NNS>3:nsubj are/VBP=be>3:auxpass held/VBN=hold>0:root and/CC>3:cc sleep/VBP>3:conj",
        "+ 3 nsubjpass 1, + 5 nsubj 1",
    ),
    "a joined verb keeps its own subject": (
        "cats/NNS>2:nsubj sleep/VBP>0:root and/CC>2:cc dogs/NNS>5:nsubj eat/VBP>2:conj",
        "- 5 nsubj 1, + 5 nsubj 4",
    ),
    "a conjunction of several words has a name of its own": (
        "cat/NN>0:root as/RB>1:cc well/RB>2:mwe as/IN>2:mwe dog/NN>1:conj rather/RB>1:cc than/IN>6:mwe pig/NN>1:conj",
        "+ 1 conj:and 5, + 1 conj:negcc 8",
    ),
    "of several conjunctions the one before the word gives the name": (
        "cats/NNS>0:root and/CC>1:cc dogs/NNS>1:conj or/CC>1:cc birds/NNS>1:conj",
        "+ 1 conj:and 3, + 1 conj:or 5",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", RULES)
def test_rules_of_collapsing(sentence, name):
    text, expected = RULES[name]
    graph = collapse(sentence(text))
    edges = {" ".join(edge) for edge in graph.edges()}
    for claim in expected.split(", "):
        kind, edge = claim.split(" ", 1)
        if kind == "root":
            assert [graph.name(root) for root in graph.roots] == [edge]
        else:
            assert (edge in edges) == (kind == "+"), (claim, sorted(edges))


def test_graphs_of_the_original(golden_trees):
    for sentences, row in golden_trees:
        for place, (words, expected) in enumerate(zip(sentences, row["graphs"], strict=True)):
            graph = collapse(words, place)
            assert sorted(map(list, graph.edges())) == sorted(expected["edges"]), row["tree"]
            assert [graph.name(root) for root in graph.roots] == expected["roots"]
            nodes = sorted(
                range(len(graph.words)), key=lambda node: (graph.positions[node], graph.copies[node])
            )
            attached = {end for governor, _, dependent in expected["edges"] for end in (governor, dependent)}
            listed = [[graph.name(node), *graph.words[node][:3]] for node in nodes]
            assert [node for node in listed if node[0] in attached] == [
                node for node in expected["nodes"] if node[0] in attached
            ]


def test_words_are_met_in_the_order_of_hash_tables(sentence):
    graph = Graph(sentence("x/NN>0:root " + " ".join(["y/NN>1:dep"] * 34)))
    assert graph.iterated([3, 14, 15, 19]) == [
        15,
        3,
        19,
        14,
    ]  # positions 4, 15, 16, 20 modulo 16: 4, 15, 0, 4
    assert graph.iterated([20, 31, 0]) == [31, 0, 20]
    assert graph.iterated(range(34)) == list(range(34))  # 34 nodes: 64 places
    assert Graph(graph.words, sentence=1).iterated([0, 1, 2, 3]) == [
        2,
        3,
        0,
        1,
    ]  # 29 + 3 = 32, that is 0 modulo 16


@given(data=st.data())
def test_any_tree_gives_a_consistent_graph_that_keeps_its_words(random_sentences, data):
    words = data.draw(random_sentences)
    graph = collapse(words)
    nodes = range(len(graph.words))
    assert graph.words[: len(words)] == words
    assert all(graph.words[node] == words[graph.positions[node] - 1] for node in nodes)
    assert sorted((a, r, b) for a in nodes for r, b in graph.children[a]) == sorted(
        (a, r, b) for b in nodes for r, a in graph.parents[b]
    )
    assert len({graph.name(node) for node in nodes}) == len(nodes)
    assert all(node != child for node in nodes for _, child in graph.children[node])
    assert len(graph.roots) == 1
    assert list(graph.edges()) == list(collapse(words).edges())


@given(data=st.data())
def test_a_copy_of_a_graph_is_independent(random_sentences, data):
    graph = collapse(data.draw(random_sentences))
    edges, roots = list(graph.edges()), list(graph.roots)
    other = graph.copy()
    assert (list(other.edges()), other.roots) == (edges, roots)
    for _, relation, node in [(0, *edge) for edge in other.children[graph.roots[0]]]:
        other.detach(graph.roots[0], relation, node)
    other.duplicate(graph.roots[0])
    other.roots.clear()
    assert (list(graph.edges()), graph.roots) == (edges, roots)


def test_a_word_without_head_takes_no_part(sentence):
    words = sentence("cats/NNS>0:root ,/,>1:punct sleep/VBP>1:dep")
    words[1] = words[1]._replace(head=-1, relation="")
    assert list(collapse(words).edges()) == [("1", "dep", "3")]


def test_no_words_make_an_empty_graph():
    graph = collapse([])
    assert (list(graph.edges()), graph.roots) == ([], [])
