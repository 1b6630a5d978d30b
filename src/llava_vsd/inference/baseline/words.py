"""What is known of a name before any label: its head word, its number, and a vector from the words around it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, model_validator
from scipy import sparse
from sklearn.decomposition import TruncatedSVD

from llava_vsd.inference.baseline.arrays import Floats, expect
from llava_vsd.metrics.relation_lexicon import ARTICLES, IRREGULAR_PLURALS
from llava_vsd.metrics.relation_names import number_forms
from llava_vsd.schema import Item

DIMENSIONS = 50

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_FUNCTION = ARTICLES | {"is", "are", "of", "there", "to", "in", "on"}
_PLURALS = {form for line in IRREGULAR_PLURALS for form in line.split()[1:]} | {"people", "cattle", "sheep"}
_SINGULAR_ENDS = ("ss", "us", "is")
_LEAST_ITEMS = 3  # a word that fewer items know gets no vector


def words(text: str) -> list[str]:
    """The words of a text, lower case."""
    return _WORD.findall(text.lower())


@lru_cache(maxsize=65536)
def head(name: str) -> str:
    """The word that says what the thing is: the last one, as in `teddy bear`; "" where there is no word."""
    found = words(name)
    return found[-1] if found else ""


@lru_cache(maxsize=65536)
def is_plural(name: str) -> bool:
    """Whether the name's head looks like a plural."""
    word = head(name)
    return word in _PLURALS or (len(word) > 3 and word.endswith("s") and not word.endswith(_SINGULAR_ENDS))


class WordVectors(BaseModel):
    """A unit vector for each word of the training items: words of like company have like vectors.

    Positive pointwise mutual information of two words being known of the same item, reduced to its first
    singular vectors (Levy and Goldberg, NeurIPS 2014). No relation label takes part.

    Attributes:
        vocabulary: the words.
        vectors: shape [words, dimensions].
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    vocabulary: list[str]
    vectors: Floats

    @model_validator(mode="after")
    def _fits(self) -> WordVectors:
        expect("vectors", self.vectors, "float32", len(self.vocabulary), DIMENSIONS)
        self._rows = {word: row for row, word in enumerate(self.vocabulary)}
        self._known: dict[str, int] = {}
        return self

    @classmethod
    def fit(cls, items: Sequence[Item], *, seed: int) -> WordVectors:
        """Learns from the names and descriptions of items."""
        documents = [sorted(_document(item)) for item in items]
        counts: dict[str, int] = {}
        for document in documents:
            for word in document:
                counts[word] = counts.get(word, 0) + 1
        vocabulary = sorted(word for word, count in counts.items() if count >= _LEAST_ITEMS)
        vectors = np.zeros((len(vocabulary), DIMENSIONS), np.float32)
        size = min(DIMENSIONS, len(vocabulary) - 1)
        if size > 0:
            reduced = TruncatedSVD(size, random_state=seed).fit_transform(_association(documents, vocabulary))
            lengths = np.linalg.norm(reduced, axis=1, keepdims=True)
            vectors[:, :size] = reduced / np.where(lengths > 1e-6, lengths, 1)
        return cls(vocabulary=vocabulary, vectors=vectors)

    def __call__(self, names: Iterable[str]) -> NDArray[np.float32]:
        """The vectors of the names' heads, shape [names, dimensions]; zero for a word that is not known."""
        rows = np.array([self._row(name) for name in names], np.intp)
        found = np.zeros((len(rows), DIMENSIONS), np.float32)
        found[rows >= 0] = self.vectors[rows[rows >= 0]]
        return found

    def _row(self, name: str) -> int:
        row = self._known.get(name)
        if row is None:
            word = head(name)
            forms = (word, *sorted(number_forms(word))) if word else ()
            row = next((self._rows[form] for form in forms if form in self._rows), -1)
            if len(self._known) < 1 << 20:
                self._known[name] = row
        return row


def _document(item: Item) -> set[str]:
    texts = [*item.descriptions_v1, *item.descriptions_v2]
    texts += [name for triple in item.triples for name in (triple.subject, triple.object)]
    return {word for text in texts for word in words(text)} - _FUNCTION


def _association(documents: list[list[str]], vocabulary: list[str]) -> sparse.csr_matrix:
    place = {word: column for column, word in enumerate(vocabulary)}
    rows, columns = [], []
    for row, document in enumerate(documents):
        for word in document:
            if word in place:
                rows.append(row)
                columns.append(place[word])
    known = sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(documents), len(vocabulary)))
    together = sparse.coo_matrix(known.T @ known)
    apart = together.row != together.col
    row, column, count = together.row[apart], together.col[apart], together.data[apart]
    totals = np.bincount(row, count, len(vocabulary))
    information = np.log(count * count.sum() / (totals[row] * totals[column]))
    positive = information > 0
    return sparse.csr_matrix(
        (information[positive], (row[positive], column[positive])), shape=(len(vocabulary),) * 2
    )
