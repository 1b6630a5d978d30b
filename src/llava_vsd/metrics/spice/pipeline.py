"""From captions to SPICE: tokens, trees, dependencies, scene graphs, scores; each distinct caption is parsed once.

>>> Spice().score("a cat is under the table", ["the cat sits below a desk"]).f   # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cached_property, partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

from llava_vsd.errors import FileError, UsageError, VsdError
from llava_vsd.metrics.spice.cache import Cache
from llava_vsd.metrics.spice.score import SpiceScore, score
from llava_vsd.metrics.spice.tuples import RawTuple, tuples
from llava_vsd.metrics.spice.workers import spread

if TYPE_CHECKING:  # loads numba
    from llava_vsd.metrics.spice.grammar import Grammar
    from llava_vsd.metrics.spice.pcfg import Parser
    from llava_vsd.metrics.spice.trees import Tree, Word

VERSION: Final = "1"
"""Of tokens, dependencies and scene graphs together: what a cache holds depends on it and on the grammar."""

CAPTIONS: Final = Path(__file__).parents[2] / "weights" / "captions_grammar" / "captions.npz"

_BATCH: Final = 64  # captions that a process gets at a time
_WORTH_A_POOL: Final = 4000  # captions; for fewer, starting two processes takes longer than they save


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
    if grammar == "original":
        return kept_grammar()
    if grammar == "":
        try:
            return kept_grammar() if kept_grammar().exists() else CAPTIONS
        except UsageError:  # no home folder: nothing can have been fetched into it
            return CAPTIONS
    if not Path(grammar).is_file():
        raise FileError(grammar, "no such grammar file; expected original, captions or a file")
    return Path(grammar)


Report = Callable[[int, int], None]


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
        processes: how many parse at the same time where there are many captions. With more than one, a script has
            to keep its own work below `if __name__ == "__main__":`, since each process imports it.
        cache: an SQLite file that keeps parses between runs, see `Cache`.
        report: hears how many captions are parsed, and of how many, where a call names no other.

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
        report: Report | None = None,
    ) -> None:
        if processes < 1:
            raise UsageError(f"processes: {processes}, expected 1 or more")
        self.path = grammar_file(grammar)
        self.synsets, self.processes, self._report = synsets, processes, report
        self._cache = Cache(cache, self._pipeline) if cache is not None else None
        self._known: dict[str, list[RawTuple]] = {}

    @cached_property
    def _grammar(self) -> Grammar:
        from llava_vsd.metrics.spice.grammar import Grammar

        return Grammar.load(self.path)

    @property
    def _pipeline(self) -> str:
        """What tuples depend on besides the caption; two grammars may bear the same name."""
        return f"{VERSION}/{self._grammar.name}/{sha256(self.path.read_bytes()).hexdigest()[:16]}"

    @cached_property
    def _parser(self) -> Parser:
        return _parser_of(self._grammar)

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
        self, pairs: Iterable[tuple[str, Sequence[str]]], *, report: Report | None = None
    ) -> list[SpiceScore]:
        """The score of each (candidate, references), in their order; `report` hears how many captions are parsed.

        Raises:
            UsageError: a candidate is not a text, or references are not texts; says of which pair.
        """
        return list(self._scored(list(pairs), report))

    def __call__(self, pairs: Sequence[tuple[str, Sequence[str]]]) -> list[float]:
        """The F (0-1) of each (candidate, references); keeps no more of a score than that."""
        return [found.f for found in self._scored(pairs, None)]

    def _scored(
        self, pairs: Sequence[tuple[str, Sequence[str]]], report: Report | None
    ) -> Iterator[SpiceScore]:
        _check(pairs)
        known = self.tuples((text for one, references in pairs for text in (one, *references)), report=report)
        for candidate, references in pairs:
            yield score(known[candidate], [known[text] for text in references], synsets=self.synsets)

    def tuples(
        self, captions: Iterable[str], *, report: Report | None = None
    ) -> Mapping[str, list[RawTuple]]:
        """The raw tuples of each distinct caption; what is parsed is kept for the life of this object.

        Raises:
            UsageError: a caption is not a text; says which.
        """
        captions = list(captions)
        for place, caption in enumerate(captions):
            if not isinstance(caption, str):
                raise UsageError(f"caption {place}: {caption!r}, expected a text")
        wanted = list(dict.fromkeys(captions))
        missing = [caption for caption in wanted if caption not in self._known]
        if self._cache and missing:
            self._known |= self._cache.get(missing)
            missing = [caption for caption in missing if caption not in self._known]
        report = report or self._report
        done = len(wanted) - len(missing)
        for some in self._parsed(missing):
            self._known |= some
            if self._cache:
                self._cache.put(some)
            done += len(some)
            if report:
                report(done, len(wanted))
        return {caption: self._known[caption] for caption in wanted}

    def _parsed(self, captions: list[str]) -> Iterator[dict[str, list[RawTuple]]]:
        batches = [captions[start : start + _BATCH] for start in range(0, len(captions), _BATCH)]
        if self.processes == 1 or len(captions) < _WORTH_A_POOL:
            for batch in batches:
                yield _tuples_of(self._parser, batch)
            return
        assert self._grammar  # a file that is none is an error here, not in every worker
        try:
            yield from spread(_tuples_of, partial(_parser_at, self.path), batches, self.processes)
        except BrokenProcessPool:
            raise VsdError(
                f"{self.name}: a process that parsed was killed; fewer --processes need less memory "
                '(or the script that asked lacks `if __name__ == "__main__":`)'
            ) from None

    def analyse(self, caption: str) -> Analysis:
        """Everything that SPICE reads in a caption, for a person to look at."""
        return analyse(caption, self._parser)


def _check(pairs: Sequence[tuple[object, object]]) -> None:
    for place, (candidate, references) in enumerate(pairs):
        if not isinstance(candidate, str):
            raise UsageError(f"pair {place}: candidate: {candidate!r}, expected a text")
        if isinstance(references, str) or not isinstance(references, Sequence):
            raise UsageError(f"pair {place}: references: {references!r}, expected a list of texts")
        for number, reference in enumerate(references):
            if not isinstance(reference, str):
                raise UsageError(f"pair {place}: reference {number}: {reference!r}, expected a text")


def analyse(caption: str, parser: Parser) -> Analysis:
    """Takes a caption through all steps with a parser at hand."""
    from llava_vsd.metrics.spice.dependencies import basic
    from llava_vsd.metrics.spice.graph import collapse
    from llava_vsd.metrics.spice.tokens import sentences

    trees = [parser.parse(words) for words in sentences(caption)]
    dependencies = [basic(tree) for tree in trees]
    graphs = [collapse(words, place) for place, words in enumerate(dependencies)]
    return Analysis(trees, dependencies, tuples(graphs))


def _parser_at(path: Path) -> Parser:
    from llava_vsd.metrics.spice.grammar import Grammar

    return _parser_of(Grammar.load(path))


def _parser_of(grammar: Grammar) -> Parser:
    from llava_vsd.metrics.spice.pcfg import Parser

    return Parser(grammar)


def _tuples_of(parser: Parser, captions: list[str]) -> dict[str, list[RawTuple]]:
    return {caption: analyse(caption, parser).tuples for caption in captions}
