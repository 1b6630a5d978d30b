"""How often relation accuracy judges right on real annotations, by relation, with samples of its errors.

    python benchmarks/relation_accuracy.py --data DIR [--split val] [--wrong FILE] [--samples 3] [--seed 0]

DIR holds vsdv1_SPLIT.json and vsdv2_SPLIT.json. Only items with one triple count; their descriptions are
stripped and deduplicated. The columns are percentages of right verdicts, with the number of sentences:

    gold        v1's descriptions; they should pass
    both named  the same where both things must be named (`both_named=True`)
    wrong       templates of another relation than the item's, one an item, from FILE (in the form of
                pairs_val.json.gz), or without FILE all eight other relations; they should fail
    exchanged   gold sentences of the directed relations with the two names exchanged in the text; should fail
    replaced    gold sentences with another relation's name, drawn at random, put for their own; should fail
    foreign     for each gold sentence one of the same relation from an item with other names; should fail
    foreign 2   the same where both things must be named
    v2          v2's descriptions, which often tell another relation than the label; a comparison, no aim
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from llava_vsd.metrics.relation import Case, stated_relations, states_relation
from llava_vsd.metrics.relation_names import places, tokens
from llava_vsd.relations import RELATIONS, Relation

DIRECTED = ("to the left of", "to the right of", "in front of", "behind", "above", "under")


def single_triples(path: Path) -> Iterator[tuple[int, dict[str, str], list[str]]]:
    """Place in the file, triple and unique descriptions of each entry that has one triple."""
    for place, entry in enumerate(json.loads(path.read_text(encoding="utf-8"))):
        if len(entry["triple_list"]) == 1:
            texts = dict.fromkeys(text.strip() for text in entry["captions"])
            yield place, entry["triple_list"][0], list(texts)


def gold_cases(path: Path) -> list[Case]:
    """All descriptions of the items with one triple."""
    return [
        Case(text, triple["s"], triple["o"], parsed(triple["p"]))
        for _, triple, texts in single_triples(path)
        for text in texts
    ]


def parsed(label: str) -> Relation:
    """The label as a typed relation."""
    return next(relation for relation in RELATIONS if relation == label)


def exchanged_cases(gold: list[Case]) -> list[Case]:
    """Gold sentences of directed relations that hold both full names, with the names exchanged."""
    cases = []
    for case in gold:
        names = [case.subject.lower(), case.object.lower()]
        if case.relation in DIRECTED and names[0] != names[1]:
            either = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
            pieces = re.split(rf"(?<!\w)({either})(?!\w)", case.sentence.lower())
            if set(pieces[1::2]) == set(names):
                pieces[1::2] = [names[1 - names.index(name)] for name in pieces[1::2]]
                cases.append(case._replace(sentence="".join(pieces)))
    return cases


def replaced_cases(gold: list[Case], draw: random.Random) -> list[Case]:
    """Gold sentences that write out their relation, with another one's name in its place."""
    cases = []
    for case in gold:
        other = draw.choice([name for name in RELATIONS if name != case.relation])
        text, count = re.subn(rf"\b{case.relation}\b", other, case.sentence, count=1)
        if count:
            cases.append(case._replace(sentence=text))
    return cases


def foreign_cases(gold: list[Case], draw: random.Random) -> list[Case]:
    """For each gold case a sentence of the same relation from an item with other names."""
    alike = {name: [case for case in gold if case.relation == name] for name in RELATIONS}
    cases = []
    for case in gold:
        other = draw.choice(alike[case.relation])
        if other[1:3] != case[1:3]:
            cases.append(case._replace(sentence=other.sentence))
    return cases


def wrong_cases(path: Path, pairs: Path | None) -> list[Case]:
    """Descriptions of other relations than the item's triple."""
    given: dict[int, str] = {}
    if pairs:
        with gzip.open(pairs, "rt", encoding="utf-8") as file:
            for pair in json.load(file):
                _, place, kind = pair["image_id"].split("-", 2)
                if kind == "wrong":
                    given[int(place)] = pair["test"]
    cases = []
    for place, triple, _ in single_triples(path):
        subject, object, gold = triple["s"], triple["o"], parsed(triple["p"])
        texts = [f"a {subject} is {name} a {object}." for name in RELATIONS if name != gold]
        cases += [Case(text, subject, object, gold) for text in ([given[place]] if pairs else texts)]
    return cases


def main() -> None:
    """Prints the table and the samples."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument("--split", default="val", help="val or test")
    parser.add_argument("--wrong", type=Path, metavar="FILE")
    parser.add_argument("--samples", type=int, default=3, help="failures shown for each column and relation")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    v1 = options.data / f"vsdv1_{options.split}.json"
    gold = gold_cases(v1)
    foreign = foreign_cases(gold, random.Random(options.seed))
    columns: dict[str, tuple[list[Case], bool, bool]] = {  # cases, should pass, both must be named
        "gold": (gold, True, False),
        "both named": (gold, True, True),
        "wrong": (wrong_cases(v1, options.wrong), False, False),
        "exchanged": (exchanged_cases(gold), False, False),
        "replaced": (replaced_cases(gold, random.Random(options.seed)), False, False),
        "foreign": (foreign, False, False),
        "foreign 2": (foreign, False, True),
        "v2": (gold_cases(options.data / f"vsdv2_{options.split}.json"), True, False),
    }
    began = time.process_time()
    judged = {
        column: [(case, states_relation(*case, both_named=both) == passes) for case in cases]
        for column, (cases, passes, both) in columns.items()
    }
    seconds = time.process_time() - began

    print(" " * 14 + "".join(f"{column:>14}" for column in judged))
    for relation in (*RELATIONS, "all"):
        cells = [
            share([right for case, right in rows if relation in ("all", case.relation)])
            for rows in judged.values()
        ]
        print(f"{relation:14}" + "".join(f"{text:>14}" for text in cells))
    print(f"{sum(len(rows) for rows in judged.values())} verdicts in {seconds:.2f} s of processor time")
    causes = Counter((case.relation, cause(case)) for case, right in judged["gold"] if not right)
    print("gold descriptions that fail, by what is found in them")
    for why in sorted({why for _, why in causes}):
        print(f"  {why:42}" + "".join(f"{causes[relation, why]:>6}" for relation in RELATIONS))
    draw = random.Random(options.seed)
    for column, rows in judged.items():
        for relation in RELATIONS:
            failed = [case for case, right in rows if not right and case.relation == relation]
            for case in draw.sample(failed, min(options.samples, len(failed))):
                print(f"{column}: {explained(case)}")


def cause(case: Case) -> str:
    """Why a gold description may have failed."""
    sentence, subject, object, _ = case
    stated = stated_relations(sentence, subject, object)
    if stated:
        return "another relation" if stated[0].both_named else "another relation, one thing not named"
    found = places(tokens(sentence), subject, object)
    there = any(place.subject for place in found) + any(place.object for place in found)
    return ("nothing, neither thing named", "nothing, one thing not named", "nothing, both things named")[
        there
    ]


def share(right: list[bool]) -> str:
    """A percentage with its count."""
    return f"{100 * sum(right) / len(right):.1f} ({len(right)})" if right else "-"


def explained(case: Case) -> str:
    """A sentence, its triple, and all that was found in it."""
    found = [
        f"{stated.relation} ({stated.direction}, '{stated.phrase}')" for stated in stated_relations(*case[:3])
    ]
    triple = f"[{case.subject} | {case.relation} | {case.object}]"
    return f"{triple} {case.sentence} -> {'; '.join(found) or 'nothing'}"


if __name__ == "__main__":
    main()
