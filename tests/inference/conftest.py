"""A chat server that answers from a table of probabilities, and misbehaves when it is told to."""

from __future__ import annotations

import json
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from llava_vsd.relations import RELATIONS

Fault = Callable[[BaseHTTPRequestHandler], None]


class Chat:
    """A server of the OpenAI form on this machine.

    Attributes:
        obeys: the forms of choice that it knows; others are turned down with 422, or ignored if `ignores`.
        scores: whether it reports token probabilities.
        table: probability of each relation, for the pair that a question names (`cup/table`) or for all.
        says: what it answers to the other tasks, or to task 1 where nothing holds it.
        faults: what to do with the next requests, instead of an answer.
        requests: the bodies that came, probes of what it can left out.
        most: the most requests that were under way at a time.
    """

    def __init__(self) -> None:
        self.obeys: set[str] = {"structured_outputs"}
        self.ignores = False
        self.scores = True
        self.reports_end = True
        self.table = {name: (9 - place) / 45 for place, name in enumerate(RELATIONS)}
        self.says: Callable[[dict[str, Any]], str] = lambda body: (
            "a cup on a table.\nthe table\nit holds a cup"
        )
        self.faults: deque[Fault | None] = deque()
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.delay = 0.0
        self.most = self._now = 0
        self._lock = threading.Lock()
        chat = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 1 << 16  # head and body in one piece: two small ones wait for each other

            def log_message(self, *_: Any) -> None: ...

            def do_GET(self) -> None:
                send(self, 200, {"data": [{"id": "tiny"}]})

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with chat._lock:
                    probing = body["messages"][0]["content"] == "Say hello."
                    if not probing:
                        chat.requests.append(body)
                        chat.headers.append(dict(self.headers))
                    fault = chat.faults.popleft() if chat.faults and not probing else None
                    chat._now += 1
                    chat.most = max(chat.most, chat._now)
                try:
                    time.sleep(chat.delay)
                    fault(self) if fault else send(self, *chat.answer(body))
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True
                finally:
                    with chat._lock:
                        chat._now -= 1

        class Quiet(ThreadingHTTPServer):
            def handle_error(self, *_: Any) -> None: ...  # a client that left is no news

        self._server = Quiet(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, body: dict[str, Any]) -> tuple[int, Any]:
        asked = {
            name: body[name]
            for name in ("structured_outputs", "guided_choice", "response_format")
            if name in body
        }
        for name in asked:
            if name not in self.obeys and not self.ignores:
                return 422, {"detail": f"Unexpected field {name}"}
        form = next((name for name in asked if name in self.obeys), None)
        if form is None:
            return 200, completion(self.says(body))
        labels = {
            "structured_outputs": lambda value: value["choice"],
            "guided_choice": lambda value: value,
            "response_format": lambda value: value["json_schema"]["schema"]["properties"]["relation"]["enum"],
        }[form](asked[form])
        head, tail = ('{"relation": "', '"}') if form == "response_format" else ("", "")
        said, logprobs = self.generate(labels, [head] if head else [], tail)
        return 200, completion(head + said + tail, logprobs if self.scores and body.get("logprobs") else None)

    def generate(self, labels: list[str], head: list[str], tail: str) -> tuple[str, dict[str, Any]]:
        """Greedy over whole labels, word by word, with the true probability of each next word among `labels`."""
        said = max(labels, key=self.table.__getitem__)
        content = [token(part, {part: 1.0}) for part in head]
        past = ""
        for word in [*words(said), tail or "</s>"]:
            going = {label: self.table[label] for label in labels if starts(label, past)}
            following: dict[str, float] = {}
            for label, mass in going.items():
                rest = words(label)[len(words(past)) :]
                step = rest[0] if rest else tail or "</s>"
                following[step] = following.get(step, 0.0) + mass / sum(going.values())
            if word in (tail, "</s>") and not self.reports_end:
                break
            content.append(token(word, following))
            past += "" if word in (tail, "</s>") else word
        return said, {"content": content}


def words(text: str) -> list[str]:
    return [word if place == 0 else f" {word}" for place, word in enumerate(text.split())]


def starts(label: str, past: str) -> bool:
    return words(label)[: len(words(past))] == words(past)


def token(text: str, following: dict[str, float]) -> dict[str, Any]:
    ranked = [{"token": word, "logprob": math.log(share)} for word, share in following.items()]
    return {"token": text, "logprob": math.log(following[text]), "top_logprobs": ranked}


def completion(text: str, logprobs: Any = None, finish: str = "stop") -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    return {"choices": [{"index": 0, "message": message, "logprobs": logprobs, "finish_reason": finish}]}


def send(handler: BaseHTTPRequestHandler, status: int, answer: Any, **headers: str) -> None:
    content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    handler.send_response(status)
    for name, value in {"Content-Length": str(len(content)), **headers}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(content)


class Faults:
    """Ways to misbehave."""

    send = staticmethod(send)
    completion = staticmethod(completion)

    @staticmethod
    def drop(handler: BaseHTTPRequestHandler) -> None:
        """Closes the connection without a word."""
        handler.close_connection = True

    @staticmethod
    def half(handler: BaseHTTPRequestHandler) -> None:
        """Half of a body, then nothing."""
        handler.send_response(200)
        handler.send_header("Content-Length", "500")
        handler.end_headers()
        handler.wfile.write(b'{"choices": [{"mess')
        handler.close_connection = True

    @staticmethod
    def garbage(handler: BaseHTTPRequestHandler) -> None:
        """Bytes that are no HTTP."""
        handler.wfile.write(b"\x00\xff what\r\n\r\n")
        handler.close_connection = True

    @staticmethod
    def status(code: int, message: str = "busy", **headers: str) -> Fault:
        return lambda handler: send(handler, code, {"error": {"message": message}}, **headers)

    @staticmethod
    def body(content: bytes) -> Fault:
        return lambda handler: send(handler, 200, content)

    @staticmethod
    def slow(seconds: float) -> Fault:
        return lambda handler: time.sleep(seconds)


@pytest.fixture
def chat() -> Iterator[Chat]:
    server = Chat()
    yield server
    server.close()


@pytest.fixture
def faults() -> type[Faults]:
    return Faults
