"""The tables of the rules: how else a relation of two things is put, and which nouns take no `a`.

In a frame {F} is the figure and {L} the landmark, each with one of its determiners; {A} is the figure as it is first
mentioned (`a cat`); {R} is the phrase between them;
{is} agrees with the figure, {are} with the landmark. {verb} is the verb of the second sentence as it agrees with the
figure (`stands`), {verbing} its participle (`standing`, `shown`), {rest} words kept as they are.
"""

from __future__ import annotations

from typing import Literal

from llava_vsd.metrics.relation_lexicon import listed
from llava_vsd.relations import Relation

Kind = Literal["plain", "doing", "done", "said", "noted"]
"""What stands between figure and phrase: at most a form of `be` (`is`), a verb of doing (`is standing`, `stands`), a
participle (`is shown`), something else that begins with `be` (`is very near and`), something else (`with a hat`)."""


FRAMES: dict[Kind, tuple[str, ...]] = {
    "plain": (
        "{F} {is} {R} {L}",
        "{R} {L} {is} {F}",
        "there {is} {A} {R} {L}",
        "{R} {L} there {is} {A}",
        "{A} {R} {L}",
        "{A} that {is} {R} {L}",
    ),
    "doing": (
        "{F} {verb} {R} {L}",
        "{F} {is} {verbing} {R} {L}",
        "{A} {verbing} {R} {L}",
        "there {is} {A} {verbing} {R} {L}",
        "{R} {L} {verb} {F}",
    ),
    "done": (
        "{F} {is} {verbing} {R} {L}",
        "{F} {is} {alike} {R} {L}",
        "{R} {L}, {F} {is} {alike}",
        "{R} {L}, {F} {is} {verbing}",
        "there {is} {A} {verbing} {R} {L}",
        "{A} {verbing} {R} {L}",
    ),
    "said": ("{F} {rest} {R} {L}", "{R} {L}, {F} {rest}"),
    "noted": ("{F} {rest} {is} {R} {L}", "there {is} {A} {rest} {R} {L}"),
}
"""The same content in another form, the best first. SPICE sees what the second sentence says in each of the first."""

SUBSTITUTES: dict[str, tuple[str, ...]] = {
    "on": ("on top of", "upon"),
    "on top of": ("on", "upon"),
    "in": ("inside", "inside of", "within"),
    "inside": ("in", "within"),
    "inside of": ("in", "inside"),
    "next to": ("beside", "by", "near"),
    "beside": ("next to", "by", "near"),
    "near": ("next to", "beside", "by"),
    "by": ("next to", "beside", "near"),
    "under": ("below", "beneath", "underneath"),
    "below": ("under", "beneath"),
    "beneath": ("under", "below"),
    "underneath": ("under", "below"),
    "above": ("over",),
    "over": ("above",),
    "behind": ("at the back of", "in back of"),
    "in front of": ("ahead of", "before"),
    "to the left of": ("left of", "on the left of", "on the left side of"),
    "on the left of": ("left of", "to the left of", "on the left side of"),
    "on the left side of": ("left of", "to the left of", "on the left of"),
    "to the right of": ("right of", "on the right of", "on the right side of"),
    "on the right of": ("right of", "to the right of", "on the right side of"),
    "on the right side of": ("right of", "to the right of", "on the right of"),
}
"""Phrases that put the same relation in other words."""

CONVERSES: dict[Relation, tuple[str, ...]] = {
    "on": ("{L} {has} {F} on {it}", "{L} with {F} on {it}", "{L} {are} under {F}"),
    "in": ("{L} {has} {F} in {it}", "{L} with {F} inside", "{L} with {F} in {it}"),
    "next to": ("{L} {are} next to {F}", "{L} {are} beside {F}", "{L} {has} {F} next to {it}"),
    "under": ("{L} {are} above {F}", "{L} {are} over {F}", "{L} {has} {F} under {it}"),
    "above": ("{L} {are} under {F}", "{L} {are} below {F}", "{L} {has} {F} above {it}"),
    "behind": ("{L} {are} in front of {F}", "in front of {F} {are} {L}", "{L} {has} {F} behind {it}"),
    "in front of": ("{L} {are} behind {F}", "behind {F} {are} {L}", "{L} {has} {F} in front of {it}"),
    "to the left of": ("{L} {are} to the right of {F}", "to the right of {F} {are} {L}"),
    "to the right of": ("{L} {are} to the left of {F}", "to the left of {F} {are} {L}"),
}
"""The relation that holds of figure and landmark, told from the other side; {has} agrees with the landmark."""

ALIKE: dict[str, str] = {
    "shown": "seen",
    "seen": "shown",
    "pictured": "seen",
    "displayed": "shown",
    "visible": "seen",
    "placed": "put",
    "put": "placed",
    "set": "placed",
    "laid": "placed",
    "located": "situated",
    "situated": "located",
    "positioned": "placed",
    "parked": "stationed",
    "mounted": "fixed",
    "attached": "fastened",
    "fixed": "fastened",
    "seated": "sat",
}
"""Participles that say the same of where a thing is."""

PARTICIPLES = listed(
    "shown seen parked placed put located positioned situated set laid kept hung mounted attached displayed pictured "
    "visible fixed stuck tied planted built painted drawn printed written stacked piled packed held carried worn left "
    "spread covered surrounded gathered lined seated perched resting"
)
"""Words that can stand after `be` as `shown` does, besides those in -ed."""

FINITE = listed(
    "stands stand sits sit hangs hang lies lie lays lay rests rest flies fly grows grow walks walk runs run floats "
    "float swims swim plays play rides ride leans lean hovers hover drives drive moves move looks look waits wait"
)
"""Verbs of doing, as they agree with one figure or with several."""

QUALITIES = listed(
    "clear cloudy bright dark sunny calm shiny dirty clean wet dry full busy high deep thick thin lit alone"
)
"""Words that say after `is` what they say before the thing, besides colours and sizes: `the sky is clear`."""

SINGLE = listed("a an another one each every this that")
AMOUNTS = listed("many several few")
"""Determiners that say how many; SPICE counts them as said of the thing, so they stay."""

SEVERAL = listed("many several some few these those both all various")
NUMBERS = listed("two three four five six seven eight nine ten")
OWNERS = listed("his her its their my our your")

UNCOUNTED = listed(
    "water grass snow sand sky dirt food clothing hair ice mud gravel traffic furniture luggage foliage bread rice "
    "meat cheese butter fruit lettuce broccoli cauliflower bacon ketchup mustard sauce cream frosting icing milk juice "
    "coffee tea wine beer sugar salt smoke steam fog dust rain hay straw wood metal plastic paper trash garbage "
    "graffiti greenery vegetation shrubbery moss ivy seaweed fur wool hail equipment scenery sunlight light shade "
    "darkness air ground concrete asphalt pavement brush silverware machinery jewelry jewellery pepperoni spinach "
    "garlic corn soup pasta spaghetti toast popcorn chocolate ham beef pork chicken fish soil earth land lace "
    "denim leather"
)
"""Nouns that are not counted, or often not, so that `a` before them sounds wrong."""

ONLY_ONE = listed("sky ground sun moon background foreground horizon ocean sea earth world")
"""Things that a picture has one of: `the sky`, never `a sky` or `some sky`."""
