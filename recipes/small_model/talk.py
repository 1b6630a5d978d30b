"""Conversations about pictures of which all is known, for the first two stages of the small model.

    python recipes/small_model/talk.py --scenes shapes --pictures 1500 -o DIR
    python recipes/small_model/talk.py --scenes rooms/train/items.jsonl -o DIR

Writes `DIR/captions.jsonl` (for the connector stage), `DIR/talk.jsonl` (for instruction tuning: open questions, some in
several turns) and `DIR/pairs.jsonl` (for the VSD stage: its first question about more pairs of a picture), in the form
of `vsd build`. Of shapes, the pictures too, in `DIR/images`.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import room_scenes
import shapes
from scene import Scene, Thing

from llava_vsd.data.prompts import ANY, question
from llava_vsd.jsonl import write_rows
from llava_vsd.relations import RELATIONS
from llava_vsd.schema import Conversation, Turn

Exchange = tuple[str, str]

CAPTION = (
    "Describe the picture.",
    "What do you see?",
    "Write a caption for this picture.",
    "Tell what is where in the picture.",
)
WHERE = (
    "Where {is_} the {one}?",
    "In which part of the picture {is_} the {one}?",
    "Point me to the {one}.",
    "Where can I find the {one}?",
)
STANDS = (
    "How does the {one} stand to the {other}? Answer with the relation alone.",
    "The {one} {is_} where, relative to the {other}? One relation, please.",
    "Name the relation of the {one} to the {other}.",
    "Fill in the blank: the {one} {is_} ___ the {other}.",
)
SAYS = (
    "How {is_} the {one} placed relative to the {other}?",
    "Where {is_} the {one}, seen from the {other}?",
    "Say in a sentence where the {one} {is_} with respect to the {other}.",
)
WHETHER = (
    "{Is} the {one} {relation} the {other}?",
    "Would you say that the {one} {is_} {relation} the {other}?",
)
WHAT = ("What is {relation} the {other}?", "Which things are {relation} the {other}?")
LIST = (
    "Name the things that you see.",
    "Which things are in the picture?",
    "Name {count} things in the picture.",
)
FURTHER = {
    "further left": lambda thing: thing.box[2] + thing.box[3],
    "further right": lambda thing: -thing.box[2] - thing.box[3],
    "higher up": lambda thing: thing.box[0] + thing.box[1],
    "further down": lambda thing: -thing.box[0] - thing.box[1],
    "larger in the picture": lambda thing: -thing.area,
}
THERE = ("Does the picture show any {one}?", "Can you see any {one} here?")


def placed(thing: Thing) -> str:
    """Where a thing is: "at the top left", "in the middle"."""
    row, column = thing.place["row"], thing.place["column"]
    if (row, column) == ("middle", "center"):
        return "in the middle"
    if column == "center":
        return f"at the {row}"
    return f"on the {column}" if row == "middle" else f"at the {row} {column}"


def stated(one: Thing, relation: str, other: Thing) -> str:
    """A sentence."""
    return f"The {one.name} {one.verb} {relation} the {other.name}."


def caption(scene: Scene, lot: random.Random) -> str:
    """All things from left to right, and how two of them stand to each other."""
    things = sorted(scene.things, key=lambda thing: thing.box[2] + thing.box[3])
    text = ", ".join(f"{thing.place['size']} {thing.name} {placed(thing)}" for thing in things)
    parts = [f"{text[0].upper()}{text[1:]}."]
    if scene.relations:
        (one, other), relation = lot.choice(sorted(scene.relations.items()))
        parts.append(stated(scene.things[one], relation, scene.things[other]))
    return " ".join(parts)


def exchanges(scene: Scene, names: Sequence[str], lot: random.Random) -> Iterator[Exchange]:
    """Questions about a picture with their answers, in any number and order."""
    things, relations = scene.things, sorted(scene.relations.items())
    for thing in things:
        yield asked(WHERE, thing, lot), f"{placed(thing).capitalize()}."
    for (a, b), relation in relations:
        one, other = things[a], things[b]
        way = lot.random()
        if way < 0.5:
            yield asked(STANDS, one, lot, other=other.name), relation
        elif way < 0.7:
            yield asked(SAYS, one, lot, other=other.name), stated(one, relation, other)
        elif way < 0.85:
            guess = relation if lot.random() < 0.5 else lot.choice(RELATIONS)
            it = "they are" if one.plural else "it is"
            answer = "Yes." if guess == relation else f"No, {it} {relation} the {other.name}."
            yield asked(WHETHER, one, lot, other=other.name, relation=guess), answer
        else:
            yield first_question(scene, one, other, seed=0), relation
    if relations:
        (_, b), relation = lot.choice(relations)
        held = [things[a].name for (a, other), found in relations if other == b and found == relation]
        yield (
            lot.choice(WHAT).format(relation=relation, other=things[b].name),
            f"The {' and the '.join(held)}.",
        )
    if len(things) > 1:
        how = lot.choice(list(FURTHER))
        one, other = lot.sample(things, 2)
        first = min((one, other), key=FURTHER[how])
        yield f"Which is {how}, the {one.name} or the {other.name}?", f"The {first.name}."
        text = lot.choice(LIST).format(count=min(len(things), 3))
        listed = things[: 3 if "Name 3" in text else len(things)]
        yield text, f"{', '.join(thing.name for thing in listed).capitalize()}."
    here = {thing.name for thing in things}
    absent = lot.choice([name for name in names if name not in here])
    present = lot.choice(things).name if things else absent
    sought = lot.choice((absent, present))
    yield lot.choice(THERE).format(one=sought), "Yes." if sought in here else "No."


def asked(templates: Sequence[str], thing: Thing, lot: random.Random, **words: str) -> str:
    """One of the questions, filled in."""
    return lot.choice(templates).format(one=thing.name, is_=thing.verb, Is=thing.verb.capitalize(), **words)


def first_question(scene: Scene, one: Thing, other: Thing, *, seed: int) -> str:
    """The question of task 1 about two things."""
    triple = ANY.model_copy(update={"subject": one.name, "object": other.name})
    return question("classify", triple, seed=seed, key=f"{scene.key}/{one.name}/{other.name}")


def conversations(
    scene: Scene, names: Sequence[str], most: int, lot: random.Random
) -> Iterator[Conversation]:
    """At most so many conversations about a picture; a fifth of them in two to four turns."""
    said = list(exchanges(scene, names, lot))
    lot.shuffle(said)
    number = 0
    while said and number < most:
        count = lot.randint(2, 4) if lot.random() < 0.2 else 1
        some, said = said[:count], said[count:]
        yield Conversation(id=f"{scene.key}/talk/{number}", task="chat", image=scene.key, turns=_turns(some))
        number += 1


def pairs(scenes: Sequence[Scene], lot: random.Random) -> Iterator[Conversation]:
    """The question of task 1 about pairs of each picture; of frequent relations, twice as many as of the rarest."""
    counts = Counter(relation for scene in scenes for relation in scene.relations.values())
    most = 2 * min(counts.values())
    for scene in scenes:
        for (a, b), relation in sorted(scene.relations.items()):
            if lot.random() < most / counts[relation]:
                one, other = scene.things[a], scene.things[b]
                asking = first_question(scene, one, other, seed=1)
                yield Conversation(
                    id=f"{scene.key}/{one.name}/{other.name}/classify",
                    task="classify",
                    image=scene.key,
                    turns=_turns([(asking, relation)]),
                )


def _turns(said: Sequence[Exchange]) -> list[Turn]:
    return [
        Turn(role=role, text=text)
        for exchange in said
        for role, text in zip(("user", "assistant"), exchange, strict=True)
    ]


def main() -> None:
    """Reads or makes scenes and writes what is said about them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scenes", required=True, help="shapes, or items.jsonl of vsd rooms.")
    parser.add_argument("--pictures", type=int, default=None)
    parser.add_argument("--captions", type=int, default=None, help="About the first so many pictures only.")
    parser.add_argument("--most", type=int, default=10, help="Conversations about a picture.")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    chosen.output.mkdir(parents=True, exist_ok=True)
    if chosen.scenes == "shapes":
        scenes, names = list(islice(shapes.random_scenes(chosen.seed), chosen.pictures or 1500)), shapes.NAMES
        (chosen.output / "images").mkdir(exist_ok=True)
        for scene in scenes:
            scene.open().save(chosen.output / "images" / f"{scene.key}.png")
    else:
        scenes = room_scenes.read_scenes(chosen.scenes, limit=chosen.pictures)
        names = room_scenes.names(scenes)
    lot = random.Random(chosen.seed)
    told = [
        Conversation(
            id=f"{scene.key}/caption",
            task="caption",
            image=scene.key,
            turns=_turns([(lot.choice(CAPTION), caption(scene, lot))]),
        )
        for scene in scenes[: chosen.captions]
        if scene.things
    ]
    write_rows(chosen.output / "captions.jsonl", told)
    talk = [one for scene in scenes for one in conversations(scene, names, chosen.most, lot)]
    write_rows(chosen.output / "talk.jsonl", talk)
    more = list(pairs(scenes, lot))
    write_rows(chosen.output / "pairs.jsonl", more)
    print(
        f"{len(scenes):,} pictures, {len(told):,} captions, {len(talk):,} conversations, {len(more):,} pairs"
    )


if __name__ == "__main__":
    main()
