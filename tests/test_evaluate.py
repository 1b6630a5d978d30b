"""Figures against hand calculations, the golden files, and the metrics called one by one."""

import json
import random

import numpy as np
import pytest
from sklearn import metrics

from llava_vsd.data.vsd import read_items
from llava_vsd.errors import MismatchError, UsageError, VsdError
from llava_vsd.evaluate import evaluate
from llava_vsd.metrics import bleu, ptb
from llava_vsd.metrics.challenge import overall, z2, z3
from llava_vsd.relations import RELATIONS
from llava_vsd.schema import Item, Prediction

BOX = (0, 9, 0, 9)


def item(name, *triples, v1=(), v2=()):
    return Item(
        id=name,
        image=f"image {name}",
        triples=[
            {"subject": s, "object": o, "relation": r, "subject_box": BOX, "object_box": BOX}
            for s, r, o in triples
        ],
        descriptions_v1=list(v1),
        descriptions_v2=list(v2),
    )


def answer(of, *relations, one="", three=("", "", ""), scores=({},) * 9):
    return Prediction(
        id=of.id,
        image=of.image,
        model="m",
        relations=[
            {"subject": triple.subject, "object": triple.object, "relation": relation, "scores": given}
            for triple, relation, given in zip(of.triples, relations, scores, strict=False)
        ],
        description=one,
        descriptions=list(three),
    )


def holding(of, *triples):
    """The item with a list of what holds."""
    return of.model_copy(update={"holds": item("-", *triples).triples})


CAT = item(
    "a",
    ("cat", "on", "mat"),
    v1=["A cat is sitting on the mat.", "there is a cat on a mat"],
    v2=["A cat rests."],
)
DOG = item(
    "b",
    ("dog", "under", "table"),
    ("cup", "in front of", "dog"),
    v1=["The dog lies under the table."],
    v2=["Under the table lies a dog."],
)
PHOTO = item("c", ("cup", "on", "desk"), v1=["a cup on a desk"])
ITEMS = [CAT, DOG]
PERFECT = [
    answer(
        CAT,
        "on",
        one="a cat is sitting on the mat",
        three=("a cat is sitting on the mat", "the mat has one furry animal", "look: cats everywhere"),
    ),
    answer(
        DOG,
        "under",
        "in front of",
        one="The dog lies under the table",
        three=(
            "The dog lies under the table",
            "a table stands over some pet",
            "beneath it sleeps something small",
        ),
    ),
]


@pytest.fixture(scope="module")
def sample(request):
    """30 real items, and answers in which relations, sentences and scores are right, half right and wrong."""
    folder = request.config.rootpath / "examples" / "vsd"
    items = read_items(folder / "vsdv1_score.json", folder / "vsdv2_score.json", split="val")
    return items, [answers_of(items, seed) for seed in (1, 2)]


def answers_of(items, seed):
    draw = random.Random(seed)
    found = []
    for one in items:
        relations, scores = [], []
        for triple in one.triples:
            weights = {name: draw.random() + (name == triple.relation) for name in RELATIONS}
            scores.append({name: weight / sum(weights.values()) for name, weight in weights.items()})
            relations.append(max(scores[-1], key=scores[-1].get))
        pair = one.pair
        texts = [
            f"the {pair.subject} is {relations[0]} the {pair.object}.",
            *one.descriptions_v1,
            *one.descriptions_v2,
        ]
        three = [draw.choice(texts) for _ in range(3)]
        found.append(answer(one, *relations, one=draw.choice(texts), three=three, scores=scores))
    return found


class WordOverlap:
    """Stands for SPICE: the share of the candidate's words that a reference has."""

    name = "SPICE (test)"
    version = "0"
    calls = 0

    def __call__(self, pairs):
        self.calls += 1
        return [self.one(candidate, references) for candidate, references in pairs]

    @staticmethod
    def one(candidate, references):
        words = set(candidate.split())
        return len(words & set(" ".join(references).split())) / len(words) if words else 0.0


def flat(tree, prefix=""):
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{name}.")
        elif isinstance(value, float):
            yield f"{prefix}{name}", value


def figures_of(scores):
    """All figures of a result by their path, tables left out."""
    parts = {
        name: scores[name]
        for name in ("task1", "task2", "task3", "z1", "z2", "z3", "overall")
        if name in scores
    }
    return {name: value for name, value in flat(parts) if ".by_relation." not in name}


def test_perfect_answers_score_as_the_definitions_say():
    scores = evaluate(ITEMS, PERFECT, resamples=0)
    assert (scores["items"], scores["triples"], scores["missing"], scores["references"]) == (2, 3, 0, "v1")
    assert scores["task1"]["accuracy"] == 100
    assert scores["z1"] == {"micro": 100, "macro": 100, "weighted": 100}
    assert scores["task2"]["bleu4_best"] == pytest.approx(100)
    assert scores["task2"]["bleu4_corpus"] == pytest.approx(100)
    assert scores["task2"]["rouge_l"] == pytest.approx(100)
    assert scores["task2"]["relation_accuracy"] == 100
    assert scores["task3"]["mbleu4"] == pytest.approx(0, abs=0.1)
    assert scores["task3"]["well_formed"] == 100


def test_without_spice_what_needs_it_is_absent_and_a_note_says_so():
    scores = evaluate(ITEMS, PERFECT, resamples=0)
    assert not [
        name for name in ("z2", "z3", "overall", "spice", "intervals", "comparison") if name in scores
    ]
    assert not [name for task in ("task2", "task3") for name in scores[task] if "spice" in name]
    assert "SPICE was not computed: it, z2, z3 and overall are absent" in scores["notes"]


def test_without_scores_calibration_is_absent_and_a_note_says_so():
    scores = evaluate(ITEMS, PERFECT, resamples=0)
    assert not {"calibration_error", "brier", "log_loss", "calibration"} & set(scores["task1"])
    assert any(note.startswith("no relation came with scores") for note in scores["notes"])


def test_relations_count_by_triples_as_scikit_learn_counts_them(sample):
    items, (predictions, _) = sample
    gold = [triple.relation for one in items for triple in one.triples]
    said = [one.relation for prediction in predictions for one in prediction.relations]
    task1 = evaluate(items, predictions, resamples=0)["task1"]
    assert task1["accuracy"] == pytest.approx(100 * metrics.accuracy_score(gold, said))
    for average in ("micro", "macro", "weighted"):
        expected = 100 * metrics.f1_score(gold, said, average=average, zero_division=0)
        assert task1[f"f1_{average}"] == pytest.approx(expected)
    expected = metrics.precision_recall_fscore_support(gold, said, labels=list(RELATIONS), zero_division=0)
    for place, name in enumerate(RELATIONS):
        row = task1["by_relation"][name]
        assert [row["precision"], row["recall"], row["f1"]] == pytest.approx(
            [100 * part[place] for part in expected[:3]]
        )
        assert row["support"] == expected[3][place]
    counts = np.array(task1["confusion"]["counts"])
    assert (counts[:, :9] == metrics.confusion_matrix(gold, said, labels=task1["confusion"]["gold"])).all()
    assert task1["confusion"]["predicted"] == [*RELATIONS, "none"]


def test_calibration_by_hand():
    """Confidences 0.9 right, 0.5 wrong, and one without scores that is not counted: (|0.9-1| + |0.5-0|) / 2 = 0.3;
    Brier: ((0.1^2 + 0.1^2) + (0.5^2 + 0.5^2)) / 2 halves = (0.01 + 0.25) / 2; log loss: -(ln 0.9 + ln 0.5) / 2."""
    scored = [
        answer(CAT, "on", scores=[{"on": 0.9, "in": 0.1}]),
        answer(DOG, "in", "in front of", scores=[{"in": 0.5, "under": 0.5}, {}]),
    ]
    scores = evaluate(ITEMS, scored, resamples=0)
    assert scores["task1"]["calibration_error"] == pytest.approx(30)
    assert scores["task1"]["brier"] == pytest.approx(13)
    assert scores["task1"]["log_loss"] == pytest.approx(-(np.log(0.9) + np.log(0.5)) / 2)
    assert scores["task1"]["calibration"] == {"bins": 15, "triples": 2}
    assert "2 of 3 relations came with scores: calibration is over these" in scores["notes"]


def test_scores_that_are_no_probabilities_name_id_and_field():
    bad = [PERFECT[0], answer(DOG, "under", "in", scores=[{}, {"in": 7.5}])]
    with pytest.raises(
        VsdError, match=r"prediction b: relations\[1\].scores.in: 7.5, expected a probability"
    ):
        evaluate(ITEMS, bad)


def test_bleu_is_the_best_single_reference_or_the_corpus(sample):
    items, (predictions, _) = sample
    candidates = ptb.tokenize([one.description for one in predictions])
    references = [ptb.tokenize(one.descriptions_v1) for one in items]
    task2 = evaluate(items, predictions, resamples=0)["task2"]
    assert task2["bleu4_corpus"] == pytest.approx(100 * bleu.corpus_bleu(candidates, references)[3], rel=1e-9)
    best = [
        max(bleu.sentence_bleu(candidate, [one])[3] for one in theirs)
        for candidate, theirs in zip(candidates, references, strict=True)
    ]
    assert task2["bleu4_best"] == pytest.approx(100 * np.mean(best), rel=1e-9)
    assert task2["bleu4_best"] != pytest.approx(task2["bleu4_corpus"], abs=1)


def test_task_2_of_coco_captions_is_the_golden_files(reference):
    pairs = reference.json("oracle/pairs_coco_a.json.gz")
    golden = reference.json("oracle/cocoeval_coco_a.json.gz")["corpus"]
    items = [item(str(pair["image_id"]), ("a", "on", "b"), v1=pair["refs"]) for pair in pairs]
    predictions = [answer(one, "on", one=pair["test"]) for one, pair in zip(items, pairs, strict=True)]
    task2 = evaluate(items, predictions, resamples=0)["task2"]
    assert task2["bleu4_corpus"] == pytest.approx(100 * golden["Bleu_4"], rel=1e-9)
    assert task2["rouge_l"] == pytest.approx(100 * golden["ROUGE_L"], rel=1e-6)
    assert task2["cider"] == pytest.approx(100 * golden["CIDEr"], rel=1e-6)


def test_no_score_depends_on_the_neighbours():
    """The tokenizer takes the full stop of `Wii U.` for one where `The` follows, else for the initial's."""
    wii = item("wii", ("group", "next to", "wii u"), v1=["people next to the Wii U"])
    said = answer(wii, "next to", one="people next to the Wii U.")
    low = item("low", ("cat", "on", "mat"), v1=["a cat is on the mat"])
    for first, second in ((wii, CAT), (wii, low), (low, wii)):
        predictions = [said if one is wii else answer(one, "on") for one in (first, second)]
        scores = evaluate([first, second], predictions, resamples=0)
        assert scores["task2"]["bleu4_best"] == pytest.approx(50, abs=0.01)


def test_mbleu_is_the_mean_of_each_sentence_against_the_other_two():
    """'a b c d' twice and 'e f g h': 1, 1 and next to nothing; the pairs 1 and nothing."""
    three = ("a b c d", "a b c d", "e f g h")
    task3 = evaluate([CAT], [answer(CAT, "on", three=three)], resamples=0)["task3"]
    assert task3["mbleu4"] == pytest.approx(200 / 3, abs=0.01)
    assert task3["bleu4_pairs"] == pytest.approx({"1-2": 100, "1-3": 0, "2-3": 0}, abs=0.01)


@pytest.mark.parametrize(
    ("three", "well_formed", "diverse"),
    [
        (("a cat.", "the mat", "one dog"), 100, True),
        (("a cat.", "A cat", "one dog"), 0, True),
        (("a cat.", "the mat", " ."), 0, False),
        (("a cat.", "the mat"), 0, False),
        ((), 0, False),
        (("a cat.", "the mat", "one dog", "more"), 0, True),
    ],
)
def test_three_sentences_are_three_that_differ_and_less_is_not_diverse(three, well_formed, diverse):
    scores = evaluate([CAT], [answer(CAT, "on", three=three)], resamples=0)
    task3 = scores["task3"]
    assert task3["well_formed"] == well_formed
    assert (task3["mbleu4"] < 100) is diverse
    assert ("1 items lack three different sentences" in scores["notes"]) is not bool(well_formed)


def test_the_relation_may_be_stated_either_way_round_and_counts_by_sentence():
    predictions = [
        answer(CAT, "on", one="a mat", three=("a cat is on a mat", "a cat", "the cat is under the mat")),
        answer(DOG, "on", "on", one="the table is above the dog", three=("nothing", "to", "see")),
    ]
    scores = evaluate(ITEMS, predictions, resamples=0)
    assert scores["task2"]["relation_accuracy"] == 50
    assert scores["task3"]["relation_accuracy"] == pytest.approx(100 / 6)
    one_of_three = answer(CAT, "on", three=("a cat is on a mat",))
    assert evaluate([CAT], [one_of_three], resamples=0)["task3"]["relation_accuracy"] == pytest.approx(
        100 / 3
    )


def test_any_relation_that_holds_is_right_to_the_lenient_accuracy():
    """Asked: on, under, in front of, and on of an item that does not say what holds. Said: in (does not hold), next to
    (holds), behind (holds of the dog and the cup, not of the cup and the dog), in."""
    lists = [
        holding(CAT, ("cat", "on", "mat"), ("cat", "in", "mats")),
        holding(DOG, ("dog", "under", "table"), ("dog", "next to", "table"), ("dog", "behind", "cup")),
    ]
    said = [answer(CAT, "in"), answer(DOG, "next to", "behind")]
    scores = evaluate(lists, said, resamples=0)
    assert scores["task1"]["accuracy"] == 0
    assert scores["task1"]["accuracy_lenient"] == pytest.approx(100 / 3)
    with_another = evaluate([*lists, PHOTO], [*said, answer(PHOTO, "in")], resamples=10)
    assert with_another["task1"]["accuracy_lenient"] == pytest.approx(100 / 3)
    assert "task1.accuracy_lenient" in with_another["intervals"]["figures"]
    assert "2 of 3 items list what holds: the lenient figures are over these" in with_another["notes"]
    missing = evaluate(lists, said[1:], allow_missing=True, resamples=0)
    assert missing["task1"]["accuracy_lenient"] == pytest.approx(100 / 3)


def test_what_is_asked_holds_even_where_the_list_lacks_it():
    scores = evaluate([holding(CAT, ("mat", "under", "cat"))], [answer(CAT, "on")], resamples=0)
    assert scores["task1"]["accuracy_lenient"] == 100


def test_without_a_list_of_what_holds_there_is_no_lenient_accuracy():
    scores = evaluate(ITEMS, PERFECT, resamples=0)
    assert "accuracy_lenient" not in scores["task1"]
    assert not [note for note in scores["notes"] if "list what holds" in note]


def test_a_sentence_is_consistent_that_states_what_task_1_answered_right_or_wrong():
    """Said of the cat: under, and a sentence that says so; of the dog: in front of, and a sentence that says under."""
    predictions = [
        answer(CAT, "under", one="the mat is above the cat"),
        answer(DOG, "in front of", "under", one="the dog is under the table"),
    ]
    task2 = evaluate(ITEMS, predictions, resamples=0)["task2"]
    assert (task2["consistency"], task2["relation_accuracy"]) == (50, 50)
    second = DOG.model_copy(update={"asked": 1})
    predictions[1] = answer(DOG, "on", "behind", one="the dog is in front of the cup")
    assert evaluate([CAT, second], predictions, resamples=0)["task2"]["consistency"] == 100


def test_where_task_1_named_no_relation_no_sentence_can_agree_with_it():
    predictions = [answer(CAT, None, one="a cat on a mat"), answer(DOG, "on", "on", one="a dog on a table")]
    assert evaluate(ITEMS, predictions, resamples=0)["task2"]["consistency"] == 100
    assert "consistency" not in evaluate([CAT], predictions[:1], resamples=0)["task2"]
    assert evaluate(ITEMS, predictions[1:], allow_missing=True, resamples=9)["task2"]["consistency"] == 100


@pytest.mark.parametrize("kind", ["v1", "v2", "both"])
def test_references_are_those_of_the_kind_asked_for(kind):
    """The dog gets its v1 description, the cat its v2 description."""
    predictions = [
        answer(CAT, "on", one="a cat rests"),
        answer(DOG, "under", "on", one="the dog lies under the table"),
    ]
    three_words = evaluate([CAT], predictions[:1], references=kind, resamples=0)["task2"]
    dog = evaluate([DOG], predictions[1:], references=kind, resamples=0)["task2"]
    assert (dog["bleu4_best"] > 99) is (kind != "v2")
    assert (three_words["rouge_l"] > 99) is (kind != "v1")
    assert evaluate(ITEMS, predictions, references=kind, resamples=0)["references"] == kind


def test_a_description_of_both_versions_is_one_reference():
    """CIDEr is a mean over references: one that counted twice would move it."""
    twice = CAT.model_copy(update={"descriptions_v2": [CAT.descriptions_v1[0], *CAT.descriptions_v2]})
    both = [
        evaluate([one, DOG], PERFECT, references="both", resamples=0)["task2"]["cider"]
        for one in (CAT, twice)
    ]
    assert both[0] == both[1] > 0


def test_items_without_references_are_left_out_of_what_needs_them_and_counted():
    bare = item("c", ("cup", "on", "desk"), v2=["a cup on a desk"])
    predictions = [*PERFECT, answer(bare, "on", one="a cup is on a desk", three=("a", "b", "c"))]
    with_it, without = (
        evaluate([*ITEMS, bare], predictions, resamples=40),
        evaluate(ITEMS, PERFECT, resamples=0),
    )
    assert with_it["without_references"] == 1
    assert any(note.startswith("1 items have no v1 reference") for note in with_it["notes"])
    for name in ("bleu4_best", "bleu4_corpus", "rouge_l", "cider"):
        assert with_it["task2"][name] == pytest.approx(without["task2"][name])
    assert with_it["task2"]["relation_accuracy"] == 100
    with pytest.raises(UsageError, match="references v1: none of the 1 items has a description of that kind"):
        evaluate([bare], predictions[2:])


def test_missing_predictions_are_errors_or_empty_answers_that_are_counted():
    with pytest.raises(MismatchError, match="no prediction for a"):
        evaluate(ITEMS, PERFECT[1:])
    scores = evaluate(ITEMS, PERFECT[1:], allow_missing=True, resamples=0)
    assert scores["missing"] == 1
    assert scores["task1"]["accuracy"] == pytest.approx(200 / 3)
    assert scores["task1"]["f1_micro"] == pytest.approx(80)  # precision 1, recall 2/3
    assert scores["task2"]["bleu4_best"] == pytest.approx(50)
    assert scores["task2"]["relation_accuracy"] == 50
    assert scores["task3"]["mbleu4"] == pytest.approx(50, abs=0.1)
    assert scores["task3"]["well_formed"] == 50
    assert scores["task1"]["confusion"]["counts"][RELATIONS.index("on")][-1] == 1
    assert any(note.startswith("1 items without a prediction") for note in scores["notes"])
    with pytest.raises(MismatchError, match="compare: no prediction for a"):
        evaluate(ITEMS, PERFECT, compare=PERFECT[1:])


def test_not_answering_is_never_better(sample):
    items, (predictions, _) = sample
    full = evaluate(items, predictions, spice=WordOverlap(), resamples=0)
    half = evaluate(items, predictions[::2], spice=WordOverlap(), allow_missing=True, resamples=0)
    assert all(half["overall"][name] < full["overall"][name] for name in full["overall"])


def test_spice_brings_every_variant_of_the_challenges_score(sample):
    items, (predictions, _) = sample
    spice = WordOverlap()
    scores = evaluate(items, predictions, spice=spice, resamples=0)
    assert spice.calls == 1
    assert scores["spice"] == {"name": "SPICE (test)", "version": "0"}
    references = [ptb.tokenize(one.descriptions_v1) for one in items]
    asked = [ptb.tokenize([one.description, *one.descriptions]) for one in predictions]
    best = np.array(
        [
            [max(spice.one(text, [one]) for one in theirs) for text in texts]
            for texts, theirs in zip(asked, references, strict=True)
        ]
    )
    corpus = np.array(
        [[spice.one(text, theirs) for text in texts] for texts, theirs in zip(asked, references, strict=True)]
    )
    for mode, table in (("best", best), ("corpus", corpus)):
        assert scores["task2"][f"spice_{mode}"] == pytest.approx(100 * table[:, 0].mean())
        assert scores["task3"][f"spice_{mode}"] == pytest.approx(100 * table[:, 1:].mean())
        second = z2(scores["task2"][f"bleu4_{mode}"], scores["task2"][f"spice_{mode}"])
        third = z3(scores["task3"]["mbleu4"], scores["task3"][f"spice_{mode}"])
        for average in ("micro", "macro", "weighted"):
            assert scores["overall"][f"{average}/{mode}"] == pytest.approx(
                overall(scores["task1"][f"f1_{average}"], second, third)
            )
    assert len(scores["overall"]) == 6


def test_intervals_are_those_of_scoring_the_drawn_items_again(sample):
    """Every figure of 12 resamples, each scored as items of their own; only CIDEr differs, whose document
    frequencies stay those of all items."""
    items, (predictions, _) = sample
    scores = evaluate(items, predictions, spice=WordOverlap(), resamples=12, seed=4)
    draws = np.random.default_rng(4)
    again = []
    for _ in range(12):
        places = draws.integers(0, len(items), len(items))
        drawn = [
            (
                items[place].model_copy(update={"id": f"{number}"}),
                predictions[place].model_copy(update={"id": f"{number}"}),
            )
            for number, place in enumerate(places)
        ]
        again.append(
            figures_of(
                evaluate(
                    [one for one, _ in drawn], [one for _, one in drawn], spice=WordOverlap(), resamples=0
                )
            )
        )
    assert set(scores["intervals"]["figures"]) == set(figures_of(scores)) == set(again[0])
    for name, edges in scores["intervals"]["figures"].items():
        if name != "task2.cider":
            assert edges == pytest.approx(np.percentile([one[name] for one in again], [2.5, 97.5])), name
    assert scores["intervals"] | {"figures": {}} == {"level": 95, "resamples": 12, "seed": 4, "figures": {}}


def test_the_figures_lie_in_their_intervals_and_the_seed_decides(sample):
    items, (predictions, _) = sample
    first, same, other = (evaluate(items, predictions, resamples=200, seed=seed) for seed in (0, 0, 1))
    assert first["intervals"] == same["intervals"]
    assert first["intervals"]["figures"] != other["intervals"]["figures"]
    for name, value in figures_of(first).items():
        low, high = first["intervals"]["figures"][name]
        assert low - 1e-9 <= value <= high + 1e-9, name


def test_the_order_of_predictions_changes_nothing_and_that_of_items_no_figure(sample):
    items, (predictions, _) = sample
    scores = evaluate(items, predictions, resamples=30)
    assert evaluate(items, predictions[::-1], resamples=30) == scores
    turned = evaluate(items[::-1], predictions, resamples=0)
    assert figures_of(turned) == pytest.approx(figures_of(scores))


def test_a_comparison_is_paired_by_items(sample):
    items, (ours, theirs) = sample
    scores = evaluate(items, ours, compare=theirs, resamples=100, seed=3)
    other = evaluate(items, theirs, resamples=0)
    comparison = scores["comparison"]
    assert {name: row["other"] for name, row in comparison["figures"].items()} == figures_of(other)
    for name, row in comparison["figures"].items():
        assert row["difference"] == pytest.approx(figures_of(scores)[name] - figures_of(other)[name])
        low, high = row["interval"]
        assert low <= high
    gold = [one.triples for one in items]
    right = [
        [
            sum(said.relation == triple.relation for said, triple in zip(one.relations, triples, strict=True))
            for one, triples in zip(side, gold, strict=True)
        ]
        for side in (ours, theirs)
    ]
    triples = np.array([len(one) for one in gold])
    draws = np.random.default_rng(3)
    differences = []
    for _ in range(100):
        places = draws.integers(0, len(items), len(items))
        gained = (np.array(right[0]) - np.array(right[1]))[places].sum()
        differences.append(100 * gained / triples[places].sum())
    row = comparison["figures"]["task1.accuracy"]
    assert row["interval"] == pytest.approx(np.percentile(differences, [2.5, 97.5]))
    assert row["above_zero"] == pytest.approx(np.mean(np.array(differences) > 1e-9))


def test_compared_with_itself_a_system_is_no_better(sample):
    items, (predictions, _) = sample
    for row in evaluate(items, predictions, compare=predictions, resamples=50)["comparison"][
        "figures"
    ].values():
        assert (row["difference"], row["interval"], row["above_zero"]) == (0, [0, 0], 0)


def test_a_comparison_without_resamples_has_the_differences_alone(sample):
    items, (ours, theirs) = sample
    rows = evaluate(items, ours, compare=theirs, resamples=0)["comparison"]["figures"]
    assert all(set(row) == {"other", "difference"} for row in rows.values())


def test_figures_that_one_side_lacks_are_not_compared():
    scored = [answer(CAT, "on", scores=[{"on": 1.0}]), PERFECT[1]]
    scores = evaluate(ITEMS, scored, compare=PERFECT, resamples=5)
    assert "calibration_error" in scores["task1"]
    assert "task1.calibration_error" not in scores["comparison"]["figures"]


def test_a_figure_that_no_resample_holds_has_no_interval():
    """Of 60 items one has a reference; the 2 resamples of this seed miss it."""
    many = [CAT, *(item(f"{number}", ("cup", "on", "desk")) for number in range(59))]
    predictions = [answer(one, "on") for one in many]
    scores = evaluate(many, predictions, compare=predictions, resamples=2, seed=1)
    assert "bleu4_best" in scores["task2"]
    assert "task2.bleu4_best" not in scores["intervals"]["figures"]
    assert set(scores["comparison"]["figures"]["task2.bleu4_best"]) == {"other", "difference"}
    json.dumps(scores, allow_nan=False)


def test_the_result_is_plain_json_with_the_version_of_the_program(sample):
    items, (ours, theirs) = sample
    scores = evaluate(items, ours, compare=theirs, spice=WordOverlap(), resamples=5)
    assert json.loads(json.dumps(scores, allow_nan=False)) == scores
    assert scores["version"]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"references": "v3"}, "references: 'v3', expected one of v1, v2, both"),
        ({"resamples": -1}, "-1 resamples"),
    ],
)
def test_wrong_arguments_are_refused(arguments, problem):
    with pytest.raises(UsageError, match=problem):
        evaluate(ITEMS, PERFECT, **arguments)


def test_no_items_are_refused():
    with pytest.raises(UsageError, match="there are no items"):
        evaluate([], [])
