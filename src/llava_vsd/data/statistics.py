"""What a data set holds: counts by task and relation, lengths, duplicates."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from llava_vsd.relations import RELATIONS, Relation
from llava_vsd.schema import Conversation, Item, Task


@dataclass(slots=True)
class Lengths:
    """How many words, over many texts, in memory that does not grow with their number."""

    counts: Counter[int] = field(default_factory=Counter)

    def add(self, text: str) -> None:
        """Counts the words (by white space) of one text."""
        self.counts[len(text.split())] += 1

    def quantile(self, share: float) -> int:
        """The smallest length that at least `share` of the texts do not pass (0 where there is none)."""
        seen, total = 0, self.counts.total()
        for length in sorted(self.counts):
            seen += self.counts[length]
            if seen >= share * total:
                return length
        return 0

    def summary(self) -> dict[str, float]:
        """Mean, median, 95th percentile and maximum, in words."""
        total = self.counts.total()
        mean = sum(length * count for length, count in self.counts.items()) / total if total else 0.0
        return {
            "mean": round(mean, 2),
            "median": self.quantile(0.5),
            "p95": self.quantile(0.95),
            "max": max(self.counts, default=0),
        }


@dataclass(slots=True)
class Statistics:
    """Gathered while a data set is built.

    Attributes:
        triples: triples by relation, of all items.
        relations: conversations by task and relation of the asked triple.
        questions, answers: words by task.
        repeated: answers of a task that an earlier conversation of the same task has given, to the letter.
    """

    items: int = 0
    several_triples: int = 0
    repeated_images: int = 0
    descriptions: Counter[str] = field(default_factory=Counter)
    triples: Counter[Relation] = field(default_factory=Counter)
    relations: Counter[tuple[Task, Relation]] = field(default_factory=Counter)
    questions: dict[Task, Lengths] = field(default_factory=dict)
    answers: dict[Task, Lengths] = field(default_factory=dict)
    repeated: Counter[Task] = field(default_factory=Counter)
    _seen: set[bytes] = field(default_factory=set)

    def add_item(self, item: Item) -> None:
        """Counts one item."""
        self.items += 1
        self.several_triples += len(item.triples) > 1
        self.repeated_images += self._again(f"image/{item.image}")
        self.descriptions["v1"] += len(item.descriptions_v1)
        self.descriptions["v2"] += len(item.descriptions_v2)
        self.triples.update(triple.relation for triple in item.triples)

    def add_conversation(self, conversation: Conversation, relation: Relation | None) -> None:
        """Counts one conversation, about a triple of that relation where there is one."""
        task = conversation.task
        if relation is not None:
            self.relations[task, relation] += 1
        for turn in conversation.turns:
            lengths = self.questions if turn.role == "user" else self.answers
            lengths.setdefault(task, Lengths()).add(turn.text)
        self.repeated[task] += self._again(f"{task}/{conversation.turns[-1].text}")

    def _again(self, text: str) -> bool:
        digest = blake2b(text.encode(), digest_size=8).digest()
        if digest in self._seen:
            return True
        self._seen.add(digest)
        return False

    def tasks(self) -> list[Task]:
        """The tasks that occur."""
        return list(self.answers)

    def summary(self) -> dict[str, Any]:
        """All figures, for a machine to read."""
        return {
            "items": self.items,
            "items_with_several_triples": self.several_triples,
            "items_whose_image_came_before": self.repeated_images,
            "descriptions": dict(self.descriptions),
            "triples": {relation: self.triples[relation] for relation in RELATIONS},
            "tasks": {
                task: {
                    "conversations": self.answers[task].counts.total(),
                    "by_relation": {relation: self.relations[task, relation] for relation in RELATIONS},
                    "question_words": self.questions[task].summary(),
                    "answer_words": self.answers[task].summary(),
                    "repeated_answers": self.repeated[task],
                }
                for task in self.tasks()
            },
        }
