"""Word lists of the English tokenizer: what keeps its full stop or apostrophe, and what is two tokens in one.

Each list is words between blanks.
"""

from __future__ import annotations

# A full stop after one of these belongs to the word. Before a capital letter and at the end of a text a
# second one is added, which the writer left out ("cups etc." gives `cups`, `etc.`, `.`).
CLOSING_IN_ANY_CASE = """
    etc al  inc corp co ltd bros dept assn univ intl  bldg rd blvd  jr sr esq ph.d ed.d
    jan feb apr jun jul aug sep sept oct nov dec  tue tues thu thur thurs fri
    ala ariz calif colo conn ct dak fla ga ind kan kans ky md mich minn mo mont neb nev okla penn tenn va vt
    wis wisc wyo
"""

# The same, but in small letters these are words of their own ("the cat sat.").
CLOSING_CAPITALISED = "Mar Mon Wed Sat Sun Ark Del Ill La Mass Miss Ore Pa Tex Wash"

# A full stop after one of these belongs to the word and never ends a sentence.
TITLES = """
    mr mrs ms messrs mme mlle dr drs prof profs rev hon pres gov govs sen sens rep reps
    lt col capt sgt cpl pvt gen maj cmdr adm brig  st ste mt ft ave  vs cf
"""

# A full stop after one of these belongs to the word if a number follows ("no. 5").
NUMBERED = "no nos art arts sect sec fig figs pp p vol vols"

# After initials ("at 10 a.m. A dog ...") a capitalised word starts a new sentence only if it is one of these.
STARTERS = """
    A An The This That These Those Some Many  I He She It They We You His Her Its Our Their Your  Mr. Mrs. Ms.
    There Here Now Then  And But Or So If As At In On After Before When While
"""

# Words with an apostrophe that the general rules would split off.
CLIPPED = "'em 'n' 'n 'til 'till 'cause ol' dunkin'"

# Written as one word, two tokens of the Penn Treebank; the number is the length of the first.
TWO_IN_ONE = {"cannot": 3, "gonna": 3, "gotta": 3, "lemme": 3, "gimme": 3, "wanna": 3, "d'ye": 2}
