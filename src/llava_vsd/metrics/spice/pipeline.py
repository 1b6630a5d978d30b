"""From captions to SPICE: tokens, trees, dependencies, scene graphs, scores; each distinct caption is parsed once.

>>> Spice().score("a cat is under the table", ["the cat sits below a desk"]).f   # doctest: +SKIP
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from llava_vsd.errors import FileError, UsageError, VsdError
from llava_vsd.metrics.spice.cache import Cache
from llava_vsd.metrics.spice.score import SpiceScore, score
from llava_vsd.metrics.spice.tuples import RawTuple, tuples

if TYPE_CHECKING:  # loads numba
    from llava_vsd.metrics.spice.grammar import Grammar
    from llava_vsd.metrics.spice.pcfg import Parser
    from llava_vsd.metrics.spice.trees import Tree, Word

VERSION: Final = "1"
"""Of tokens, dependencies and scene graphs together: what a cache holds depends on it and on the grammar."""

CAPTIONS: Final = Path(__file__).parents[2] / "weights" / "captions_grammar" / "captions.npz"

_BATCH: Final = 64  # captions that a process gets at a time
_WORTH_A_POOL: Final = 400  # captions; starting a process costs as much as parsing about so many


def grammar_file(grammar: str | Path = "") -> Path:
    """The file of a grammar.

    Args:
        grammar: `original`, which has to be fetched once; `captions`, which ships; a file; or empty for the original
            where it has been fetched and else the captions grammar.

    Raises:
        FileError: the original has not been fetched, or there is no such file.
    """
    from llava_vsd.metrics.spice.locate import kept_grammar

    if grammar == "captions":
        return CAPTIONS
    if grammar == "original" and not kept_grammar().exists():
        raise FileError(
            kept_grammar(), "the original grammar has not been fetched; `vsd fetch spice-grammar` does it"
        )
    if grammar in ("", "original"):
        return kept_grammar() if kept_grammar().exists() else CAPTIONS
    if not Path(grammar).is_file():
        raise FileError(grammar, "no such grammar file; expected original, captions or a file")
    return Path(grammar)


@dataclass(frozen=True, slots=True)
class Analysis:
    """What SPICE reads in one caption: per sentence the tree and the dependencies; the tuples of all."""

    trees: list[Tree]
    dependencies: list[list[Word]]
    tuples: list[RawTuple]


class Spice:
    """Scores captions against references.

    Args:
        grammar: see `grammar_file`.
        synsets: whether names that share a WordNet synset match (the original's default).
        processes: how many parse at the same time where there are many captions.
        cache: an SQLite file that keeps parses between runs, see `Cache`.

    Raises:
        FileError: the grammar's file is missing or is none.
        CacheError: the cache cannot be used.
    """

    version: str = VERSION

    def __init__(
        self,
        grammar: str | Path = "",
        *,
        synsets: bool = True,
        processes: int = 1,
        cache: str | Path | None = None,
    ) -> None:
        if processes < 1:
            raise UsageError(f"processes: {processes}, expected 1 or more")
        self.path = grammar_file(grammar)
        self.synsets, self.processes = synsets, processes
        self._cache = Cache(cache, f"{VERSION}/{self._grammar.name}") if cache is not None else None
        self._known: dict[str, list[RawTuple]] = {}

    @cached_property
    def _grammar(self) -> Grammar:
        return load_grammar(self.path)

    @cached_property
    def _parser(self) -> Parser:
        from llava_vsd.metrics.spice.pcfg import Parser

        return Parser(self._grammar)

    @property
    def name(self) -> str:
        """What every report says: `SPICE (original grammar)` or `SPICE (captions grammar v1)`."""
        return f"SPICE ({self._grammar.name})"

    def score(self, candidate: str, references: Sequence[str]) -> SpiceScore:
        """The score of one caption against all its references together.

        Raises:
            UsageError: a caption is not a text.
        """
        return self.score_all([(candidate, references)])[0]

    def score_all(
        self, pairs: Iterable[tuple[str, Sequence[str]]], *, report: Callable[[int, int], None] | None = None
    ) -> list[SpiceScore]:
        """The score of each (candidate, references), in their order; `report` hears how many captions are parsed."""
        return list(self._scored(list(pairs), report))

    def __call__(self, pairs: Sequence[tuple[str, Sequence[str]]]) -> list[float]:
        """The F (0-1) of each (candidate, references); keeps no more of a score than that."""
        return [found.f for found in self._scored(pairs, None)]

    def _scored(
        self, pairs: Sequence[tuple[str, Sequence[str]]], report: Callable[[int, int], None] | None
    ) -> Iterator[SpiceScore]:
        known = self.tuples((text for one, references in pairs for text in (one, *references)), report=report)
        for candidate, references in pairs:
            yield score(known[candidate], [known[text] for text in references], synsets=self.synsets)

    def tuples(
        self, captions: Iterable[str], *, report: Callable[[int, int], None] | None = None
    ) -> Mapping[str, list[RawTuple]]:
        """The raw tuples of each distinct caption; what is parsed is kept for the life of this object.

        Raises:
            UsageError: a caption is not a text; says which.
        """
        wanted = list(dict.fromkeys(captions))
        for place, caption in enumerate(wanted):
            if not isinstance(caption, str):
                raise UsageError(f"caption {place}: {caption!r}, expected a text")
        missing = [caption for caption in wanted if caption not in self._known]
        if self._cache and missing:
            self._known |= self._cache.get(missing)
            missing = [caption for caption in missing if caption not in self._known]
        done = len(wanted) - len(missing)
        for some in self._parsed(missing):
            self._known |= some
            if self._cache:
                self._cache.put(some)
            done += len(some)
            if report:
                report(done, len(wanted))
        return self._known

    def _parsed(self, captions: list[str]) -> Iterator[dict[str, list[RawTuple]]]:
        batches = [captions[start : start + _BATCH] for start in range(0, len(captions), _BATCH)]
        if self.processes == 1 or len(captions) < _WORTH_A_POOL:
            for batch in batches:
                yield {caption: analyse(caption, self._parser).tuples for caption in batch}
            return
        assert self._grammar  # a file that is none is an error here, not in every worker
        # spawned, not forked: a fork copies locks that threads of numpy or numba may hold
        with ProcessPoolExecutor(
            self.processes, multiprocessing.get_context("spawn"), _start_worker, (self.path,)
        ) as pool:
            try:
                yield from pool.map(_work, batches)
            except BrokenProcessPool:
                raise VsdError(
                    f"{self.name}: a process that parsed was killed; fewer --processes need less memory"
                ) from None

    def analyse(self, caption: str) -> Analysis:
        """Everything that SPICE reads in a caption, for a person to look at."""
        return analyse(caption, self._parser)


def analyse(caption: str, parser: Parser) -> Analysis:
    """Takes a caption through all steps with a parser at hand."""
    from llava_vsd.metrics.spice.dependencies import basic
    from llava_vsd.metrics.spice.graph import collapse
    from llava_vsd.metrics.spice.tokens import sentences

    trees = [parser.parse(words) for words in sentences(caption)]
    dependencies = [basic(tree) for tree in trees]
    graphs = [collapse(words, place) for place, words in enumerate(dependencies)]
    return Analysis(trees, dependencies, tuples(graphs))


def load_grammar(path: Path) -> Grammar:
    """A grammar in our form, or the original's own file.

    Raises:
        FileError: the file is neither.
    """
    from llava_vsd.metrics.spice.grammar import Grammar

    return Grammar.load(path)


_worker: Parser | None = None


def _start_worker(path: Path) -> None:
    from llava_vsd.metrics.spice.pcfg import Parser

    global _worker
    _worker = Parser(load_grammar(path))


def _work(captions: list[str]) -> dict[str, list[RawTuple]]:
    assert _worker is not None
    return {caption: analyse(caption, _worker).tuples for caption in captions}
