"""British words in American spelling, and names of days and months with a capital: how the lexicon knows them."""

from __future__ import annotations

import re
from typing import Final

NAMES: Final = (
    "january february april june july august september october november december "
    "monday tuesday wednesday thursday friday saturday sunday"
)

# word: endings with which it is listed; the American form is the same with the change applied
DROP_U: Final = (
    "armoured candour clamour coloured colouring colourful discolour/s/ed/ing endeavour/s/ed/ing fervour "
    "favour/s/ed/ing favourite/s flavour/s/ed/ing harbour/s honour/s/ed/ing/able humour/s/ed/ing labour "
    "Labour labours laboured labouring misdemeanour/s neighbour/s neighbourhood/s rumoured rumouring "
    "savour/s/ed/ing splendour/s"
)
S_TO_Z: Final = (
    "analyse/d analysing capitalise/d capitalisation finalise/d finalising localise/d maximise/d maximising "
    "minimise/d minimising modernise/d modernising organisation/s penalise/d popularise/d/s popularising "
    "pressurise/d/s pressurising realise/d/s realising recognise/d/s recognising"
)
SINGLE: Final = (
    "anaesthetic>anesthetic analogue>analog analogues>analogs cancelled>canceled cancelling>canceling "
    "centre>center chimaeric>chimeric defence>defense Defence>Defense encyclopaedia>encyclopedia "
    "fibre>fiber fibres>fibers glamour>glamour grey>gray homologue>homolog homologues>homologs kerb>curb "
    "labelled>labeled labelling>labeling leant>leaned learnt>learned manoeuvre>maneuver manoeuvres>maneuvers "
    "meagre>meager oestrogen>estrogen oestrogens>estrogens practise>practice practised>practiced "
    "theatre>theater theatres>theaters titre>titer titres>titers travelled>traveled travelling>traveling"
)


def _listed() -> dict[str, str]:
    def forms(text: str) -> list[str]:
        return [
            stem + end for stem, *ends in (item.split("/") for item in text.split()) for end in ["", *ends]
        ]

    found = {word: re.sub(r"our", "or", word, count=1) for word in forms(DROP_U)}
    found |= {word: re.sub(r"(.*)s(?=[aei])", r"\1z", word, count=1) for word in forms(S_TO_Z)}
    found |= dict(item.split(">") for item in SINGLE.split())
    found |= {name: name.capitalize() for name in NAMES.split()}
    return found


LISTED: Final = _listed()

# tried in this order on words that are not listed; the first that matches is replaced everywhere in the word
PATTERNS: Final = [
    (re.compile(r"haem(at)?o"), r"hem\1o"),
    (re.compile(r"aemia$"), "emia"),
    (re.compile(r"([lL])eukaem"), r"\1eukem"),
    (re.compile(r"programme(s?)$"), r"program\1"),
    (re.compile(r"^([a-z]{3,})our(s?)$"), r"\1or\2"),
]
WORTH_TRYING: Final = re.compile(r"haemat?o|aemia$|[lL]eukaem|programmes?$|^[a-z]{3,}ours?$")
KEEPS_OUR: Final = re.compile(
    "abatjour|beflour|bonjour|calambour|carrefour|cornflour|contour|detour|devour|dortour|dyvour|downpour|giaour|"
    "glamour|holour|inpour|outpour|pandour|paramour|pompadour|recontour|repour|ryeflour|sompnour|tambour|"
    "troubadour|tregetour|velour"
)


def american(word: str) -> str:
    """The spelling under which a word is looked up; most words are their own.

    The longer rules see words of six and more letters; `programme` matches only at the end of a word, so
    `programmed` stays. The rules and their order are those of the original parser's default.
    """
    if len(word) < 4:
        return word
    if word in LISTED:
        return LISTED[word]
    if len(word) < 6 or not WORTH_TRYING.search(word):
        return word
    for pattern, change in PATTERNS:
        if pattern is PATTERNS[-1][0] and KEEPS_OUR.search(word):
            break
        if pattern.search(word):
            return pattern.sub(change, word)
    return word
