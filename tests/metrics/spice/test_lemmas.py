import pytest

from llava_vsd.metrics.spice.lemmas import lemma


@pytest.mark.parametrize(
    ("word", "tag", "base"),
    [
        ("dogs", "NNS", "dog"), ("children", "NNS", "child"), ("men", "NNS", "man"), ("people", "NNS", "people"),
        ("glasses", "NNS", "glass"), ("pants", "NNS", "pants"), ("scissors", "NNS", "scissors"), ("skis", "NNS", "ski"),
        ("leaves", "NNS", "leaf"), ("TVs", "NNS", "tv"), ("running", "NN", "running"), ("running", "VBG", "run"),
        ("sat", "VBD", "sit"), ("lying", "VBG", "lie"), ("lay", "VBD", "lay"), ("worn", "VBN", "wear"),
        ("left", "VBD", "leave"), ("left", "VBN", "leave"), ("left", "NN", "left"), ("left", "JJ", "left"),
        ("located", "VBN", "locate"), ("travelling", "VBG", "travel"), ("is", "VBZ", "be"), ("are", "VBP", "be"),
        ("'s", "VBZ", "be"), ("has", "VBZ", "have"), ("n't", "RB", "not"), ("ca", "MD", "can"), ("an", "DT", "a"),
        ("her", "PRP$", "she"), ("his", "PRP$", "he"), ("him", "PRP", "he"), ("them", "PRP", "they"),
        ("TWO", "CD", "two"), ("2", "CD", "2"), ("Dogs", "NNPS", "Dogs"), ("Bigger", "JJR", "bigger"),
        ("parked", "JJ", "parked"),
    ],
)  # fmt: skip
def test_the_examples_of_the_specification(word, tag, base):
    assert lemma(word, tag) == base


@pytest.mark.parametrize("word", ["zibbed", "zibbing", "zibs", "ZIBS", "", "-", "犬", "a" * 5_000])
@pytest.mark.parametrize("tag", ["NN", "NNS", "VBD", "VBG", "VBZ", "NNP", "XX"])
def test_any_word_has_a_lemma(word, tag):
    assert lemma(word, tag) == word if tag == "NNP" else isinstance(lemma(word, tag), str)


@pytest.mark.parametrize("name", ["parses_val", "parses_coco_a", "parses_raw_val", "parses_raw_coco_a"])
def test_the_lemmas_are_those_of_the_original(reference, name):
    triples = {
        tuple(word[:3])
        for row in reference.jsonl(f"oracle/spice/{name}.jsonl.gz")
        for s in row["s"]
        for word in s
    }
    assert len(triples) > 3_000
    assert [
        (word, tag, base, lemma(word, tag)) for word, tag, base in triples if lemma(word, tag) != base
    ] == []
