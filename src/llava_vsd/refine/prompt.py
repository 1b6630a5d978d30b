"""What a text model is asked: the content of the paper's prompt (LLaVA-VSD, ACM MM 2024, section 2.4) in our words."""

from __future__ import annotations

from hashlib import sha256

from llava_vsd.inference.text import Prompt
from llava_vsd.schema import Turn

TASK = (
    "You are given short sentences about a picture. Each says where one thing is in relation to another. Say it again "
    "in a simpler sentence that means much the same: keep the two things, their relation and the main structure, but "
    "put simpler adjectives, verbs or synonyms for words and phrases, so that no words in a row stay as they were. "
    "Add nothing. Answer with that one sentence alone."
)

EXAMPLES = (
    ("a woman is sitting on a bench.", "the woman rests on the bench."),
    ("there is a lamp above the desk.", "the lamp hangs over a desk."),
    ("a yellow ball is floating in the water.", "the yellow ball floats in some water."),
    ("the dog is lying next to a chair.", "a dog rests beside the chair."),
    ("a tree is shown to the left of a house.", "the tree stands left of the house."),
)
"""Sentences with their rewrites, as turns of the conversation: small models learn from these what is wanted."""


def prompt(second: str) -> Prompt:
    """The conversation whose next turn is the rewrite of a sentence."""
    turns = [Turn(role="system", text=TASK)]
    for sentence, rewrite in EXAMPLES:
        turns += [Turn(role="user", text=sentence), Turn(role="assistant", text=rewrite)]
    return (*turns, Turn(role="user", text=second))


DIGEST = sha256(repr((TASK, EXAMPLES)).encode()).hexdigest()[:16]
"""Tells this prompt from others; stands in the settings of every row."""


def sentence_of(completion: str) -> str:
    """The sentence in what the model said: its first line with a word, without quotes or a label, with a full stop."""
    line = next((line.strip() for line in completion.splitlines() if any(map(str.isalnum, line))), "")
    label, colon, rest = line.partition(":")
    if colon and rest.strip() and len(label.split()) <= _LABEL_WORDS:
        line = rest.strip()
    line = line.strip(_AROUND)
    return f"{line}." if line and line[-1] not in ".!?" else line


_AROUND = " \t\"'“”‘’`*"
_LABEL_WORDS = 3  # `New sentence:`
