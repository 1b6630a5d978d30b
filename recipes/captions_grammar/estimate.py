"""The first form of the captions grammar: which rules and taggings there are, with relative frequencies as scores."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
from annotate import Derivation
from numpy.typing import NDArray

from llava_vsd.metrics.spice.grammar import Grammar
from llava_vsd.metrics.spice.lexicon import CountedLexicon, signature

Weights = NDArray[np.float64]

NAME: Final = "captions grammar v1"
SEEN_ONCE: Final = 1  # words counted no more often teach only what unknown words are like
RARE: Final = 20  # words counted less often may also have the tags of unknown words of their signature
TYPICAL: Final = 5  # words up to this count stand for unknown ones
WORD_SMOOTHING: Final = 2.0  # how many counts the signature weighs beside a rare word's own
CLASS_SMOOTHING: Final = 3.0  # how many counts all unknown words weigh beside those of a signature
LEAST_OF_WORD: Final = 5e-3  # share below which a tag of the signature is not offered to a rare word
LEAST_OF_CLASS: Final = 1e-3  # and to an unknown word
FALLBACK: Final = "UNK-LCe"  # stands in for a signature never seen


@dataclass
class Model:
    """Rules and taggings by name, each with a score; `grammar` gives them the parser's form.

    Attributes:
        binary, unary: rules, sorted; parent and children.
        words: (word, tag), sorted.
        classes: (signature, tag), sorted.
        scores: shape [binary + unary + words + classes]; logarithms, in this order.
    """

    binary: Sequence[tuple[str, ...]]
    unary: Sequence[tuple[str, ...]]
    words: Sequence[tuple[str, ...]]
    classes: Sequence[tuple[str, ...]]
    scores: Weights

    @cached_property
    def tags(self) -> list[str]:
        """All tags, sorted."""
        return sorted({tag for _, tag in self.words} | {tag for _, tag in self.classes})

    @cached_property
    def states(self) -> list[str]:
        """All symbols, sorted."""
        return sorted({name for rule in [*self.binary, *self.unary] for name in rule} | set(self.tags))

    @cached_property
    def places(self) -> dict[tuple[str, ...], int]:
        """Where the score of a rule is, by its names."""
        return {rule: place for place, rule in enumerate([*self.binary, *self.unary])}

    @cached_property
    def tagging_places(self) -> dict[tuple[bool, str, str], int]:
        """Where the score of a tagging is, by (whether the word is known, word or signature, tag)."""
        start = len(self.binary) + len(self.unary)
        known = [(True, word, tag) for word, tag in self.words]
        unknown = [(False, name, tag) for name, tag in self.classes]
        return {tagging: place for place, tagging in enumerate(known + unknown, start=start)}

    @cached_property
    def known(self) -> frozenset[str]:
        """The words with taggings of their own."""
        return frozenset(word for word, _ in self.words)

    @property
    def borders(self) -> list[int]:
        """Where the scores of unary rules, of words and of classes start."""
        return np.cumsum([len(self.binary), len(self.unary), len(self.words)]).tolist()  # type: ignore[no-any-return]

    def parts(self, derivation: Derivation) -> Iterable[int]:
        """The places of all scores that make up the score of a derivation; parts without a score are left out."""
        for rule in (*derivation.binary, *derivation.unary):
            if rule in self.places:
                yield self.places[rule]
        for place, (word, tag) in enumerate(derivation.taggings):
            known = word in self.known
            key = (known, word if known else signature(word, first=place == 0), tag)
            if key in self.tagging_places:
                yield self.tagging_places[key]

    @cached_property
    def _form(self) -> Grammar:
        """The parser's form of it but for the scores."""
        state = {name: place for place, name in enumerate(self.states)}
        tag = {name: place for place, name in enumerate(self.tags)}
        words, names = sorted(self.known), sorted({name for name, _ in self.classes})
        word = {name: place for place, name in enumerate(words)}
        class_ = {name: place for place, name in enumerate(names)}
        lexicon = CountedLexicon(
            words=words,
            signatures=names,
            word_count=np.ones(len(words)),
            seen_of=np.array([word[name] for name, _ in self.words], np.int32),
            seen_tag=np.array([tag[of] for _, of in self.words], np.int32),
            seen_count=np.ones(len(self.words)),
            tag_count=np.ones(len(tag)),
            total=1.0,
            signature_count=np.ones(len(names)),
            unseen_of=np.array([class_[name] for name, _ in self.classes], np.int32),
            unseen_tag=np.array([tag[of] for _, of in self.classes], np.int32),
            unseen_count=np.ones(len(self.classes)),
            unseen_tag_count=np.zeros(len(tag)),
            unseen_total=1.0,
            open_tags=np.arange(len(tag), dtype=np.int32),
            frequent=0.0,
            smooth_unseen=1e-60,  # less than the lexicon takes for possible: the fallback is for new signatures alone
            smooth_seen=0.0,
            respell=False,
        )
        return Grammar(
            name=NAME,
            states=self.states,
            tags=np.array([state[name] for name in self.tags], np.int32),
            binary=np.array([[state[name] for name in rule] for rule in self.binary], np.int32).reshape(
                -1, 3
            ),
            binary_scores=np.zeros(len(self.binary), np.float32),
            unary=np.array([[state[name] for name in rule] for rule in self.unary], np.int32).reshape(-1, 2),
            unary_scores=np.zeros(len(self.unary), np.float32),
            end_score=0.0,
            tag_costs=np.zeros(len(tag)),
            lexicon=lexicon,
        )

    def grammar(self, scores: Weights) -> Grammar:
        """The parser's form of it with these scores, and with costs of tags of 0.

        The lexicon keeps scores as counts: where every tag counts 1 and every word is frequent, the score of a tagging
        is the logarithm of its count.
        """
        binary, unary, words, classes = np.split(scores, self.borders)
        form, lexicon = self._form, self._form.lexicon
        assert isinstance(lexicon, CountedLexicon)
        fallback = np.zeros(len(lexicon.tag_count))
        like = lexicon.unseen_of == lexicon.signatures.index(FALLBACK)
        fallback[lexicon.unseen_tag[like]] = np.exp(classes[like])
        return replace(
            form,
            binary_scores=binary.astype(np.float32),
            unary_scores=unary.astype(np.float32),
            lexicon=replace(
                lexicon, seen_count=np.exp(words), unseen_count=np.exp(classes), unseen_tag_count=fallback
            ),
        )


def estimate(derivations: Iterable[Derivation]) -> Model:
    """Counts what occurs, and takes the logarithms of relative frequencies as scores."""
    rules: Counter[tuple[str, ...]] = Counter()
    taggings: Counter[tuple[str, str, str]] = Counter()
    for derivation in derivations:
        rules.update(derivation.binary)
        rules.update(derivation.unary)
        taggings.update(
            (word, signature(word, first=place == 0), tag)
            for place, (word, tag) in enumerate(derivation.taggings)
        )
    parents: Counter[str] = Counter()
    for rule, count in rules.items():
        parents[rule[0]] += count
    words, classes = _taggings(taggings)
    binary = sorted(rule for rule in rules if len(rule) == 3)
    unary = sorted(rule for rule in rules if len(rule) == 2)
    scores = [
        *(math.log(rules[rule] / parents[rule[0]]) for rule in [*binary, *unary]),
        *(words[tagging] for tagging in sorted(words)),
        *(classes[tagging] for tagging in sorted(classes)),
    ]
    return Model(binary, unary, sorted(words), sorted(classes), np.array(scores))


def _taggings(
    counts: Counter[tuple[str, str, str]],
) -> tuple[dict[tuple[str, str], float], dict[tuple[str, str], float]]:
    """log P(word | tag) of words and of signatures, from counts of (word, signature, tag)."""
    of_word: dict[str, Counter[str]] = defaultdict(Counter)
    of_tag: Counter[str] = Counter()
    class_of: dict[str, str] = {}
    for (word, name, tag), count in sorted(counts.items()):
        of_word[word][tag] += count
        of_tag[tag] += count
        class_of[word] = name
    of_class: dict[str, Counter[str]] = defaultdict(Counter, {FALLBACK: Counter()})
    prior: Counter[str] = Counter()
    for (word, name, tag), count in sorted(counts.items()):
        if of_word[word].total() <= TYPICAL:
            of_class[name][tag] += count
            prior[tag] += count
    prior = prior or of_tag  # where no word is rare
    everything = prior.total()

    def shares(name: str) -> dict[str, float]:
        tags = of_class.get(name, Counter())
        return {
            tag: (tags[tag] + CLASS_SMOOTHING * count / everything) / (tags.total() + CLASS_SMOOTHING)
            for tag, count in prior.items()
        }

    classes = {
        (name, tag): math.log(share / of_tag[tag])
        for name in of_class
        for tag, share in shares(name).items()
        if share > LEAST_OF_CLASS
    }
    words: dict[tuple[str, str], float] = {}
    for word, tags in of_word.items():
        total = tags.total()
        if total <= SEEN_ONCE:
            continue
        smooth: dict[str, float] = dict(tags)
        if total < RARE:
            for tag, share in shares(class_of[word]).items():
                if tag in tags or share > LEAST_OF_WORD:
                    smooth[tag] = tags[tag] + WORD_SMOOTHING * share
        scale = total / sum(smooth.values())
        for tag, weight in smooth.items():
            words[word, tag] = math.log(weight * scale / of_tag[tag])
    return words, classes
