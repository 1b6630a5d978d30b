"""The word lists of graphs, scene graphs and scores, as data; docs/spice.md tells what each rule does with them."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _expressions(text: str) -> dict[tuple[str, ...], int]:
    """Each expression as its words, with its place in the list."""
    return {tuple(expression.split()): place for place, expression in enumerate(text.split(","))}


# Prepositions of several words (graph.py).

# Both words hang from the noun: `dog -case-> next`, `dog -case-> to`.
PAIRS = _expressions(
    """across from, along with, alongside of, apart from, as for, as from, as of, as per, as to, aside from,
    based on, close by, close to, compared to, compared with, contrary to, except for, exclusive of, far from,
    followed by, inside of, irrespective of, near to, next to, off of, out of, outside of, owing to,
    preliminary to, preparatory to, previous to, pursuant to, regardless of, subsequent to, thanks to,
    together with"""
)
# The first word governs the noun that carries the second: `outside -nmod-> house`, `house -case-> of`.
HEADED_PAIRS = _expressions(
    """apart from, as from, aside from, away from, close by, close to, contrary to, far from, near to,
    next to, out of, outside of, pursuant to, regardless of, together with"""
)
# The second word carries the first and governs the noun that carries the third: `top -case-> on`,
# `top -nmod-> table`, `table -case-> of`.
TRIPLES = _expressions(
    """by means of, in accordance with, in addition to, in case of, in front of, in lieu of, in place of,
    in spite of, on account of, on behalf of, on top of, with regard to, with respect to"""
)
# Conjunctions that do not bear their own name.
CONJUNCTIONS = {
    "as well as": "and",
    "as well": "and",
    "but also": "and",
    "not to mention": "and",
    "but rather": "negcc",
    "if not": "negcc",
    "instead of": "negcc",
    "rather than": "negcc",
    "but not": "negcc",
}

# Heads of quantity phrases (scene.py): "a lot of dogs", "lots of dogs", "two of the dogs".
AMOUNTS = _words(
    """lot assortment number couple bunch handful litany sheaf slew dozen series variety multitude wad clutch
    wave mountain array spate string ton range plethora heap sort form kind type version bit pair triple
    total"""
)
PLURAL_AMOUNTS = _words(
    """lots many several plenty tons dozens multitudes mountains loads pairs tens hundreds thousands millions
    billions trillions"""
)
SHARES = _words(
    """some all both neither everyone nobody one two three four five six seven eight nine ten hundred thousand
    million billion trillion"""
)
SINGULAR_PRONOUNS = _words(
    """i me myself mine my yourself he him himself his she her herself hers it itself its one oneself one's"""
)

# Attributes that make a category of their own (score.py).
NUMBERS = _words("one two three four five six seven eight nine ten")
COLORS = _words(
    """black brown blue red yellow pink gray grey green dark light white cream orange purple maroon beige
    violet"""
)
SIZES = _words(
    """baby beefy big bony boundless brawny broad bulky chunky colossal compact corpulent cosmic cubby curvy
    elfin emaciated endless enormous epic expansive extensive fat fleshy full-size gargantuan gaunt giant
    gigantic grand great heavy hefty huge hulking illimitable immeasurable immense infinitesimal lanky large
    lean life-size limitless little mammoth massive meager measly microscopic mini miniature minuscule minute
    narrow obese outsized oversize overweight paltry petite pint-size plump pocket-size portly pudgy puny
    rotund scanty scraggy scrawny short sizable skeletal skimpy skinny slender slim small squat stocky stout
    strapping sturdy tall teensy teeny teeny-tiny teeny-weeny thick thickset thin tiny titanic towering
    trifling trim tubby undersized underweight unlimited vast wee whopping wide"""
)
