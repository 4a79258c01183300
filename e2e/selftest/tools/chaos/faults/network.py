"""What a proxy between browser and chat can do."""

from __future__ import annotations

from e2e.selftest.tools.chaos.faults.definition import Case, fault
from e2e.selftest.tools.chaos.faults.processes import LATE, NO_CONNECTION, NOTHING_SHOWN
from e2e.selftest.tools.chaos.proxy import behaviours
from e2e.selftest.tools.chaos.proxy.messages import Request
from e2e.selftest.tools.chaos.proxy.server import Behaviour

FAMILY = "network"
UNREADABLE = (
    r"the reply was cut: net::ERR_(CONTENT_DECODING_FAILED|CONTENT_LENGTH_MISMATCH|INCOMPLETE_CHUNKED_ENCODING)",
    r"the answer's body could not be read",
    r"could not be opened: .*net::ERR_",
    r"was not visible within",
    r"no payload that a wire rule names was seen within",
    *NOTHING_SHOWN,
)
"""A page of which a part came in no form that it can read."""
ENDLESS = (*LATE, r"its response had not ended after", r"is longer than \d+ MB, and was not read")


def _chat(request: Request) -> bool:
    return request.carries_chat


def _message(request: Request) -> bool:
    return request.carries_chat and (request.upgrades or request.method == "POST")


def _everything(_: Request) -> bool:
    return True


def _apply(case: Case, behaviour: Behaviour, *, cut_open: bool = False, cut_sockets: bool = False) -> None:
    """To messages, to the chat's requests, or to everything; to one, two or all that come."""
    scope = case.rng.choice((_message, _message, _chat, _everything))
    times = case.rng.choice((1, 2, None))
    case.note(f"{scope.__name__[1:]}, {times or 'all'}")
    case.proxy.behave(behaviours.only(scope, times, behaviour), cut_open=cut_open, cut_sockets=cut_sockets)


@fault("net-cut", FAMILY, "connections are cut, before or in the response",
       reasons=(*NO_CONNECTION, r"was not visible within"))  # fmt: skip
def _net_cut(case: Case) -> None:
    size = case.rng.choice((0, 1, 60, 200, 400, 1000))
    case.note(f"after {size} bytes")
    _apply(case, behaviours.cut_after(size), cut_open=case.rng.random() < 0.5)


@fault("net-refuse", FAMILY, "connections are refused", reasons=NO_CONNECTION)
def _net_refuse(case: Case) -> None:
    case.proxy.refuse()


@fault("net-delay", FAMILY, "requests or pieces of responses are held back", reasons=LATE)
def _net_delay(case: Case) -> None:
    seconds = case.rng.choice((0.05, 0.3, 1.0, 3.0))
    case.note(f"{seconds:g} s")
    _apply(case, behaviours.delayed(seconds, pieces=case.rng.random() < 0.5))


@fault("net-drip", FAMILY, "responses come in tiny pieces", reasons=LATE, on_websocket=False)
def _net_drip(case: Case) -> None:
    _apply(case, behaviours.dripping(case.rng.choice((1, 7, 64)), 0.002))


@fault("net-reorder", FAMILY, "requests overtake each other", harmless=True)
def _net_reorder(case: Case) -> None:
    case.proxy.behave(behaviours.only(_everything, None, behaviours.reordered(case.rng, 0.3)))


def _status(status: int, what: str, reasons: tuple[str, ...]) -> None:
    @fault(f"net-{status}", FAMILY, f"the chat responds {status}: {what}", reasons=reasons)
    def answer(case: Case) -> None:
        body, kind = case.rng.choice(
            (
                (b"", "text/plain"),
                (b"<html><h1>Sorry</h1>", "text/html"),
                (b'{"error": {"code": "x"}}', "application/json"),
            )
        )
        more = {"retry_after": case.rng.choice(("0", "1", "3600", "soon"))} if status != 500 else {}
        _apply(case, behaviours.answering(status, body, content_type=kind, **more), cut_sockets=True)


_SOCKET = (r"the page has no open WebSocket", r"the reply was cut: the WebSocket was closed", *NOTHING_SHOWN)
"""The handshake of a WebSocket that gets this status has no reply of its own."""
for _code, _what in ((429, "too many requests"), (500, "internal error"), (503, "not available")):
    _status(
        _code,
        _what,
        (
            rf"answered {_code}",
            rf"did not respond \(\w+\): status {_code}",
            rf"WebSocket \S+ failed: .*{_code}",
            *_SOCKET,
        ),
    )


@fault("net-half", FAMILY, "half a body, with and without its length",
       reasons=(*UNREADABLE, r"the reply was cut: the WebSocket was closed", r"the page has no open WebSocket",
                r"did not respond \(\w+\): IncompleteRead"))  # fmt: skip
def _net_half(case: Case) -> None:
    _apply(case, behaviours.half(announced=case.rng.random() < 0.5))


@fault("net-encoding", FAMILY, "bodies with wrong encodings", reasons=UNREADABLE, on_websocket=False)
def _net_encoding(case: Case) -> None:
    header, value, change = case.rng.choice(
        (
            ("content-encoding", "gzip", bytes),
            ("content-encoding", "br", bytes),
            ("content-type", "text/event-stream; charset=utf-16", bytes),
            ("content-type", "application/octet-stream", bytes),
            ("content-type", "application/json; charset=nonsense", lambda body: body.replace(b"e", b"\xe9")),
            ("content-type", "text/html", lambda body: b"\xff\xfe" + body),
        )
    )
    case.note(f"{header}: {value}")
    _apply(case, behaviours.in_encoding(header, value, change))


@fault("net-huge", FAMILY, "a body of 100 MB", reasons=ENDLESS, on_websocket=False)
def _net_huge(case: Case) -> None:
    case.proxy.behave(behaviours.only(_message, 1, behaviours.huge(100 << 20)))


@fault("net-endless", FAMILY, "a response that never ends", reasons=ENDLESS, on_websocket=False)
def _net_endless(case: Case) -> None:
    piece, after = case.rng.choice(
        ((b": on\n\n", True), (b"data: x\n\n", True), (b"x" * 1000, False), (b" ", True))
    )
    _apply(case, behaviours.endless(piece, case.rng.choice((0.002, 0.05)), after_body=after))
