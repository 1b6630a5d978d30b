"""A choice among nine from a server that generates text: ways to force it, and how likely it makes each of the nine.

A server reports the likeliest tokens at each place along the one answer that it gave. Labels that part from it at a
token of their own have their share there; labels that part from it together (`to the left of` and `to the right of`,
beside an answer `on`) have a share as a group, which a second question, narrowed to the group, divides.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from llava_vsd.relations import RELATIONS, Relation

Group = tuple[Relation, ...]

_FIELD = "relation"


def _schema(labels: Group) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {_FIELD: {"type": "string", "enum": list(labels)}},
        "required": [_FIELD],
        "additionalProperties": False,
    }
    return {
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": _FIELD, "strict": True, "schema": schema},
        }
    }


FORMS: dict[str, Callable[[Group], dict[str, Any]]] = {
    "structured_outputs": lambda labels: {"structured_outputs": {"choice": list(labels)}},
    "guided_choice": lambda labels: {"guided_choice": list(labels)},
    "regex": lambda labels: {"regex": f"({'|'.join(labels)})"},
    "grammar": lambda labels: {"grammar": "root ::= " + " | ".join(f'"{label}"' for label in labels)},
    "response_format": _schema,
    "text": lambda labels: {},
}
"""What to add to a request so that the answer is one of the labels, in the order in which they are tried: vLLM, vLLM
before 0.12, SGLang, llama.cpp, the JSON schema of OpenAI's own API; `text` forces nothing and reads what comes."""

_UNSEEN = 0.05
_ROUNDED = 1e-3  # by which a log probability in a short type may be above 0
_END = "\0"  # for the token that ends an answer, where a server writes it as nothing
_JSON_HEAD = re.compile(r'\s*\{\s*"' + _FIELD + r'"\s*:\s*"')


def unwrapped(form: str, text: str) -> str:
    """The label in an answer to `form`; the text as it is where it is wrapped in nothing."""
    if form == "response_format":
        try:
            found = json.loads(text)
        except ValueError:
            return text
        if isinstance(found, dict) and isinstance(found.get(_FIELD), str):
            return str(found[_FIELD])
    return text


class Step:
    """One token of an answer, and the probabilities of the likeliest tokens at its place, itself among them."""

    def __init__(self, token: str, alternatives: Mapping[str, float]) -> None:
        self.token, self.alternatives = token, alternatives

    def hidden(self, tokens: int) -> float:
        """The most that so many tokens can have that are not reported: none is likelier than the least likely one."""
        return min(tokens * min(self.alternatives.values()), max(0.0, 1 - sum(self.alternatives.values())))


def steps(logprobs: Any) -> list[Step]:
    """The steps of a chat answer's `logprobs`; empty where there are none, or any part of them has another form.

    A form is another where a field is missing, a token is no text, or a log probability is no number, or above 0.
    """
    try:
        return [
            Step(said, dict(map(_likely, one["top_logprobs"])) | {said: share})
            for one in logprobs["content"]
            for said, share in (_likely(one),)
        ]
    except (KeyError, TypeError, ValueError, OverflowError):
        return []


def _likely(entry: Any) -> tuple[str, float]:
    """A token and its probability, from what a server says of it."""
    token, logprob = entry["token"], entry["logprob"]
    if not isinstance(token, str) or type(logprob) not in (int, float):
        raise TypeError
    if not logprob <= _ROUNDED:  # nor is NaN
        raise ValueError
    return token, math.exp(logprob)


def shares(form: str, answer: Sequence[Step], labels: Group = RELATIONS) -> dict[Group, float]:
    """How the probability divides among labels, as far as one answer tells.

    At each token of the answer, the tokens that some label can go on with are taken as all there are: their
    probabilities are divided by their sum, so that it does not matter whether the server reports them before or after
    it rules the others out. A label none of whose tokens is among those reported has no share; where such labels could
    have more than a twentieth of what is shared out, the answer tells nothing.

    Returns:
        a share for each group of labels, in 0-1, 1 in sum; a label that the answer tells apart is a group of its own.
        Empty where the answer is none of the labels, came without probabilities, or tells nothing.
    """
    found: dict[Group, float] = {}
    said, alive, left = "", labels, 1.0
    for step in answer:
        here: dict[Group, float] = {}
        chosen: Group = ()
        for token, probability in step.alternatives.items():
            group = _reached(form, said + (token or _END), alive)
            if group:
                here[group] = here.get(group, 0.0) + probability
            if token == step.token:
                chosen = group
        said += step.token
        if not chosen:
            if _label_part(form, said):
                return {}
            continue  # still before the label: the head of the JSON object, white space
        total = sum(here.values())
        if not total or step.hidden(len(set(alive).difference(*here))) > _UNSEEN * total:
            return {}
        for group, probability in here.items():
            if group != chosen:
                found[group] = found.get(group, 0.0) + left * probability / total
        alive, left = chosen, left * here[chosen] / total
        if len(alive) == 1:
            break
    if alive == labels:
        return {}
    found[alive] = found.get(alive, 0.0) + left
    return found


def _label_part(form: str, text: str) -> str:
    """What of the text belongs to the label."""
    if form == "response_format":
        head = _JSON_HEAD.match(text)
        return text[head.end() :] if head else ""
    return text.lstrip()


def _reached(form: str, text: str, labels: Group) -> Group:
    """The labels that begin so; else the longest that ends here, if another sign than a letter follows it."""
    part = _label_part(form, text).lower()
    if not part:
        return ()
    begun = tuple(label for label in labels if label.startswith(part))
    if begun:
        return begun
    ended = [label for label in labels if part.startswith(label) and not part[len(label)].isalpha()]
    return (max(ended, key=len),) if ended else ()
