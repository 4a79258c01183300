"""The backend's own interface, called without the browser: look-ups beside the chats, and the probes of ``backend.*``."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from e2e.capture.session_ids.identity import as_text
from e2e.capture.session_ids.patterns import PATTERNS
from e2e.profile.environment import expand
from e2e.profile.parts.backend import SESSION
from e2e.profile.profile import Backend, Call
from e2e.profile.values.bounded import Expression

_MOST = 4 << 20
"""Bytes of one response: a look-up has some hundred."""
_PIECE = 1 << 16


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of one call: ``status`` is 0 when no response came, ``error`` is the reason."""

    status: int
    t: float
    provider: str | None = None
    active: int | None = None
    distribution: dict[str, int] = field(default_factory=dict)
    error: str = ""


class PendingAnswer:
    """A look-up on its way."""

    def __init__(self, future: Future[Answer]) -> None:
        self._future = future

    def done(self) -> bool:
        return self._future.done()

    def answer(self) -> tuple[str | None, int, float]:
        """``(provider, status, time)``; blocks when not `done`."""
        answer = self._future.result()
        return answer.provider, answer.status, answer.t


class BackendClient:
    """Calls the interface that the profile describes. One connection, one thread: lanes never wait for each other's look-ups."""

    def __init__(self, backend: Backend, url: str, wake: Callable[[], None], *, timeout: float = 5.0) -> None:
        self.backend = backend
        self._wake = wake
        self._timeout = timeout
        address = urlsplit(backend.url or url)
        kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
        # Kept open and plain: a richer client costs each chat several milliseconds of a core that the browser wants.
        self._connection = kind(address.hostname or "", address.port, timeout=timeout)
        self._base = address.path.rstrip("/")
        self._headers = {"Accept": "application/json"} | {n: expand(v) for n, v in backend.headers.items()}
        self._translated: dict[str, str] = {}
        """Session ID -> the backend's own."""
        self._pool = ThreadPoolExecutor(1, "backend")

    def ask(self, session: str | None) -> PendingAnswer | None:
        """Start to look a session up; None when the profile offers no look-up or there is no session."""
        call = self.backend.lookup
        if call is None or session is None:
            return None
        future = self._pool.submit(self.call, call, session)
        future.add_done_callback(lambda _: self._wake())
        return PendingAnswer(future)

    def call(self, call: Call, session: str = "") -> Answer:
        """One call, waited for; before it the one that translates the ID, where the profile has it.

        Never raises for what the network does: that is an answer too (status 0).
        """
        translate = self.backend.translate
        if translate is not None and session:
            if session not in self._translated:
                status, error, body = self._response(translate, session)
                own = as_text(_search(translate.id, body))
                if own is None or status >= 400 or error:
                    return Answer(
                        max(status, 404) if status else 0,
                        time.time(),
                        error=error or "the ID was not translated",
                    )
                self._translated[session] = own
            session = self._translated[session]
        status, error, body = self._response(call, session)
        if error:
            return Answer(status, time.time(), error=error)
        active = _search(call.active, body)
        distribution = _search(call.distribution, body)
        return Answer(
            status=status,
            t=time.time(),
            provider=as_text(_search(call.provider, body)),
            active=active if isinstance(active, int) else None,
            distribution={str(k): int(v) for k, v in distribution.items()}
            if isinstance(distribution, dict)
            else {},
        )

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._connection.close()

    def _response(self, call: Call, session: str) -> tuple[int, str, Any]:
        """Status, error and JSON value of the response; the status is 404 where the response itself says that nothing is there."""
        path = self._base + call.path.replace(SESSION, quote(session, safe=""))
        headers = self._headers | {n: expand(v).replace(SESSION, session) for n, v in call.headers.items()}
        content: bytes | None = None
        if call.body is not None:
            content = json.dumps(_filled(call.body, session)).encode()
            headers = {"Content-Type": "application/json"} | headers
        try:
            status, text = self._request(call.method, path, content, headers)
        except (
            OSError,
            ValueError,
            http.client.HTTPException,
        ) as error:  # ValueError: an ID that no header can carry
            return 0, f"{type(error).__name__}: {error}", None
        try:
            body = json.loads(text)
        except ValueError:
            body = None
        if status < 400 and body is not None and _search(call.missing, body):
            status = 404
        return status, "", body

    def _request(
        self, method: str, path: str, content: bytes | None, headers: dict[str, str]
    ) -> tuple[int, bytes]:
        for last in (False, True):
            fresh = self._connection.sock is None
            try:
                self._connection.request(method, path, content, headers)
                response = self._connection.getresponse()
                return response.status, self._body(response)
            except (OSError, http.client.HTTPException):
                self._connection.close()
                if fresh or last:
                    raise  # only a connection that the server may have closed meanwhile deserves another try
        raise AssertionError("unreachable")

    def _body(self, response: http.client.HTTPResponse) -> bytes:
        """The whole body, within the limits: a socket's timeout is one between two pieces, and a server may send for ever."""
        end = time.monotonic() + self._timeout
        length = (
            response.length
        )  # None where it is not announced; `read1` does not count it down before Python 3.13
        body = bytearray()
        while length is None or len(body) < length:
            piece = response.read1(_PIECE if length is None else min(_PIECE, length - len(body)))
            if not piece:
                break
            body += piece
            if len(body) > _MOST or time.monotonic() > end:
                self._connection.close()
                raise ValueError(f"its response had not ended after {len(body):,} bytes")
        if length is not None and len(body) < length:
            raise http.client.IncompleteRead(bytes(body), length - len(body))
        response.close()  # read to its end: the connection takes the next request
        return bytes(body)


Report = Callable[[str, str, str | None, str | None, Answer], None]
"""Called with ``(question, probe, pattern, session, answer)`` for each call of a probe."""

_FRESH, _EACH, _AGAIN = 20, 5, 3


def probe(client: BackendClient, report: Report) -> None:
    """Ask the backend the questions of ``backend.*`` and leave it as it was found: what was assigned is removed again.

    Needs ``writes`` for all but the state. 20 fresh sessions; five IDs in each of the seven patterns; one session requested again;
    one session removed. The state comes first: sessions that the probes spread would hide that all others are on one provider.
    """
    backend = client.backend
    mine: list[str] = []
    if backend.state is not None:
        report("state", "state", None, None, client.call(backend.state))
    try:
        if backend.writes and backend.assign is not None:
            _assignments(client, backend.assign, report, mine)
            _sameness(client, backend.assign, report, mine)
            _removal(client, backend.assign, report, mine)
    finally:
        if backend.writes and backend.remove is not None:
            for session in dict.fromkeys(mine):
                client.call(backend.remove, session)


def _assignments(client: BackendClient, assign: Call, report: Report, mine: list[str]) -> None:
    for session in PATTERNS["uuid"].make(_FRESH):
        mine.append(session)
        report("assign", "fresh", None, session, client.call(assign, session))
    for pattern in PATTERNS.values():
        for session in pattern.make(_EACH):
            mine.append(session)
            report("assign", "pattern", pattern.name, session, client.call(assign, session))


def _sameness(client: BackendClient, assign: Call, report: Report, mine: list[str]) -> None:
    [session] = PATTERNS["uuid"].make(1)
    mine.append(session)
    report("assign", "same", None, session, client.call(assign, session))
    for _ in range(_AGAIN):
        call = client.backend.lookup or assign
        report("lookup", "same", None, session, client.call(call, session))


def _removal(client: BackendClient, assign: Call, report: Report, mine: list[str]) -> None:
    lookup, remove = client.backend.lookup, client.backend.remove
    if lookup is None or remove is None:
        return
    [session] = PATTERNS["uuid"].make(1)
    mine.append(session)
    report("assign", "removed", None, session, client.call(assign, session))
    report("lookup", "removed", None, session, client.call(lookup, session))
    report("remove", "removed", None, session, client.call(remove, session))
    report("lookup", "removed", None, session, client.call(lookup, session))


def _filled(value: Any, session: str) -> Any:
    """A body with the session and the environment's variables in its texts."""
    if isinstance(value, str):
        return expand(value).replace(SESSION, session)
    if isinstance(value, dict):
        return {name: _filled(part, session) for name, part in value.items()}
    return [_filled(part, session) for part in value] if isinstance(value, list | tuple) else value


def _search(expression: str | None, body: Any) -> Any:
    """What ``expression`` finds; None when one of its functions is not for a response of this form."""
    if not expression or body is None:
        return None
    return Expression(expression, "backend").search(body)
