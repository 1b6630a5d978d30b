"""The questions of the three tasks: templates of the paper's content in our own words, one drawn for each question."""

from __future__ import annotations

from hashlib import blake2b, sha256

from llava_vsd.errors import UsageError
from llava_vsd.relations import RELATIONS
from llava_vsd.schema import Task, Triple

OPTIONS = ", ".join(RELATIONS)

ANY = Triple(subject="a", object="b", relation="on", subject_box=(0, 1, 0, 1), object_box=(0, 1, 0, 1))
"""A pair to ask about where only the form of the question matters."""

TEMPLATES: dict[Task, tuple[str, ...]] = {
    # one relation out of the nine, which are listed in the question
    "classify": (
        'Look at the image and fill in the blank: "The {subject} is [BLANK] the {object}." '
        "Pick the preposition that fits best from: {options}.",
        'Which of these prepositions best completes "The {subject} is [BLANK] the {object}" for this image? {options}.',
        "Where is the {subject} relative to the {object} in this picture? Answer with exactly one of: {options}.",
        "Choose the spatial relation that holds between the {subject} and the {object}. "
        "Your options are: {options}. Answer with the option alone.",
        'Complete the sentence so that it is true of the image: "The {subject} is ___ the {object}." Options: {options}.',
        "From the list ({options}), name the one relation that says how the {subject} stands to the {object} here.",
        "Seen in this image, what is the position of the {subject} with respect to the {object}? "
        "Reply with one entry of this list: {options}.",
        'Select the word or phrase for [BLANK] that matches the image. Sentence: "The {subject} is [BLANK] the {object}." '
        "Candidates: {options}.",
        "How are the {subject} and the {object} arranged in the picture, taking the {subject} first? "
        "Give one of: {options}.",
    ),
    # one concise sentence or phrase
    "describe": (
        "In one short sentence or phrase, describe how the {subject} stands to the {object} in space.",
        "Describe the single spatial relation between the {subject} and the {object} in this image, concisely.",
        "Where is the {subject} in relation to the {object}? Give one brief description.",
        "Write one concise sentence about the position of the {subject} relative to the {object}.",
        "Look at the {subject} and the {object}. State in a few words how they are placed to each other.",
        "Give a short phrase that tells the spatial relationship of the {subject} and the {object} in the picture.",
        "Based on the image, say in a single sentence where the {subject} is with respect to the {object}.",
        "What is the spatial relationship of these two things: {subject}, {object}? One concise description, please.",
        "Sum up in one line how the {subject} and the {object} are located relative to each other.",
    ),
    # three detailed and diverse sentences
    "diversify": (
        "With this image as the reference, write three detailed and different descriptions "
        "of the spatial relationship between the {subject} and the {object}.",
        "Describe where the {subject} and the {object} are relative to each other in three sentences that vary in wording.",
        "Give three diverse, detailed sentences about how the {subject} stands to the {object} in space.",
        "Look closely at the {subject} and the {object}, then tell their spatial relation in three distinct ways.",
        "Produce three descriptions, each worded differently, of the position of the {subject} relative to the {object}.",
        "In three varied sentences, explain how the {subject} and the {object} are arranged in this image.",
        "How are the {subject} and the {object} placed? Answer with three detailed descriptions that do not repeat each other.",
        "Write three sentences of different style that all state the spatial relation of the {subject} to the {object}.",
        "Tell in three separate and detailed descriptions how the {subject} relates in space to the {object}.",
    ),
}


def question(task: Task, triple: Triple, *, seed: int, key: str) -> str:
    """A question about the pair of `triple`; which template it uses depends on `seed` and `key` alone."""
    templates = TEMPLATES[task]
    return _filled(templates[draw(seed, f"{key}/question", len(templates))], triple)


def ask(task: Task, triple: Triple, *, template: int = 0) -> str:
    """The question that inference asks about the pair of `triple`: always the same template of the task.

    Args:
        template: its place in `TEMPLATES[task]`; training draws from all of them, so that none is wrong.

    Raises:
        UsageError: there is no such template.
    """
    templates = TEMPLATES[task]
    if not 0 <= template < len(templates):
        raise UsageError(f"template: {template}, expected 0 to {len(templates) - 1}")
    return _filled(templates[template], triple)


def fingerprint(template: int = 0) -> str:
    """Changes when a question that `ask` makes of this template does; stands in the settings of predictions.

    Raises:
        UsageError: there is no such template.
    """
    questions = [ask(task, ANY, template=template) for task in TEMPLATES]
    return sha256("\n".join(questions).encode()).hexdigest()[:16]


def _filled(template: str, triple: Triple) -> str:
    return template.format(subject=triple.subject, object=triple.object, options=OPTIONS)


def draw(seed: int, key: str, count: int) -> int:
    """A number below `count`, uniform over keys, that depends on `seed` and `key` alone."""
    digest = blake2b(f"{seed}/{key}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % count
