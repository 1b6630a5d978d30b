"""What English says for the nine relations: the phrases, word classes and synonyms that relation.py reads.

A pattern is words with spaces between them; `a/b` stands for either word, and a `?` at the end of a word (or
of its alternatives) says that it may be left out: `in the? front of` is `in front of` and `in the front of`.
Where several phrases start at one word the longest counts, so `in front of` is never `in`. A phrase that
stands under two relations states both: `on top of` is `on` and `above`.
"""

from __future__ import annotations

from itertools import product

from llava_vsd.relations import Relation


def listed(text: str) -> frozenset[str]:
    """The words of a table."""
    return frozenset(text.split())


_SIDE_OF = "to/on/at/in/from/by the? far/immediate/upper/lower? {} hand? side/hand/corner/part/end? of"
_SIDE = "to/on/at the? far? {} hand? side?"

FORWARD: dict[Relation, tuple[str, ...]] = {
    "on": (
        "on/onto/upon/atop/aboard",
        "on/at the? top/tops of",
        "along/across/down/up",
        "covered",
        "on the? side/back/front/edge of",
        "riding/ridden/rides/ride",
        "leaning/leans on",
        "attached/connected/fixed/glued/pinned/taped/stuck/mounted/fastened to",
        "hanging/hung/hangs/hang from/off",
        "growing from",
        "covering/covers/cover",
        "worn by",
    ),
    "in": (
        "in/into/within/among/amongst/amid/amidst/at/through/down",
        "inside of?",
        "in the? top/middle/center/centre/corner/bottom/back of",
        "in between",
        "sticking/peeking/poking/coming/hanging/growing out of",
        "wearing/wears/wear/wore",
        "dressed/covered in",
        "surrounded/held/carried by",
    ),
    "next to": (
        "next to",
        "beside/besides/by/alongside/along/at/against/around/between",
        "near to?",
        "close/adjacent to",
        "alongside of",
        "in between",
        "by/at/on/to the/a? side/sides of",
        "on/at/by/along the? edge/edges/bank/shore of",
        "on/at one/either/each/both/other side/sides of",
        "bordering/borders/touching/touches",
        "leaning/leans against/on",
        "together/along with",
        "side by side with",
    ),
    "under": (
        "under/underneath/beneath/below",
        "on/at/in the? bottom/foot of",
        "covered/hidden/shaded by/in/with",
    ),
    "above": (
        "above/over/atop",
        "covered",
        "on/at the? top/tops of",
    ),
    "behind": (
        "behind/beyond",
        "at/in/on/to/from the? back/rear of",
        "in/on the? background of",
    ),
    "in front of": (
        "in/on/at/to the? front of",
        "in front",
        "infront of?",
        "opposite of?",
        "ahead of",
        "before",
        "in/on the? foreground of",
    ),
    "to the left of": (_SIDE_OF.format("left/lefthand"), "left of/to"),
    "to the right of": (_SIDE_OF.format("right/righthand"), "right of/to"),
}
"""`figure PHRASE landmark`: the figure stands in the relation to the landmark."""

BARE: dict[Relation, tuple[str, ...]] = {
    "on": ("on/at the? top",),
    "above": ("on/at the? top", "overhead"),
    "in": ("inside", "in the? middle/center/centre"),
    "next to": ("nearby",),
    "under": ("on/at the? bottom",),
    "behind": ("in/on the? background/back/rear", "in the distance"),
    "in front of": ("in/on the? foreground/forefront", "in/on the? front"),
    "to the left of": (_SIDE.format("left/lefthand"),),
    "to the right of": (_SIDE.format("right/righthand"),),
}
"""Phrases without a landmark: `a house with a tree in front`, `a cat on the left and a dog on the right`."""

BACKWARD: dict[Relation, tuple[str, ...]] = {
    "on": (
        "wearing/wears/wear/wore",
        "covered/topped/decorated/printed with/by/in",
        "carrying",
    ),
    "in": (
        "filled/stuffed/packed with/by",
        "full of",
        "containing/contains/contain",
        "holding/holds/hold",
        "surrounding/surrounds/surround",
    ),
    "next to": ("surrounded by",),
    "above": ("covered/topped with/by/in",),
}
"""`landmark PHRASE figure`: the second thing stands in the relation to the first."""

MUTUAL: dict[Relation, tuple[str, ...]] = {
    "next to": (
        "next/close to each/one other/another",
        "next to eachother",
        "beside/near/by/alongside each/one other/another",
        "side by side",
        "together",
    ),
}
"""Phrases after both things: `a man and a dog next to each other`."""

VERBS = listed(
    "is are was were be been being has have had having stands stand stood sits sit sat lies lie lay "
    "hangs hang hung grows grow grew walks walk runs run flies fly flows rests rest does do can will "
    "looks look shows appears leads extends rises carries carry pulling pulls uses using eats eating "
    "plays playing takes taking talks talking watching shines shine drives floats"
)
"""Words that end the phrase of a landmark, and after which a fronted phrase has its figure."""

FINITE = listed("is are was were has have had stands sits lies hangs stood sat hung grows flies")
"""Verbs that make a clause of its own out of what follows an `and` or a comma."""

HAVE = listed("has have had having with")
"""Words by which a thing becomes the landmark of a phrase without one: `a house with a tree behind`."""

ENDS = VERBS | listed(
    "with without that which who whom whose while where when as for from to than there here but so "
    "because . , ; : ! ?"
)
"""Words that end the phrase of a landmark."""

CLAUSE_ENDS = listed(". ; : ! ? while whereas but")

ARTICLES = listed(
    "a an the this that these those some any many several few all both each every another other two "
    "three four five six his her its their my your our one no"
)

PRONOUNS = listed("it him her them himself herself itself themselves his its their hers")

BODY = listed(
    "head heads hand hands arm arms face back front shoulder shoulders neck foot feet leg legs lap mouth "
    "body chest waist wrist ear ears eyes hair finger fingers knees belly top side surface left right "
    "middle center"
)
"""`his head`, `its side`: what is on a part of a thing is on the thing."""

RELATIVES = listed("that which who whom")
"""So does the thing before a relative clause: `a wall that the giraffes are standing in front of`."""

OTHERS = listed("one ones other others another")
"""Stand for a thing of the kind just named: `a boat next to the yellow one`."""

NEGATIONS = listed("not never neither nor hardly")
"""Deny what the next phrase states."""

DENIERS = listed("no without")
"""Deny the thing that follows."""

NO_COMPOUNDS = listed("vegetable dandelion medallion")
"""Words that end like another without being of its kind, as a handrail is a rail."""

_QUALITIES = listed(
    "white black red blue green yellow brown orange pink purple grey gray gold golden silver dark light "
    "bright tan large big small little tiny tall short long old young new high low wide striped stuffed "
    "empty open closed round square colorful other first second one two three"
)

MODIFIERS = _QUALITIES | listed("wooden wood metal plastic glass brick stone")
"""Words of a name that do not stand for it alone."""

EMPTY = (
    ENDS
    | ARTICLES
    | PRONOUNS
    | _QUALITIES
    | listed(
        "and or of background foreground distance color colour picture photo image front back middle center "
        "centre left right top bottom side corner line sitting standing shown hanging growing parked placed "
        "laying lying"
    )
)
"""Words that do not stand for a thing whose name is missing."""

SYNONYMS: tuple[str, ...] = (
    "person people human someone adult individual",
    "man guy male gentleman dude fellow",
    "woman lady female",
    "boy son lad",
    "child kid toddler baby infant",
    "dad father",
    "mom mother",
    "cyclist biker motorcyclist rider",
    "cat kitten kitty",
    "dog puppy",
    "rabbit bunny",
    "tv television",
    "couch sofa loveseat",
    "bike bicycle",
    "motorcycle motorbike bike",
    "plane airplane aircraft jet",
    "car automobile taxi cab van suv sedan jeep",
    "boat ship yacht",
    "train locomotive",
    "cart carriage wagon buggy",
    "donut doughnut",
    "street road highway",
    "sidewalk pavement walkway path pathway",
    "track rail railway",
    "ground floor land dirt soil",
    "ocean sea",
    "beach shore sand",
    "grass lawn",
    "field court pitch meadow",
    "hill mountain slope",
    "rock stone boulder",
    "forest woods",
    "bush shrub hedge",
    "house home",
    "store shop",
    "stairs steps staircase",
    "fence railing barrier guardrail",
    "rail railing handrail",
    "pole post pillar column",
    "wheel tire",
    "sign billboard board poster signboard",
    "picture photo photograph painting image portrait poster",
    "letter lettering writing word text",
    "logo design",
    "lamp light lantern",
    "table desk counter countertop",
    "cabinet cupboard closet",
    "dresser drawer nightstand cabinet",
    "fridge refrigerator",
    "stove oven range",
    "faucet tap",
    "toilet urinal",
    "sink basin",
    "cup mug glass goblet",
    "bowl basin dish",
    "plate dish tray platter",
    "purse handbag bag",
    "backpack bag pack",
    "suitcase luggage bag",
    "bin can trash garbage wastebasket trashcan",
    "box container case",
    "rug carpet mat",
    "blanket sheet bedspread comforter quilt",
    "cushion pillow",
    "chair seat armchair",
    "bench seat",
    "stool seat",
    "curtain drape",
    "shirt sweater sweatshirt blouse",
    "jacket coat",
    "pants jeans trousers",
    "hat cap helmet",
    "shoe sneaker boot",
    "phone telephone cellphone",
    "screen monitor television",
    "laptop computer",
    "bread bun roll toast",
    "frosting icing",
    "wave foam",
)
"""Words of one line (and their plurals) stand for each other where the word itself is not in the sentence."""

_ROLES = (
    "rider cyclist biker motorcyclist driver player batter pitcher catcher umpire athlete skier skater "
    "surfer snowboarder skateboarder officer policeman worker"
)

KINDS: dict[str, str] = {
    "person people human someone adult individual": "man guy male woman lady female boy girl child kid baby "
    f"dad mom passenger pedestrian tourist spectator couple crowd family team group {_ROLES}",
    "man guy": f"boy dad father husband groom {_ROLES}",
    "woman lady": f"girl mom mother wife bride {_ROLES}",
    "boy girl": "child kid baby player skater surfer skier snowboarder skateboarder",
    "player athlete": "batter pitcher catcher infielder outfielder",
    "animal": "dog cat horse cow sheep bear elephant zebra giraffe lion goat deer",
    "bird": "duck goose seagull pigeon parrot owl hen chicken",
    "cow": "bull calf cattle",
    "vehicle": "car truck van bus taxi cab suv sedan jeep motorcycle",
    "truck": "van",
    "water": "ocean sea river lake pond stream",
    "building structure": "house tower skyscraper store shop church cabin shed",
    "plant": "flower bush tree shrub",
    "food": "meal pizza sandwich cake salad",
    "computer": "monitor screen keyboard",
    "clothes clothing": "shirt jacket coat pants dress sweater suit",
    "fruit": "banana apple orange grape lemon",
    "furniture": "chair table couch sofa desk dresser",
}
"""A kind and what is of it: a word of either side stands for one of the other, but not a dog for a cat."""

IRREGULAR_PLURALS: tuple[str, ...] = (
    "man men mans",
    "woman women womans",
    "child children childs",
    "person people persons",
    "foot feet",
    "tooth teeth",
    "mouse mice",
    "goose geese",
    "knife knives",
    "leaf leaves",
    "shelf shelves",
    "half halves",
    "loaf loaves",
    "calf calves",
    "wolf wolves",
    "scarf scarves",
    "hoof hooves",
    "life lives",
)


def expand(pattern: str) -> list[tuple[str, ...]]:
    """All phrases that a pattern stands for, as words.

    >>> expand("in the? front/back of")
    [('in', 'the', 'front', 'of'), ('in', 'the', 'back', 'of'), ('in', 'front', 'of'), ('in', 'back', 'of')]
    """
    choices = [
        [*word.rstrip("?").split("/"), ""] if word.endswith("?") else word.split("/")
        for word in pattern.split()
    ]
    return [tuple(filter(None, phrase)) for phrase in product(*choices)]


PHRASE_WORDS = frozenset(
    word
    for table in (FORWARD, BARE, BACKWARD, MUTUAL)
    for patterns in table.values()
    for pattern in patterns
    for word in pattern.replace("?", "").replace("/", " ").split()
)
"""Words that never stand for a thing by themselves unless they are the head of its name."""
