"""Talks to a server of the OpenAI chat form with patience: many requests at once, answers in order, tries again."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import os
import random
import ssl
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Generator, Iterable
from concurrent.futures import Future
from contextlib import closing
from itertools import islice
from threading import Thread
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx

from llava_vsd import __version__
from llava_vsd.data.web import PASSING, PassingError, Patience, asked_wait
from llava_vsd.errors import ServerError, UsageError

T = TypeVar("T")
R = TypeVar("R")

KEY = "OPENAI_API_KEY"
"""The variable that holds the key where no other is named."""

PATIENCE = Patience(tries=8, read=600.0)
"""Waits of 1, 2, 4 ... 60 s: two minutes, in which a server can start anew. `read` is for a whole answer."""

_AHEAD = 4  # things taken for each that is worked on, so that a slow one does not hold up those behind
_SHOWN = 300  # characters of a server's message
_HIDDEN = "[key]"


class Server:
    """Where to ask, and how. Holds no connection: those live while `ordered` runs.

    Args:
        url: up to and without `/chat/completions`, e.g. `http://localhost:8000/v1`.
        key: name of the environment variable that holds the key. Without it `OPENAI_API_KEY` is taken where it is set
            and the way is protected or short: to https, or to this machine.
        patience: tries and waits; `connect` and `read` in seconds, `read` for a whole answer.
        at_once: how many things are worked on at a time, each by one request after the other: a server finds what it
            has kept of a picture when the next question about it comes.

    Raises:
        UsageError: no such address, or one with a name and password in it; the named variable is not set.
    """

    def __init__(self, url: str, *, key: str = "", patience: Patience = PATIENCE, at_once: int = 8) -> None:
        try:
            parts = urlsplit(url)
            host = parts.hostname if parts.port != 0 else None
        except ValueError:  # brackets or a port that no address has
            host = None
        if not host or parts.scheme not in ("http", "https") or parts.query:
            raise UsageError(f"server: {url!r}, expected an address such as http://localhost:8000/v1")
        if parts.username or parts.password:
            raise UsageError(
                "server: the address holds a name or password, expected a key in the environment"
            )
        if at_once < 1:
            raise UsageError(f"concurrency: {at_once}, expected 1 or more")
        self.url = url.rstrip("/")
        self.patience, self.at_once = patience, at_once
        if key and not os.environ.get(key):
            raise UsageError(f"key: the environment has no {key}")
        may_have = parts.scheme == "https" or _is_here(host)
        self._key = os.environ.get(key or KEY, "") if key or may_have else ""
        if not self._key.isascii() or not self._key.isprintable():
            raise UsageError(f"key: {key or KEY} holds characters that no key has")

    def ordered(
        self, work: Callable[[Session, T], Awaitable[R]], things: Iterable[T]
    ) -> Generator[R, None, None]:
        """Does `work` on each thing, `at_once` at a time; yields the results in the order of the things.

        Runs on a thread and event loop of its own, so that it can be called from anywhere. When it ends, by an error,
        Ctrl-C, or because nobody wants more, all that is under way is called off.

        Args:
            work: gets the session to ask with, and the thing.
            things: taken only a little ahead of what is yielded.

        Raises:
            VsdError: what `work` raises, in the place of the thing's result.
        """
        loop = asyncio.new_event_loop()
        thread = Thread(target=loop.run_forever, name="server", daemon=True)
        thread.start()
        begun: deque[Future[R]] = deque()
        session = Session(self)

        slots = asyncio.Semaphore(self.at_once)

        async def one(thing: T) -> R:
            async with slots:
                return await work(session, thing)

        rest = iter(things)
        try:
            for thing in islice(rest, _AHEAD * self.at_once):
                begun.append(asyncio.run_coroutine_threadsafe(one(thing), loop))
            while begun:
                result = begun.popleft().result()
                for thing in islice(rest, 1):
                    begun.append(asyncio.run_coroutine_threadsafe(one(thing), loop))
                yield result
        finally:
            asyncio.run_coroutine_threadsafe(session.end(), loop).result()
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    def get(self, path: str) -> Any:
        """What the server has at a path below its address, e.g. `models`, as JSON; raises as `Session.chat`."""

        async def ask(session: Session, path: str) -> Any:
            return await session.insist("GET", path)

        return self.once(ask, path)

    def only_model(self) -> str:
        """The name of the server's model; UsageError where it has none or several."""
        listed = self.get("models")
        try:
            models = [one["id"] for one in listed["data"]]
        except (KeyError, TypeError):
            raise ServerError(self.url, "does not list its models; expected URL#MODEL") from None
        if len(models) != 1:
            some = ", ".join(models[:5]) + (" ..." if len(models) > 5 else "")
            raise UsageError(f"openai: {self.url} has {len(models)} models ({some}); expected URL#MODEL")
        return str(models[0])

    def once(self, work: Callable[[Session, T], Awaitable[R]], thing: T) -> R:
        """Does `work` on one thing."""
        with closing(self.ordered(work, [thing])) as results:
            return next(results)

    def hidden(self, text: str) -> str:
        """The text on one line, not too long, without the key."""
        if self._key:
            text = text.replace(self._key, _HIDDEN)
        text = " ".join(text.split())
        return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."

    @property
    def headers(self) -> dict[str, str]:
        """Of every request."""
        headers = {"User-Agent": f"llava-vsd/{__version__}"}
        return headers | {"Authorization": f"Bearer {self._key}"} if self._key else headers

    @property
    def has_key(self) -> bool:
        """Whether requests carry a key."""
        return bool(self._key)


class Session:
    """Connections to a server, within the event loop that `Server.ordered` runs."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._closed_until = 0.0  # by the loop's clock: the server asked all of us to wait
        self._trusted = httpx.create_ssl_context()
        self._clients: list[httpx.AsyncClient] = []
        self._idle: list[httpx.AsyncClient] = []

    async def chat(self, body: dict[str, Any], *, passing: Collection[int] = PASSING) -> dict[str, Any]:
        """The first choice of a chat completion.

        Args:
            body: of the request.
            passing: statuses after which to try again.

        Raises:
            ServerError: refused, or failed too often; says what the server said, in one line without the key.
        """
        answer = await self.insist("POST", "chat/completions", body, passing, _first_choice)
        choice: dict[str, Any] = answer
        return choice

    async def insist(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        passing: Collection[int] = PASSING,
        check: Callable[[Any], Any] = lambda answer: answer,
    ) -> Any:
        """Asks until an answer comes that `check` takes; waits between tries, longer each time, never in step."""
        patience, clock = self.server.patience, asyncio.get_running_loop().time
        failures = 0
        while True:
            await asyncio.sleep(max(0.0, self._closed_until - clock()))
            try:
                return check(await self._ask(method, path, body, passing))
            except PassingError as error:
                failures += 1
                if failures >= patience.tries:
                    again = f" ({failures} failures in a row)" if failures > 1 else ""
                    raise self._error(f"{error}{again}") from None
                delay = min(patience.first * 2 ** (failures - 1), patience.longest) * random.uniform(0.5, 1)
                if error.after is not None:
                    if error.after > patience.obey:
                        raise self._error(f"{error}; try again in {error.after:.0f} s") from None
                    self._closed_until = max(self._closed_until, clock() + error.after)
                await asyncio.sleep(delay)

    async def _ask(
        self, method: str, path: str, body: dict[str, Any] | None, passing: Collection[int]
    ) -> Any:
        patience = self.server.patience
        client = self._idle.pop() if self._idle else self._connect()
        try:
            response = await asyncio.wait_for(
                client.request(method, f"{self.server.url}/{path}", json=body), patience.read
            )
        except asyncio.TimeoutError:
            raise PassingError(f"no answer within {patience.read:g} s") from None
        except httpx.ConnectTimeout:
            raise PassingError(f"no connection within {patience.connect:g} s") from None
        except httpx.TransportError as error:
            if isinstance(error.__cause__, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY" in str(
                error
            ):
                raise self._error(f"the server cannot prove who it is: {error}") from None
            raise PassingError(str(error) or type(error).__name__) from None
        except (httpx.DecodingError, httpx.InvalidURL) as error:
            raise PassingError(str(error)) from None
        finally:
            self._idle.append(client)
        if response.status_code != 200:
            raise self._refusal(response, passing)
        try:
            return response.json()
        except ValueError:
            raise PassingError(
                f"answered what is no JSON: {self.server.hidden(response.text)[:80]!r}"
            ) from None

    def _connect(self) -> httpx.AsyncClient:
        """A client of its own for each request under way: a shared pool's cost grows with the square of its size."""
        client = httpx.AsyncClient(
            headers=self.server.headers,
            timeout=httpx.Timeout(None, connect=self.server.patience.connect),
            verify=self._trusted,
        )
        self._clients.append(client)
        return client

    def _refusal(self, response: httpx.Response, passing: Collection[int]) -> Exception:
        status = response.status_code
        text = f"answers {status} {response.reason_phrase}".rstrip()
        said = _message(response)
        text += f": {said}" if said else ""
        if status in passing:
            return PassingError(text, asked_wait(response.headers.get("Retry-After")))
        if status in (401, 403):
            text += (
                "" if self.server.has_key else " (no key was sent; --key names the variable that holds one)"
            )
        if status == 404 and not self.server.url.endswith("/v1"):
            text += " (most servers want /v1 at the end of the address)"
        return self._error(text, status)

    def _error(self, problem: str, status: int | None = None) -> ServerError:
        return ServerError(self.server.url, self.server.hidden(problem), status)

    async def end(self) -> None:
        """Calls off all that is under way and closes the connections."""
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        for client in self._clients:
            await client.aclose()
        await asyncio.get_running_loop().shutdown_default_executor()


def _is_here(host: str) -> bool:
    """Whether a host is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _message(response: httpx.Response) -> str:
    """What a server says of its refusal: OpenAI's form, FastAPI's, or the text as it is."""
    try:
        said = response.json()
    except ValueError:
        return response.text
    if isinstance(said, dict):
        for field in ("error", "detail", "message"):
            if found := said.get(field):
                inner = found.get("message") if isinstance(found, dict) else None
                return (
                    inner
                    if isinstance(inner, str)
                    else found
                    if isinstance(found, str)
                    else json.dumps(found)
                )
    return json.dumps(said)


def _first_choice(answer: Any) -> dict[str, Any]:
    if isinstance(answer, dict) and answer.get("error") and "choices" not in answer:
        raise PassingError(f"answers an error: {json.dumps(answer['error'])}")
    try:
        choice = answer["choices"][0]
        if isinstance(choice["message"].get("content") or "", str):
            found: dict[str, Any] = choice
            return found
    except (AttributeError, KeyError, IndexError, TypeError):
        pass
    raise PassingError(f"answers JSON that is no chat completion: {json.dumps(answer)}")
