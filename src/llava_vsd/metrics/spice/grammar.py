"""A grammar as arrays: rules, states and a lexicon; kept in one .npz file, whichever grammar it is."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from llava_vsd.errors import FileError
from llava_vsd.metrics.spice.lexicon import CountedLexicon, Doubles, Floats, Ints, Lexicon

FORMAT: Final = "llava-vsd grammar 1"
ROOT: Final = "ROOT"
BOUNDARY: Final = ".$$."  # the tag that ends every sentence; only ROOT combines with it

ARRAYS: Final = {
    "tags": np.int32,
    "binary": np.int32,
    "binary_scores": np.float32,
    "unary": np.int32,
    "unary_scores": np.float32,
    "tag_costs": np.float64,
}

LEXICON_TYPES: Final[Mapping[str, Callable[[NDArray[Any]], Any]]] = {
    "Doubles": partial(np.asarray, dtype=np.float64),
    "Ints": partial(np.asarray, dtype=np.int32),
    "float": float,
    "bool": bool,
}


@dataclass(frozen=True, eq=False)
class Grammar:
    """A binarised probabilistic context-free grammar.

    The order of the rules decides between derivations of equal score. No tag is the parent of a rule; ROOT is the
    parent of binary rules only, all with the boundary tag on the right, and is no child.

    Attributes:
        name: as reports say it, e.g. `original grammar`.
        states: names of all symbols, at most 65,535; the number of a state is its position. What follows the first
            of `-=|#^~_[` is annotation; a name with `@` is an intermediate state of binarisation.
        tags: shape [tags]; the state of each tag, in the lexicon's order.
        binary: shape [rules, 3]; parent, left child, right child.
        binary_scores: shape [rules]; log probabilities.
        unary: shape [rules, 2]; parent, child.
        unary_scores: shape [rules].
        end_score: score of the boundary tag over the boundary.
        tag_costs: shape [tags]; about what a tag's word is expected to score. Speeds up the search, never changes
            its result.
        lexicon: scores of tags for words.
    """

    name: str
    states: Sequence[str]
    tags: Ints
    binary: Ints
    binary_scores: Floats
    unary: Ints
    unary_scores: Floats
    end_score: float
    tag_costs: Doubles
    lexicon: Lexicon

    @cached_property
    def root(self) -> int:
        """The state in which every sentence starts."""
        return list(self.states).index(ROOT)

    @cached_property
    def boundary(self) -> int:
        """The state of the boundary tag."""
        return list(self.states).index(BOUNDARY)

    def save(self, path: Path) -> None:
        """Writes the grammar as one compressed .npz."""
        arrays: dict[str, Any] = {
            "format": FORMAT,
            "name": self.name,
            "states": packed(self.states),
            "end_score": self.end_score,
        }
        arrays |= {f"lexicon.{name}": value for name, value in self.lexicon.arrays().items()}
        arrays |= {name: getattr(self, name) for name in ARRAYS}
        with path.open("wb") as file:
            np.savez_compressed(file, **arrays)

    @classmethod
    def load(cls, path: Path) -> Grammar:
        """Reads what `save` wrote.

        Raises:
            FileError: the file is missing, no grammar, of another version of the form, or does not fit together.
        """
        try:
            with path.open("rb") as opened:
                if opened.read(2) != b"PK":
                    raise FileError(
                        path,
                        "cannot be read as a grammar: no .npz; "
                        "`vsd fetch spice-grammar --from FILE` takes the original's file",
                    )
                opened.seek(0)
                with np.load(opened, allow_pickle=False) as file:
                    arrays = {name: file[name] for name in file.files}
        except FileNotFoundError:
            raise FileError(path, "no such grammar file") from None
        except (OSError, ValueError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
            raise FileError(path, f"cannot be read as a grammar: {error}") from None
        form = str(arrays.get("format", "no mark"))
        if form != FORMAT:
            raise FileError(path, f"expected a file marked {FORMAT!r}, found {form!r}")
        try:
            grammar = cls(
                name=str(arrays["name"]),
                states=unpacked(arrays["states"]),
                end_score=float(arrays["end_score"]),
                lexicon=_lexicon(arrays),
                **{name: np.ascontiguousarray(arrays[name], kind) for name, kind in ARRAYS.items()},
            )
        except KeyError as error:
            raise FileError(path, f"the grammar lacks the array {error}") from None
        except (ValueError, TypeError) as error:
            raise FileError(path, f"an array of the grammar has another form: {error}") from None
        for promise, kept in grammar.promises():
            if not kept:
                raise FileError(path, f"not a grammar to parse with: expected that {promise}")
        return grammar

    def promises(self) -> Iterator[tuple[str, bool]]:
        """What the parser relies on without looking again, and whether it holds; to be asked in this order."""
        states = len(self.states)
        yield (
            "there are at most 65,535 states, ROOT and the boundary tag among them",
            (states <= 65_535 and {ROOT, BOUNDARY} <= set(self.states)),
        )
        for name, width in (("binary", 3), ("unary", 2)):
            rules, scores = getattr(self, name), getattr(self, f"{name}_scores")
            yield (
                f"{name} rules have {width} states and one score each",
                (
                    rules.shape[1:] == (width,)
                    and scores.shape == rules.shape[:1]
                    and bool(np.isfinite(scores).all())
                ),
            )
            yield f"{name} rules name states that exist", bool(((rules >= 0) & (rules < states)).all())
        inside = (self.tags >= 0) & (self.tags < states)
        yield "tags are different states", bool(inside.all()) and len(np.unique(self.tags)) == len(self.tags)
        yield "every tag has a cost", self.tag_costs.shape == self.tags.shape
        yield "the lexicon's arrays fit together", self.lexicon.fits()
        yield "the lexicon scores every tag", self.lexicon.scores("a", first=True).shape == self.tags.shape
        parents = np.concatenate([self.binary[:, 0], self.unary[:, 0]])
        yield "no tag is the parent of a rule", not np.isin(parents, self.tags).any()
        of_root, at_end = self.binary[:, 0] == self.root, self.binary[:, 2] == self.boundary
        yield (
            "ROOT, and nothing else, goes with the boundary tag on the right",
            bool((of_root == at_end).all()),
        )
        elsewhere = np.concatenate([self.binary[:, 1:].ravel(), self.unary.ravel()])
        yield "ROOT occurs nowhere else", not (elsewhere == self.root).any()
        elsewhere = np.concatenate([self.binary[:, 1], self.unary.ravel()])
        yield "the boundary tag occurs nowhere else", not (elsewhere == self.boundary).any()


def _lexicon(arrays: Mapping[str, NDArray[Any]]) -> CountedLexicon:
    values: dict[str, Any] = {}
    for item in fields(CountedLexicon):
        value = arrays[f"lexicon.{item.name}"]
        if item.name in ("words", "signatures"):
            values[item.name] = unpacked(value)
        else:
            values[item.name] = LEXICON_TYPES[str(item.type)](value)
    return CountedLexicon(**values)


def packed(names: Sequence[str]) -> NDArray[np.uint8]:
    """Strings without line feeds as one array of bytes."""
    return np.frombuffer("\n".join(names).encode(), dtype=np.uint8)


def unpacked(data: NDArray[np.uint8]) -> list[str]:
    """Undoes `packed`."""
    return data.tobytes().decode().split("\n")
