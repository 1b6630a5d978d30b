import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from llava_vsd.metrics.spice.grammar import BOUNDARY, Grammar
from llava_vsd.metrics.spice.pcfg import Parser
from llava_vsd.metrics.spice.trees import Tree

RECIPE = Path(__file__).resolve().parents[2] / "recipes" / "captions_grammar"
CAT = "(ROOT (S (NP (DT a) (NN cat)) (VP (VBZ is) (PP (IN under) (NP (DT a) (JJ red) (NN table))))))"

# Two readings of one form, told apart by the verb alone: rules and taggings of both are equally frequent.
SIT = "(ROOT (NP (NP (NN {0})) (VP (VBG sitting) (PP (IN on) (NP (NN {1}))))))"
STAND = "(ROOT (NP (NP (NN {0}) (NN standing)) (PP (IN on) (NP (NN {1})))))"
NOUNS = "cat dog man box bed sofa"

LEARN = """
import importlib.util, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
spec = importlib.util.spec_from_file_location("recipe", Path(sys.argv[1]) / "__main__.py")
recipe = importlib.util.module_from_spec(spec)
spec.loader.exec_module(recipe)
trees = Path(sys.argv[2]).read_text().splitlines()
recipe.learn(trees, rounds=3, processes=int(sys.argv[4])).save(Path(sys.argv[3]))
"""


@pytest.fixture
def recipe(monkeypatch):
    monkeypatch.syspath_prepend(str(RECIPE))
    import annotate
    import estimate

    return SimpleNamespace(derivation=annotate.derivation, estimate=estimate.estimate)


def learned(trees: list[str], folder: Path, *, processes: int = 1, hash_seed: str = "0") -> bytes:
    """The file that the recipe makes of these trees."""
    (folder / "trees.txt").write_text("\n".join(trees))
    environment = {
        **os.environ,
        "PYTHONHASHSEED": hash_seed,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    subprocess.run(
        [sys.executable, "-c", LEARN, RECIPE, folder / "trees.txt", folder / "made.npz", str(processes)],
        env=environment,
        check=True,
    )
    return (folder / "made.npz").read_bytes()


def test_states_say_what_is_above_and_what_a_phrase_holds(recipe):
    found = recipe.derivation(Tree.read(CAT))
    assert found.taggings == [
        ("a", "DT^NP"),
        ("cat", "NN^NP"),
        ("is", "VBZ^VP=is"),
        ("under", "IN^PP^VP"),
        ("a", "DT^NP"),
        ("red", "JJ^NP"),
        ("table", "NN^NP"),
    ]
    assert found.unary == []
    assert sorted(found.binary) == sorted(
        [
            ("ROOT", "S^ROOT~F", BOUNDARY),
            ("S^ROOT~F", "NP^S~B", "VP^S~F"),
            ("NP^S~B", "DT^NP", "NN^NP"),
            ("VP^S~F", "VBZ^VP=is", "PP^VP"),
            ("PP^VP", "IN^PP^VP", "NP^PP~B"),
            ("NP^PP~B", "DT^NP", "@NP^PP~B|DT^NP$"),
            ("@NP^PP~B|DT^NP$", "JJ^NP", "NN^NP"),
        ]
    )


@pytest.mark.parametrize(
    "tree",
    [
        CAT,
        SIT.format("cat", "box"),
        "(ROOT (FRAG (NP (NP (DT a) (NN man) (POS 's)) (NNS hats)) (: -) (NP-TMP (NN today)) (. .)))",
        "(ROOT (SINV (PP (IN on) (NP (-LRB- -LRB-) ($ $) (CD 2) (-RRB- -RRB-))) (VP (VBZ is)) (NP (NP (PRP it)))))",
        "(ROOT (NP (NN dog)))",
    ],
)
def test_a_grammar_counted_from_one_tree_gives_it_back(recipe, tree):
    model = recipe.estimate([recipe.derivation(Tree.read(tree))] * 2)
    parser = Parser(model.grammar(model.scores))
    assert str(parser.parse([leaf.word for leaf in Tree.read(tree).leaves()])) == tree


def test_what_words_decide_is_learnt_from_trees_that_counting_cannot_tell_apart(tmp_path):
    nouns = NOUNS.split()
    trees = [form.format(a, b) for form in (SIT, STAND) for a in nouns for b in nouns if a != b]
    learned(trees, tmp_path)
    parser = Parser(Grammar.load(tmp_path / "made.npz"))
    for tree in trees:
        golden = Tree.read(tree)
        assert parser.parse([leaf.word for leaf in golden.leaves()]) == golden


def test_the_same_trees_make_the_same_file_whatever_the_processes_and_the_hash_seed(reference, tmp_path):
    trees = [
        tree for row in reference.jsonl("oracle/spice/parses_val.jsonl.gz")[::60] for tree in row["tree"]
    ]
    files = []
    for processes, hash_seed in ((1, "1"), (3, "2")):
        folder = tmp_path / hash_seed
        folder.mkdir()
        files.append(learned(trees, folder, processes=processes, hash_seed=hash_seed))
    assert files[0] == files[1]


def test_a_word_seen_once_teaches_what_unknown_words_are_like(recipe):
    trees = [CAT, CAT, CAT.replace("cat", "walrus")]
    model = recipe.estimate(recipe.derivation(Tree.read(tree)) for tree in trees)
    assert ("cat", "NN^NP") in model.words
    assert "walrus" not in model.known
    assert ("UNK-LCs", "NN^NP") in model.classes
    # a tag's words: table 3, cat 2 and walrus 1 of 6; a grammar made of relative frequencies says so
    scores = dict(zip(model.tagging_places, model.scores[model.borders[1] :], strict=True))
    assert np.exp(scores[True, "table", "NN^NP"]) < 3 / 6 + 1e-9
    assert model.scores[model.places["S^ROOT~F", "NP^S~B", "VP^S~F"]] == 0
    assert model.scores[model.places["NP^PP~B", "DT^NP", "@NP^PP~B|DT^NP$"]] == 0
