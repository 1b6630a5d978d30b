"""The control that sees no pixels: how far do the two names and the two boxes go?

geometry.py    two boxes as numbers            words.py       number, head and vector of a name
boxes.py       boosted trees over geometry     statements.py  what labels and descriptions say of names
names.py       log-linear model of the names   networks.py    what only both together tell
pool.py        how models join                 relation.py    the relation, cross-validated
templates.py   sentences with gaps             phrases.py     which template like items praise
sentences.py   the answers to tasks 2 and 3    engine.py      all of it as an engine and a file
"""

from llava_vsd.inference.baseline.engine import Baseline, BaselineModel, fit, load
from llava_vsd.inference.baseline.relation import FEATURES, FIT_STEPS, Features, Summary, Validation

__all__ = [
    "FEATURES",
    "FIT_STEPS",
    "Baseline",
    "BaselineModel",
    "Features",
    "Summary",
    "Validation",
    "fit",
    "load",
]
