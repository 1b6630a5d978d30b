"""Two words are synonyms for SPICE when they share a synset of WordNet 3.0: the lookup of their synset ids.

An id is the offset of a synset in its data file, without part of speech, as in METEOR; unrelated synsets of
different parts of speech can therefore share an id. The table ships in `weights/wordnet`.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from llava_vsd.errors import FileError

TABLE = Path(__file__).parents[2] / "weights" / "wordnet"

# (suffix, replacement), tried in this order until one gives a key of WordNet.
SUFFIXES = (
    ("s", ""), ("ses", "s"), ("xes", "x"), ("zes", "z"), ("ches", "ch"), ("shes", "sh"), ("men", "man"),
    ("ies", "y"), ("es", "e"), ("es", ""), ("ed", "e"), ("ed", ""), ("ing", "e"), ("ing", ""), ("er", ""),
    ("est", ""), ("er", "e"), ("est", "e"),
)  # fmt: skip
# What the original trims and takes for a blank: ASCII alone.
_TRIMMED = "".join(map(chr, range(33)))
_NONE: frozenset[int] = frozenset()


class Synonyms:
    """Synset ids of words and expressions.

    Args:
        synsets: for each key (lower-case lemma, `_` between words) its ids, decimal numbers between blanks.
        exceptions: for each irregular form its base forms, between blanks.
    """

    def __init__(self, synsets: Mapping[str, str], exceptions: Mapping[str, str]) -> None:
        self._synsets = synsets
        self._exceptions = exceptions

    def ids(self, key: str) -> frozenset[int]:
        """Ids of exactly this key; empty for one that WordNet does not have."""
        return frozenset(map(int, self._synsets.get(key, "").split()))

    def concept(self, text: str) -> frozenset[int]:
        """Ids of a word or expression as it occurs in a tuple: of its key and of its stem."""
        key = text.strip(_TRIMMED).lower().replace(" ", "_")
        return self.ids(key) | self.stem(key)

    def stem(self, key: str) -> frozenset[int]:
        """Ids of the base forms of an irregular form, else of the first key that a suffix rule leads to."""
        if key in self._exceptions:
            return _NONE.union(*map(self.ids, self._exceptions[key].split()))
        if key.endswith("ss") or len(key) <= 2:
            return self.ids(key)
        for suffix, replacement in SUFFIXES:
            if key.endswith(suffix):
                base = key.removesuffix(suffix) + replacement
                if base in self._synsets:
                    return self.ids(base)
        return _NONE


@cache
def wordnet() -> Synonyms:
    """The table that ships, read at the first call.

    Raises:
        FileError: a file of the table is missing or damaged.
    """
    return read(TABLE)


def read(folder: Path) -> Synonyms:
    """Reads a table made by `recipes/synonyms.py`: two files, each line a key and its values.

    Raises:
        FileError: a file is missing or damaged.
    """
    return Synonyms(_read(folder / "synsets.txt.gz"), _read(folder / "exceptions.txt.gz"))


def _read(path: Path) -> dict[str, str]:
    try:
        text = gzip.decompress(path.read_bytes()).decode()
        table = dict(line.split(" ", 1) for line in text.splitlines())
    except FileNotFoundError:
        raise FileError(path, "missing; install the package again or run recipes/synonyms.py") from None
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise FileError(path, f"not a table of synonyms: {error}") from error
    if not table:
        raise FileError(path, "empty; install the package again or run recipes/synonyms.py")
    return table
