"""The record types: what a run leaves behind, one JSON line per thing seen.

Capture writes them, analysis and reports read them, and nothing else passes between those. A run is a folder with

- ``run.json``     one ``RunMeta``: what was planned, with what, and whether it ended;
- ``events.jsonl`` one ``Event`` per line, as seen (raw);
- ``chats.jsonl``  one ``Chat`` per line, at the end of each chat (curated).

After the run, a file of more than 16 MB is compressed (``events.jsonl.zst``, Zstandard); whatever reads evidence reads both.

Session IDs in records are *references*: masked (``session_…3f9a1b2c``: the prefix, then a keyed hash) unless the run was
made with ``--show-ids``. Equal IDs have equal references within one masking key. ``None`` always means "not there";
whether it could be looked for at all has a field of its own. Times are seconds since the epoch, on the one
clock of the machine that ran the browser.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

from e2e.quick import quick
from e2e.records.printable import as_name, printable
from e2e.records.shape import checked, checked_data

SCHEMA = 1
SERVED_UNSEEN = "service worker (from where it had the reply was not seen)"
"""`Message.served_by` where the source of the wire cannot tell a service worker's cache from the network."""
SIDE_LANE = 1000
"""Lanes from here on walk at random or are experiments: nothing is judged by them."""
NOT_TAKEN = ("http_error", "refused")
"""Outcomes of a message that the backend did not take."""

EventKind = Literal[
    "open",  # the suite loaded the page: {url}
    "reload",  # the suite reloaded it: {url}
    "login",  # the suite signs in by the profile's steps: {}
    "context",  # the lane goes on in a fresh browser context: {number, why}
    "return",  # the user went back to an older chat: {}
    "away",  # the user left the page for another one: {}
    "back",  # and came back by the browser's Back: {restored: it came out of the back/forward cache}
    "network",  # the suite slowed the network down, or ended that: {latency_ms}
    "play",  # a scenario begins: {scenario}
    "unseen",  # it could not be seen to its end: {scenario, what, where}
    "retry",  # a refused message is sent again after a pause: {seconds, why}
    "typed_again",  # the page was loaded anew before the message left it, or its text never arrived in the box: {}
    "new_chat",  # a trusted New Chat click arrived in the page: {}
    "send",  # the user submitted a message: {message}
    "storage",  # a write to the store: {store, op, key, session, previous, same_value, shape, time_offset, stack, by}
    "minted",  # what an ID is made of, described without it, at the time of its first writing: {session, features}
    "payload",  # a request or frame that the profile names: {rule, transport, method, url, session, message, bleeds_from,
    # history, stack, request, origin: page|iframe|worker|shared_worker|service_worker, judged, form, retry, unreadable,
    # by_text: whether a message's text is in it}
    "issued",  # a reply (or a socket's frame) carried a session ID that the server made: {session, request, rule, message}
    "sighting",  # an ID was looked for where the profile does not look, and found there, or nowhere (place ""): {session, place,
    # url, form, layer: sent|stored, rule, searched, unread}
    "undecoded",  # frames of a socket that its rule's framing could not read as they are: {url, framing, frames, undecoded,
    # replaced: those that are text but for some bytes}
    "response",  # its answer's head: {rule, request, status, cached}
    "chunk",  # a piece of the answer that says something: {rule, request, index, event, provider, stream}
    "finished",  # the exchange ended: {rule, request, outcome: ok|failed|cancelled, error, chunks, bytes}
    "reply_end",  # the reply is complete by the profile's rule: {message, how}
    "label",  # the provider shown on the screen: {message, provider}
    "screen",  # messages visible once a new chat was there, before anything was sent: {messages, compared, screen_from}
    "recall",  # a chat was asked for a code word: {message, word_of: the chat that was given it, knows, why: it is not known,
    # names, names_lane: the chat whose word the reply named, in_payload: the question's payload held the word, named_in_payload:
    # it held the one that was named, same_line: the WebSocket is still the one by which the word was given}
    "backend",  # the backend's own interface was called: {question, session, provider, status, probe, pattern, …}
    "page_error",  # an uncaught error or a console error of the page: {text}
    "experiment",  # what an experiment showed, besides its chats: {name, session, provider, status, why}
    "problem",  # the suite could not look: {kind, what, where, way_out}
]

Scenario = Literal[
    "plain",
    "reload",
    "rapid-send",
    "double-click",
    "mid-stream",
    "two-tabs",
    "back-forward",
    "empty-chat",
    "return-to-chat",
    "memory",
    "walk",
    "experiment",
]
"""What the user did. ``plain`` chats are counted by ``--chats``; ``walk`` is any order of things, drawn at random;
``experiment`` chats follow a failure to isolate its layer; no check judges them."""

After = Literal["", "reload", "other-tab", "back", "return"]
"""What happened between the chat's message before (or its New Chat) and this one."""


@quick
@dataclass(frozen=True, slots=True)
class Event:
    """One timestamped thing seen.

    ``seq`` is the order of arrival in the suite, ``t`` the order in the world: sort by ``(t, seq)``.
    ``lane`` is -1 for what belongs to no lane (backend probes); ``chat`` counts from 0 inside its lane.
    """

    run_id: str
    seq: int
    t: float
    lane: int
    chat: int | None
    kind: EventKind
    data: Mapping[str, Any] = field(default_factory=dict)
    schema: int = SCHEMA

    def to_json(self) -> dict[str, Any]:
        """The line of ``events.jsonl``, as plain JSON types."""
        return {name: getattr(self, name) for name in _EVENT_FIELDS}

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        """Inverse of `to_json`. Raises ``KeyError`` when a required field is missing, ``TypeError`` when one is of another type."""
        known = checked(_EventHead, raw)
        known["data"] = checked_data(raw["data"])
        return cls(*[known[name] for name in _EVENT_FIELDS_IN_ORDER])


@dataclass(frozen=True, slots=True)
class _EventHead:
    """What each event has besides its data; its kind is any text, for a newer suite has more kinds."""

    schema: int
    run_id: str
    seq: int
    t: float
    lane: int
    chat: int | None
    kind: str


_EVENT_FIELDS_IN_ORDER = tuple(Event.__dataclass_fields__)
_EVENT_FIELDS = ("schema", "run_id", "seq", "t", "lane", "chat", "kind", "data")


@quick
@dataclass(frozen=True, slots=True)
class Message:
    """One message of a chat with its reply, as seen on five layers.

    ``stored`` (the ID in the store when the payload left), ``sent`` (the ID in the payload), ``reply_provider``
    (named by the reply), ``backend_provider`` (the backend's own answer for ``sent``), ``label_provider`` (on the screen).
    """

    number: int
    """0 is the chat's first message."""
    after_reload: bool
    """The page was reloaded between the chat's first message and this one."""
    sent_at: float | None
    ended_at: float | None
    first_chunk_at: float | None
    stored_seen: bool
    """The store could be read; only then does ``stored is None`` mean that it held no ID."""
    stored: str | None
    sent_seen: bool
    """A payload was seen; only then does ``sent is None`` mean that it carried no ID."""
    sent: str | None
    reply_provider: str | None
    backend_provider: str | None
    label_provider: str | None
    status: int | None
    """HTTP status of the exchange (101 for a WebSocket frame), or None when no answer came."""
    outcome: Literal["ok", "http_error", "refused", "failed", "timeout", "unsent", "cut"]
    """``cut``: the user did not wait for the end."""
    chunks: int
    bleeds_from: int | None
    """Index of an earlier chat of the lane whose text this payload contained, or None."""
    seen_on_screen: bool
    """A label was looked for; only then does ``label_provider is None`` mean that none was shown."""
    request: str | None = None
    """Ties the message to its ``payload`` event."""
    served_by: str = ""
    """What answered in the network's place (a cache, a service worker without a request), or ``""``."""
    after: After = ""
    unreadable: str = ""
    """Why the payload's body could not be decoded, or ``""``. Unread is not empty: ``sent_seen`` is False then."""
    accepted: str = ""
    """With the outcome ``unsent``: how the page showed that it took the message ("the box was cleared"), or ``""``."""
    issued: str | None = None
    """The session ID that the server made and issued in this message's reply, or None."""
    ended_elsewhere: bool = False
    """The backend did not take it, because New Chat in another tab had just ended the session that both tabs share by the policy."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        known = checked(cls, raw)
        for name in ("reply_provider", "backend_provider", "label_provider"):
            if known.get(name) is not None:
                known[name] = as_name(known[name])
        return cls(**known)


@quick
@dataclass(frozen=True, slots=True)
class Chat:
    """One observation: a chat from its New Chat click (or page load) to the next.

    ``status`` is ``observed`` (its first message was sent and its reply ended), ``blocked`` (the environment refused) or ``lost``
    (the suite could not see it to its end); the last two carry a ``reason``.
    """

    run_id: str
    lane: int
    chat: int
    """Counts from 0 inside the lane."""
    scenario: Scenario
    via: Literal["load", "new_chat"]
    context: int
    """Number of the browser context inside the lane; a transition counts only within one context."""
    status: Literal["observed", "blocked", "lost"]
    reason: str
    began: float
    ended: float
    stored_before: str | None
    """The ID in the store just before New Chat was clicked."""
    stored_seen: bool
    stored: str | None
    """The ID in the store when the chat's first payload left."""
    screen_messages: int | None
    """Messages visible in the new chat before anything was sent, or None when not looked at."""
    messages: tuple[Message, ...]
    stored_end: str | None = None
    """The ID in the store when the chat ended."""
    stored_end_seen: bool = False
    shows_from: int | None = None
    """Index of an earlier chat of the lane whose text stood on the screen when the chat ended, or None."""
    screen_seen: bool = False
    """The screen was searched for that."""
    cut: bool = False
    """New Chat was clicked while this chat's reply was still streaming."""
    tab: int = 0
    """0 is the lane's own tab; others were opened beside it."""
    experiment: str = ""
    """Name of the experiment that this chat belongs to."""
    screen_compared: bool = False
    """What the new chat showed before anything was sent was compared with the texts of earlier chats."""
    screen_from: int | None = None
    """Index of the earlier chat of the lane whose text it showed then, or None."""
    events: int = field(default=0, compare=False)
    """The run's events with lower numbers were written before this line; 0 in older evidence."""
    reply_followed: bool = True
    """The text of the reply that was left behind could be read, so that it would be recognised in the next chat."""
    schema: int = SCHEMA

    @property
    def refused(self) -> bool:
        """The backend took none of its messages."""
        return bool(self.messages) and all(m.outcome in NOT_TAKEN for m in self.messages)

    def to_json(self) -> dict[str, Any]:
        """The line of ``chats.jsonl``, as plain JSON types."""
        return asdict(self)

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        """Inverse of `to_json`. Raises ``TypeError`` when a required field is missing."""
        known = checked(cls, raw)
        known["messages"] = tuple(Message.from_json(m) for m in raw["messages"])
        return cls(**known)


@dataclass(frozen=True, slots=True)
class CodePlace:
    """One stack position resolved through a source map (or left as the bundle's, ``mapped`` False).

    ``source`` is a path as the map gives it, ``line`` and ``column`` count from 1,
    ``context`` holds a few lines around ``line`` as ``(number, text)``, or a part of one long line, where the code could be read.
    """

    source: str
    line: int
    column: int
    function: str
    mapped: bool
    vendor: bool
    """The place lies in a library (``node_modules``), not in the product's own code."""
    context: tuple[tuple[int, str], ...] = ()
    library_like: bool = False
    """Its script looks like a library's, or nearly all stacks go through it: it counts where a stack has nothing better."""
    readable: bool = False
    """Without a map: a script of its own, written line by line."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        known = checked(cls, raw)
        known["context"] = tuple((int(n), printable(str(text))) for n, text in raw.get("context", ()))
        return cls(**known)


@dataclass(frozen=True, slots=True)
class Policy:
    """What the profile says is right; copied into the run so that recorded evidence is judged by its own rules."""

    rotation: Literal["on_click", "on_first_message", "on_first_reply"] = "on_click"
    reload_keeps: bool = True
    sends_id: bool = True
    """The chat sends a session ID. Without one, a chat is what lies between two New Chats, and is judged by its content."""
    store: str = "localStorage"
    """Kind of session store; ``none`` when the ID lives in memory only (then only what is sent counts)."""
    key: str | None = None
    providers: tuple[str, ...] | None = None
    """Expected provider names, or None when unknown."""
    provider_count: int | None = None
    weights: Mapping[str, float] | None = None
    """Expected share per provider (sums to 1), or None for uniform over ``providers`` / unknown."""
    min_effective_providers: float | None = None
    affinity: Literal["session", "user", "none"] = "session"
    provider_source: tuple[str, ...] = ("reply", "backend", "label")
    """Which layer says who answered; the first that does counts."""
    empty_chat: Literal["rotates", "reuses"] = "rotates"
    """What New Chat does on a chat without messages."""
    tabs: Literal["share", "own"] = "share"
    """Whether two tabs of one browser have one session."""
    in_address: bool = False
    """The payloads' ID is read from the page's address (``session = { page = … }``): a load of that address keeps it."""
    bearer: bool = False
    """The session ID is a credential."""
    has_label: bool = True
    has_backend: bool = False
    has_memory: bool = False
    """The profile has prompts that give a code word and ask for it."""
    accepted: tuple[Accepted, ...] = ()
    """Known faults, and until when they fail no run."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        known = checked(cls, raw)
        for name in ("providers", "provider_source"):
            if known.get(name) is not None:
                known[name] = tuple(map(as_name, known[name]))
        if known.get("weights"):
            known["weights"] = {as_name(name): share for name, share in known["weights"].items()}
        if "accepted" in known:
            known["accepted"] = tuple(Accepted(**checked(Accepted, one)) for one in known["accepted"])
        return cls(**known)


@dataclass(frozen=True, slots=True)
class Accepted:
    """A cause that fails no run until a day (UTC, ``2027-01-31``) is over."""

    cause: str
    until: str
    reason: str
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """The suite could not look; ``kind`` is the name of the ``HarnessError`` subclass."""

    kind: str
    what: str
    where: str = ""
    way_out: str = ""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        return cls(**checked(cls, raw))


_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+-]{0,199}")
_FILE_NAMES = ("run_id", "trace", "target")
"""They are parts of paths: of the site, of the history, beside the evidence."""
_SHARD = re.compile(r"[0-9]{1,5}/[0-9]{1,5}")


def browser_label(browser: str, channel: str = "", device: str = "") -> str:
    """How reports and the run history name a browser: runs in another channel or on another device are another series."""
    details = ", ".join(part for part in (channel, device) if part)
    return f"{browser} ({details})" if details else browser


@dataclass(frozen=True, slots=True)
class RunMeta:
    """``run.json``: written when the run starts (``finished`` None) and again when it ends."""

    run_id: str
    target: str
    """The profile's name."""
    title: str
    url: str
    """Where the chat was opened (without credentials and query)."""
    started: float
    finished: float | None
    planned_chats: int
    lanes: int
    masked: bool
    mask_key: str
    """Fingerprint of the masking key: references of two runs are comparable only when it is equal."""
    policy: Policy
    alarms_per_year: float
    environment: Mapping[str, str]
    """Facts for the report: browser, versions, git commit, platform, options that were not the default."""
    code: Mapping[str, CodePlace] = field(default_factory=dict)
    """Stack position ``url:line:column`` (as in the events' ``stack`` frames) -> its place in the source."""
    problems: tuple[Problem, ...] = ()
    interrupted: str = ""
    """Why the run ended early ("Ctrl-C", …), or ``""``."""
    invocation: Mapping[str, str] = field(default_factory=dict)
    """Variables of ``make e2e`` that lead to the same target again (``TARGET``, ``BASE_URL``, ...); none in older runs."""
    trace: str = ""
    """File name of the Playwright trace beside this file, or ``""``."""
    scenarios: Mapping[str, int] = field(default_factory=dict)
    """Scenario -> how often it was to be played, besides the planned chats."""
    saved_chats: int = 0
    """Chats that were not needed: every verdict was decided before (``--until-decided``)."""
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Scenario or experiment -> why it was not played."""
    shard: str = ""
    """``2/3``: this is the second of three parts of a run; or ``""``."""
    whole_chats: int = 0
    """Plain chats that were planned over all shards; 0 for a run that is whole."""
    shared_run: str = ""
    """Name of the run that several machines share (the last part of the Job's name), or ``""``: a shard that is recorded twice under
    one name counts once."""
    owners: Mapping[str, str] = field(default_factory=dict)
    """``frontend``, ``backend``, ``suite`` -> who looks at a failure there."""
    links: Mapping[str, str] = field(default_factory=dict)
    """Name -> address: where a reader of the report wants to go."""
    gates: Mapping[str, float] = field(default_factory=dict)
    """Key figure -> limit of the release gate, as far as the profile says one."""
    unjudged: Mapping[str, str] = field(default_factory=dict)
    """Check -> why this evidence cannot make it pass: a recording of requests has no stores and no clicks."""
    events: int = field(default=0, compare=False)
    """The events with lower numbers were written before this file; 0 in older evidence."""
    schema: int = SCHEMA

    @property
    def browser(self) -> str:
        """``chromium``, ``chromium (msedge, iPhone 15)``: without its version, which changes without the target having done so."""
        name = self.environment.get("browser", "").split(" ")[0]
        return browser_label(name, self.environment.get("channel", ""), self.environment.get("device", ""))

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        known = checked(cls, raw)
        for name, value in known.items():
            if name in _FILE_NAMES and value and not _FILE_NAME.fullmatch(value):
                raise ValueError(f"{name} is {value[:60]!r}, which is no name of a file")
        if known.get("shard") and not _SHARD.fullmatch(known["shard"]):
            raise ValueError(f"shard is {known['shard'][:60]!r}, expected a part such as 2/3")
        known["policy"] = Policy.from_json(raw["policy"])
        known["code"] = {printable(k): CodePlace.from_json(v) for k, v in raw.get("code", {}).items()}
        known["problems"] = tuple(Problem.from_json(p) for p in raw.get("problems", ()))
        return cls(**known)


@dataclass(frozen=True, slots=True)
class RunRecords:
    """One recorded run, as read from its folder."""

    meta: RunMeta
    events: Sequence[Event]
    chats: tuple[Chat, ...]
    folder: str
    """Where it was read from, for messages."""
    torn_lines: int = 0
    """Lines that could not be parsed (a killed run may leave its last line half written)."""
    chats_file: str = "chats.jsonl"
    """Name of the file that the chats were read from."""
    whole: int | None = None
    """Number of the first event that is not in the file; None where these are no records of a file."""
    cut: str = ""
    """What is missing in the file of events, or ``""``."""
    cut_chats: int = 0
    """Plain chats that are left out for it."""
