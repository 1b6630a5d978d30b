import pytest
from hypothesis import given
from hypothesis import strategies as st

from llava_vsd.metrics.spice.graph import Graph, collapse
from llava_vsd.metrics.spice.scene import resolve_pronouns, resolve_quantities
from llava_vsd.metrics.spice.trees import Word
from llava_vsd.metrics.spice.tuples import tuples, visiting_order

# Trees as a parser gives them, and the tuples of the original program: (object), (object, attribute) or
# (subject, object, predicate).
EXAMPLES = {
    "a man rides a horse": (
        "a/DT>2:det man/NN>3:nsubj rides/VBZ=ride>0:root a/DT>5:det horse/NN>3:dobj",
        "man horse ride, horse, man",
    ),
    "a tall woman is in the cold house": (
        "a/DT>3:det tall/JJ>3:amod woman/NN>8:nsubj is/VBZ=be>8:cop in/IN>8:case the/DT>8:det cold/JJ>8:amod "
        "house/NN>0:root",
        "woman house in, house cold, woman tall, house, woman",
    ),
    "the cat is In front of the dog": (
        "the/DT>2:det cat/NN>5:nsubj is/VBZ=be>5:cop In/IN=in>5:case front/NN>0:root of/IN>8:case the/DT>8:det "
        "dog/NN>5:nmod",
        "cat dog In_front_of, dog, front, cat",
    ),
    "a cat sitting down in front of a dog": (
        "a/DT>2:det cat/NN>0:root sitting/VBG=sit>2:acl down/RP>3:compound:prt in/IN>6:case front/NN>3:nmod "
        "of/IN>9:case a/DT>9:det dog/NN>6:nmod",
        "cat dog sit_down_in_front_of, cat, dog, front",
    ),
    "the cat is located next to the dog": (
        "the/DT>2:det cat/NN>4:nsubjpass is/VBZ=be>4:auxpass located/VBN=locate>0:root next/JJ>8:case to/TO>8:case "
        "the/DT>8:det dog/NN>4:nmod",
        "dog, cat",
    ),
    "the table is surrounded by four chairs": (
        "the/DT>2:det table/NN>4:nsubjpass is/VBZ=be>4:auxpass surrounded/VBN=surround>0:root by/IN>7:case "
        "four/CD>7:nummod chairs/NNS=chair>4:nmod",
        "chair table surround, chair four, chair, table",
    ),
    "he is tall": ("he/PRP>3:nsubj is/VBZ=be>3:cop tall/JJ>0:root", "he tall"),
    "the cat is tall": (
        "the/DT>2:det cat/NN>4:nsubj is/VBZ=be>4:cop tall/JJ>0:root",
        "cat tall, cat tall, cat",
    ),
    "the man that is": ("the/DT>2:det man/NN>3:nsubj is/VBZ=be>0:root", "man"),
    "a woman smiles": ("a/DT>2:det woman/NN>3:nsubj smiles/VBZ=smile>0:root", "woman smile, woman"),
    "a kitchen table with wine glasses": (
        "a/DT>3:det kitchen/NN>3:compound table/NN>0:root with/IN>6:case wine/NN>6:compound glasses/NNS=glass>3:nmod",
        "table glass with, table kitchen, glass wine",
    ),
    "the cat is on the dog's left": (
        "the/DT>2:det cat/NN>8:nsubj is/VBZ=be>8:cop on/IN>8:case the/DT>6:det dog/NN>8:nmod:poss 's/POS>6:case "
        "left/NN>0:root",
        "cat left on, dog left have, left, dog, cat",
    ),
    "a woman walks her dog": (
        "a/DT>2:det woman/NN>3:nsubj walks/VBZ=walk>0:root her/PRP$=she>5:nmod:poss dog/NN>3:dobj",
        "woman dog walk, woman dog have, dog, woman",
    ),
    "a dog with a ball in front of it": (
        "a/DT>2:det dog/NN>0:root with/IN>5:case a/DT>5:det ball/NN>2:nmod in/IN>7:case front/NN>5:nmod of/IN>9:case "
        "it/PRP>7:nmod",
        "dog ball with, ball dog in_front_of, dog, ball, front",
    ),
    "a cat with them": ("a/DT>2:det cat/NN>0:root with/IN>4:case them/PRP=they>2:nmod", "cat cat with, cat"),
    "cats with it": ("cats/NNS=cat>0:root with/IN>3:case it/PRP>1:nmod", "cat it with, cat"),
    "a lot of horses": ("a/DT>2:det lot/NN>0:root of/IN>4:case horses/NNS=horse>2:nmod", "horse a, horse, lot"),
    "two of the dogs": ("two/CD>0:root of/IN>4:case the/DT>4:det dogs/NNS=dog>1:nmod", "dog two, dog"),
    "two of dogs": ("two/CD>0:root of/IN>3:case dogs/NNS=dog>1:nmod", "dog"),
    "Lots of dogs": ("Lots/NNS=lot>0:root of/IN>3:case dogs/NNS=dog>1:nmod", "dog lot, dog, lot"),
    "a group of people": (
        "a/DT>2:det group/NN>0:root of/IN>4:case people/NNS>2:nmod",
        "group people of, group, people",
    ),
    "the couple of dogs": (
        "the/DT>2:det couple/NN>0:root of/IN>4:case dogs/NNS=dog>2:nmod",
        "couple dog of, couple, dog",
    ),
    "several signs on display outside of shops and by the street": (
        "several/JJ>2:amod signs/NNS=sign>0:root on/IN>5:case display/NN>5:compound outside/NN>2:nmod of/IN>7:case "
        "shops/NNS=shop>5:nmod and/CC>5:cc by/IN>11:case the/DT>11:det street/NN>5:conj",
        "sign several, sign shop outside_of, sign street by, shop display, sign, outside, sign, sign, street",
    ),
    "the cats are up on beds": (
        "the/DT>2:det cats/NNS=cat>3:nsubj are/VBP=be>0:root up/RP>3:compound:prt on/IN>6:case beds/NNS=bed>3:nmod",
        "cat bed _up_on, bed, cat",
    ),
    "dogs are held and are chased by two cats": (
        "dogs/NNS=dog>3:nsubjpass are/VBP=be>3:auxpass held/VBN=hold>0:root and/CC>3:cc are/VBP=be>6:auxpass "
        "chased/JJ>3:conj by/IN>9:case two/CD>9:nummod cats/NNS=cat>6:nmod",
        "dog cat chased, dog chased, cat, dog",
    ),
    "one dog": ("one/CD>2:nummod dog/NN>0:root", "dog"),
    "two black dogs": ("two/CD>3:nummod black/JJ>3:amod dogs/NNS=dog>0:root", "dog black, dog two, dog"),
    "dogs 2": ("dogs/NNS=dog>0:root 2/CD>1:nummod", "dog"),
    "two dogs chase three cats": (
        "two/CD>2:nummod dogs/NNS=dog>3:nsubj chase/VBP>0:root three/CD>5:nummod cats/NNS=cat>3:dobj",
        "dog cat chase, dog two, cat three, cat, dog",
    ),
    "a man who rides a horse": (
        "a/DT>2:det man/NN>0:root who/WP>4:nsubj rides/VBZ=ride>2:acl:relcl a/DT>6:det horse/NN>4:dobj",
        "man, horse",
    ),
    "Tom at Dogs": ("Tom/NNP=Tom>0:root at/IN>3:case Dogs/NNPS=Dogs>1:nmod", "tom dogs at, tom, dogs"),
    "a man rides a horse this morning": (
        "a/DT>2:det man/NN>3:nsubj rides/VBZ=ride>0:root a/DT>5:det horse/NN>3:dobj "
        "this/DT>7:det morning/NN>3:nmod:tmod",
        "man horse ride, man morning ride_tmod, morning, horse, man",
    ),
}  # fmt: skip


def read_tuples(text: str) -> list[tuple[str, ...]]:
    """`man horse ride_down, horse`: blanks between the names, `_` within one."""
    return [tuple(name.replace("_", " ") for name in entry.split(" ")) for entry in text.split(", ")]


@pytest.mark.parametrize("name", EXAMPLES)
def test_worked_examples(sentence, name):
    text, expected = EXAMPLES[name]
    assert tuples([collapse(sentence(text))]) == read_tuples(expected)


def test_tuples_of_the_original_in_its_order(golden_trees):
    for sentences, row in golden_trees:
        found = tuples([collapse(words, place) for place, words in enumerate(sentences)])
        assert list(map(list, found)) == row["tuples"], row["tree"]


@pytest.mark.parametrize("name", ["val", "coco_a", "raw_val", "raw_coco_a"])
def test_tuples_of_captions_of_the_original_in_its_order(reference, name):
    rows = reference.jsonl(f"oracle/spice/parses_{name}.jsonl.gz")[::8]
    assert len(rows) > 1000
    for row in rows:
        graphs = [collapse([Word(*word) for word in words], place) for place, words in enumerate(row["s"])]
        assert list(map(list, tuples(graphs))) == row["t"], row["c"]


def test_sentences_of_a_caption_follow_each_other(sentence):
    texts = [EXAMPLES["he is tall"][0], EXAMPLES["two black dogs"][0]]
    graphs = [collapse(sentence(text), place) for place, text in enumerate(texts)]
    assert (
        tuples(graphs)
        == tuples(graphs[:1]) + tuples(graphs[1:])
        == read_tuples("he tall, dog black, dog two, dog")
    )
    assert tuples([]) == []


def test_a_quantity_phrase_hangs_from_its_noun(sentence):
    graph = Graph(
        sentence(
            "a/DT>3:det whole/JJ>3:amod bunch/NN>7:nsubj of/IN>6:case the/DT>6:det dogs/NNS>3:nmod run/VBP>0:root"
        )
    )
    resolve_quantities(graph)
    assert set(graph.edges()) == {
        ("7", "nsubj", "6"), ("6", "det", "5"), ("6", "det:qmod", "1"),
        ("1", "mwe", "2"), ("1", "mwe", "3"), ("1", "mwe", "4"),
    }  # fmt: skip


def test_only_the_first_governor_of_a_quantity_gives_way(sentence):
    words = sentence(
        "cats/NNS>6:nsubj two/CD>1:conj of/IN>5:case the/DT>5:det dogs/NNS>2:nmod run/VBP>0:root"
    )
    graph = Graph(words)
    graph.attach(5, "nsubj", 1)
    resolve_quantities(graph)
    assert {("1", "conj", "5"), ("5", "det:qmod", "2"), ("2", "mwe", "3")} <= set(graph.edges())
    assert ("6", "nsubj", "5") not in set(graph.edges())


@pytest.mark.parametrize(
    ("text", "resolved"),
    [
        ("it/PRP>2:nsubj sits/VBZ>0:root", False),  # the first token never is
        ("dogs/NNS>2:nsubj see/VBP>0:root it/PRP>2:dobj", False),  # a plural noun is not `it`
        ("dogs/NNS>2:nsubj see/VBP>0:root them/PRP>2:dobj", True),
        (
            "dog/NN>2:nsubj sees/VBZ>0:root It/PRP>2:dobj",
            True,
        ),  # capitals make it no singular, which takes any noun
        ("dogs/NNS>2:nsubj see/VBP>0:root It/PRP>2:dobj", True),
        ("he/PRP>2:nsubj sees/VBZ>0:root it/PRP>2:dobj dog/NN>2:dep", False),  # the noun comes later
        ("there/EX>2:expl is/VBZ>0:root it/PRP>2:dobj", False),
    ],
)
def test_which_pronouns_are_resolved(sentence, text, resolved):
    graph = Graph(sentence(text))
    before = set(graph.edges())
    resolve_pronouns(graph)
    assert (set(graph.edges()) != before) == resolved


@given(data=st.data())
def test_any_tree_gives_tuples_of_its_own_lemmas_and_its_graphs_stay(random_sentences, data):
    words = data.draw(random_sentences)
    graph = collapse(words)
    edges = list(graph.edges())
    found = tuples([graph])
    assert list(graph.edges()) == edges
    assert tuples([graph]) == found
    lemmas = {word.lemma for word in words}
    for entry in found:
        assert len(entry) in (1, 2, 3)
        assert set(entry[:2]) <= lemmas
    nouns = {word.lemma for word in words if word.tag.startswith("NN")}
    assert {name for entry in found if len(entry) == 1 for name in entry} <= nouns


@given(data=st.data())
def test_governors_are_visited_before_their_dependents(random_sentences, data):
    graph = collapse(data.draw(random_sentences))
    order = visiting_order(graph)
    attached = {
        node
        for node, edges in enumerate(graph.children)
        if edges or graph.parents[node] or node in graph.roots
    }
    assert set(order) == attached
    assert len(order) == len(attached)
    place = {node: rank for rank, node in enumerate(order)}
    backward = [(a, b) for a in attached for _, b in graph.children[a] if place[b] <= place[a]]
    assert not backward or order == sorted(order, key=lambda node: (graph.positions[node], node))


def test_a_chain_of_a_thousand_words_needs_no_recursion(sentence):
    words = sentence("dog/NN>0:root") + [Word("dog", "NN", "dog", head, "dep") for head in range(1, 1000)]
    assert tuples([collapse(words)]) == [("dog",)] * 1000
