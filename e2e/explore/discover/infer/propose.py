"""Writes the proposed profile as TOML: each line with its confidence and reason, open points as questions."""

from __future__ import annotations

import re
import tomllib
from typing import Any
from urllib.parse import urlsplit

from e2e.explore.discover.candidates import Candidate
from e2e.explore.discover.infer.findings import Findings, Guess
from e2e.explore.discover.observed import Observed
from e2e.profile.profile import Profile, parse, toml_value


def name_of(url: str) -> str:
    """The profile's name for a URL: ``chat-example-org``, ``localhost-8080``."""
    parts = urlsplit(url)
    host = parts.hostname or "chat"
    port = f"-{parts.port}" if parts.port not in (None, 80, 443) else ""
    name = re.sub(r"[^a-z0-9]+", "-", host.lower() + port).strip("-")
    return f"chat-{name}" if not name or name[0].isdigit() else name


_NO_ID = [
    "# No [session]: two chats were seen, and nothing that they sent is constant in a chat and different in the other one.",
    "# The server knows the chat by its connection, or the page sends the whole conversation. Each chat is judged by its content.",
    "# With a language model behind it, a code word shows whether a chat remembers, and whether the next one does not:",
    "# [memory]",
    "",
]


def propose(observed: Observed, found: Findings, name: str, url: str) -> str:
    """The text of the profile. It is always valid TOML; a required part that is unknown becomes a marked question."""
    lines = [
        "# Proposed by `python -m e2e discover`. Comments: confidence (0 to 1) and reason. IDs are masked.",
        *(f"# QUESTION: {q}" for q in found.questions),
        *([f"# POSSIBLE FAULT of the chat: {found.suspected_fault}."] if found.suspected_fault else []),
        *_problem(observed),
        "schema = 1",
        f"name = {toml_value(name)}",
        f"title = {toml_value(observed.title.strip() or name)}",
        "",
        "[where]",
        f"url = {toml_value(url)}",
        *_ready(observed),
    ]
    if observed.frame:
        lines.append(_line("frame", list(observed.frame), 0.95, "the message box is inside this frame"))
    if observed.dialogs:
        lines.append(
            _line("dialogs", "accept", 0.95, f"the page opened {', '.join(dict.fromkeys(observed.dialogs))}")
        )
    lines += [
        "",
        *(_NO_ID if found.no_id else ["[session]", *_store(found), ""]),
        "[steps]",
        *_steps(observed),
        "",
        *_wire(found),
        "",
        *_reply(observed, found),
    ]
    screen = _screen(observed, found)
    if screen:
        lines += ["", "[screen]", *screen]
    lines += [
        "",
        "[providers]",
        "# How many providers are there, or which? Without it, only hard pinning is detected.",
        "# count = 9",
    ]
    if found.provider is None and found.label is not None:
        lines.append(_line("source", ["label"], 0.75, "only the screen shows the provider"))
    if found.rotation is not None:
        lines += ["", "[policy]", _guess("rotation", found.rotation)]
    return "\n".join(lines) + "\n"


def usable(text: str, file: str) -> Profile | None:
    """The parsed profile; None while a required part is missing. Raises `InvalidProfile`."""
    raw = tomllib.loads(text)
    steps = raw.get("steps", {})
    missing = "ready" not in raw["where"] or "message_box" not in steps or "new_chat" not in steps
    if missing or "wire" not in raw or ("session" in raw and "session" not in raw["wire"][0]):
        return None
    return parse(raw, file)


def _problem(observed: Observed) -> list[str]:
    """What ended the conversation early, so that the rest is missing."""
    if observed.problem is None:
        return []
    lines = [f"# NOT FINISHED: {_clean(observed.problem.what)}"]
    if observed.problem.hint:
        lines.append(f"#   hint: {_clean(observed.problem.hint)}")
    return lines


def _ready(observed: Observed) -> list[str]:
    if observed.ready is not None:
        return [_line("ready", observed.ready, 0.9, "visible after the page load; it opens the chat")]
    if observed.box:
        return [_line("ready", observed.box, 0.9, "the message box: visible after the page load")]
    return ['# QUESTION: what is visible when the page is ready? ready = { role = "textbox", name = "…" }']


def _line(key: str, value: Any, confidence: float, reason: str) -> str:
    return f"{key} = {toml_value(value)}  # {confidence:.2f}: {_clean(reason)}"


def _guess(key: str, guess: Guess) -> str:
    line = _line(key, guess.value, guess.confidence, guess.reason)
    return line + "".join(f"\n# other candidate: {_clean(other)}" for other in guess.alternatives)


def _clean(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def _store(found: Findings) -> list[str]:
    if found.store is None:
        return [
            'store = "none"  # QUESTION: where is the session stored? No sent value was found in any store.'
        ]
    first, *rest = found.store.value.items()
    lines = [_line(first[0], first[1], found.store.confidence, found.store.reason)]
    lines += [f"{key} = {toml_value(value)}" for key, value in rest]
    return lines + [f"# other candidate: {other}" for other in found.store.alternatives]


def _steps(observed: Observed) -> list[str]:
    boxes = observed.box_candidates
    lines = []
    if observed.box:
        reason = "; ".join(boxes[0].reasons) if boxes else ""
        lines.append(_line("message_box", observed.box, boxes[0].score if boxes else 0.5, reason))
        lines += _alternatives("message_box", boxes)
    else:
        lines.append('# QUESTION: where is a message typed? message_box = { role = "textbox", name = "…" }')
    if observed.second_box is not None:
        lines.append(
            _line(
                "second_message_box",
                observed.second_box,
                0.7,
                "a chat with messages has another box",
            )
        )
    if observed.open:
        lines.append(_line("open", observed.open, 0.8, "; ".join(dict.fromkeys(observed.open_reasons))))
    if observed.send:
        lines.append(_line("send", observed.send, 0.85, "; ".join(observed.send_reasons)))
    elif observed.send_reasons:
        lines.append(_line("send", [{"press": "Enter"}], 0.95, "; ".join(observed.send_reasons)))
    if observed.new_chat:
        score = max((c.score for c in observed.new_chat_candidates), default=0.6)
        lines.append(
            _line("new_chat", observed.new_chat, min(score, 0.95), "; ".join(observed.new_chat_reasons))
        )
        lines += _alternatives("new_chat", observed.new_chat_candidates)
    else:
        lines.append("# QUESTION: how is a new chat started? Candidates:")
        lines += [
            f"# new_chat = [{{ click = {toml_value(c.spec)} }}]  # {c.score:.2f}: {'; '.join(c.reasons)}"
            for c in observed.new_chat_candidates
            if c.spec
        ]
    return lines


def _alternatives(what: str, candidates: list[Candidate]) -> list[str]:
    """Candidates that are about as likely as the first."""
    best = candidates[0].score if candidates else 0.0
    rivals = [c for c in candidates[1:] if c.spec and c.score >= best - 0.1 and c.spec != candidates[0].spec]
    equal = [c for c in rivals if c.score >= best - 0.01]
    lines = (
        [
            f"# QUESTION: {what}: {len(equal) + 1} candidates are equally likely; the first that worked was taken."
        ]
        if equal
        else []
    )
    return lines + [
        f"# other candidate ({c.score:.2f}): {toml_value(c.spec)}  {'; '.join(c.reasons)}" for c in rivals[:3]
    ]


_OPEN = {
    "session": '# QUESTION: where is the session ID in the payload? session = "…"',
    "provider": '# provider = "…"  # see the question above',
}


def _wire(found: Findings) -> list[str]:
    sent = found.sent
    if sent is None:
        return [
            "# QUESTION: which request is the chat? [[wire]] needs url and session.",
            "# [[wire]]",
            '# url = "/api/chat$"',
            '# session = "session_id"',
        ]
    lines = ["[[wire]]", _line("url", sent.url, 0.9, found.sent_reason)]
    if sent.transport == "websocket":
        lines.append(_line("transport", "websocket", 0.99, "the messages were sent as frames of a WebSocket"))
    elif sent.method != "POST":
        lines.append(_line("method", sent.method, 0.99, "the method of the messages"))
    if sent.framing != "json":
        lines.append(_line("framing", sent.framing, 0.9, "detected from its first frames or bodies"))
    if sent.parses_nested_json:
        lines.append(_line("parse_nested_json", True, 0.9, "a string inside the payload is JSON"))
    elsewhere = ("each", "provider", "done", "answer_when") if found.answered_by is not None else ()
    known = {"session": found.no_id, "provider": found.label is not None}
    for key in ("each", "when", "session", "history", "provider", "reply_to", "answer_when", "done"):
        guess: Guess | None = getattr(found, key)
        if guess is not None and key not in elsewhere:
            lines.append(_guess(key, guess if key != "reply_to" else _sent_key(found, guess)))
        elif guess is None and key in _OPEN and not known[key]:
            lines.append(_OPEN[key])
    if found.answered_by is not None:
        lines += _other_channel(found, found.answered_by)
    for rule in found.also:
        lines += ["", "[[wire]]", _line("name", rule.value["name"], rule.confidence, rule.reason)]
        lines += [f"{k} = {toml_value(v)}" for k, v in rule.value.items() if k != "name"]
    return lines


def _other_channel(found: Findings, channel: Guess) -> list[str]:
    """The wire rule for replies on another channel."""
    lines = [
        'answered_by = "events"',
        "",
        "[[wire]]",
        _line("name", "events", channel.confidence, channel.reason),
    ]
    lines += [f"{k} = {toml_value(v)}" for k, v in channel.value.items() if k != "name"]
    for key in ("each", "provider", "answer_when", "done"):
        guess: Guess | None = getattr(found, key)
        if guess is not None:
            lines.append(_guess(key, guess))
    if found.reply_to is not None and found.reply_to_there is not None:
        lines.append(
            _line("reply_to", found.reply_to_there, found.reply_to.confidence, found.reply_to.reason)
        )
    return lines


def _sent_key(found: Findings, guess: Guess) -> Guess:
    """The place of the key in the payload or its response; a reply on another channel has a rule of its own for its place there."""
    if found.answered_by is None:
        return guess
    return Guess(str(guess.value).partition(" || ")[0], guess.confidence, guess.reason)


def _reply(observed: Observed, found: Findings) -> list[str]:
    lines = []
    if observed.stop is not None:
        lines.append(_line("gone", observed.stop, 0.9, "visible during replies only"))
    elif (found.settled or not found.exchange_ends) and observed.messages is not None:
        lines.append(
            _line("text_stable_for", 0.8, 0.6, "the reply is complete when its text no longer changes")
        )
    if not found.exchange_ends and lines:
        lines.insert(0, _line("exchange_finished", False, 0.7, "no payload marks the end of a reply"))
    elif (found.settled or not found.exchange_ends) and not lines:
        lines.append(
            "# QUESTION: how does a reply end? shown = { … }: visible again; gone = { … }: hidden again, such as a Stop button"
        )
    return ["[reply]", *(lines or ["# the reply is complete when the exchange has ended"])]


def _screen(observed: Observed, found: Findings) -> list[str]:
    lines = []
    if observed.messages is not None:
        lines.append(
            _line(
                "messages",
                observed.messages,
                0.85,
                f"{observed.message_count} of them had the messages and replies of the first chat",
            )
        )
    if found.label is not None:
        lines.append(_guess("provider", found.label))
    if found.label_regex is not None:
        lines.append(f"provider_regex = {toml_value(found.label_regex)}")
    return lines
