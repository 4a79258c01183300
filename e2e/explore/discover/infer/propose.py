"""The proposed profile as commented TOML: each line with its evidence and how sure it is, and what is open as a question."""

from __future__ import annotations

import re
import tomllib
from typing import Any
from urllib.parse import urlsplit

from e2e.explore.discover.find import Candidate, Spec
from e2e.explore.discover.infer.common import Findings, Guess
from e2e.explore.discover.said import Said
from e2e.explore.discover.values import discreet
from e2e.profile.profile import Profile, parse, toml_value


def name_of(url: str) -> str:
    """A profile's name from an address: ``chat-example-org``."""
    host = urlsplit(url).hostname or "chat"
    name = re.sub(r"[^a-z0-9]+", "-", host.lower()).strip("-")
    return f"chat-{name}" if not name or name[0].isdigit() else name


def propose(said: Said, found: Findings, name: str, url: str) -> str:
    """The profile's text. It always parses; where a needed part is unknown a marked question stands in its place."""
    lines = [
        "# A proposal of `python -m e2e discover`. Behind each line: how sure (0 to 1), and what was seen. IDs are masked.",
        *(f"# QUESTION: {q}" for q in found.questions),
        *([f"# FINDING about the chat itself: {found.suspicion}."] if found.suspicion else []),
        "schema = 1",
        f"name = {toml_value(name)}",
        f"title = {toml_value(said.title.strip() or name)}",
        "",
        "[where]",
        f"url = {toml_value(url)}",
        _line("ready", said.box, 0.9, "the message box: seen when the page was loaded"),
    ]
    if said.frame:
        lines.append(_line("frame", list(said.frame), 0.95, "the message box is inside this frame"))
    if said.dialogs:
        lines.append(
            _line("dialogs", "accept", 0.95, f"the page asked by {', '.join(dict.fromkeys(said.dialogs))}")
        )
    lines += [
        "",
        "[session]",
        *_store(found),
        "",
        "[steps]",
        *_steps(said),
        "",
        *_wire(found),
        "",
        *_reply(said, found),
    ]
    screen = _screen(said, found)
    if screen:
        lines += ["", "[screen]", *screen]
    lines += [
        "",
        "[providers]",
        "# QUESTION: how many providers are there, or which? Until then only hard pinning is judged.",
        "# count = 9",
    ]
    if found.rotation is not None:
        lines += ["", "[policy]", _guess("rotation", found.rotation)]
    return "\n".join(lines) + "\n"


def usable(text: str, file: str) -> Profile | None:
    """The profile that the text is, or None while a needed answer is missing. Raises `InvalidProfile` for a wrong one."""
    raw = tomllib.loads(text)
    if "wire" not in raw or "session" not in raw["wire"][0] or "new_chat" not in raw.get("steps", {}):
        return None
    return parse(raw, file)


def _line(key: str, value: Any, confidence: float, why: str) -> str:
    return f"{key} = {toml_value(value)}  # {confidence:.2f}: {_clean(why)}"


def _guess(key: str, guess: Guess) -> str:
    line = _line(key, guess.value, guess.confidence, guess.why)
    return line + "".join(f"\n# other candidate: {_clean(other)}" for other in guess.others)


def _clean(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def _store(found: Findings) -> list[str]:
    if found.store is None:
        return [
            'store = "none"  # QUESTION: where is the session kept? Nothing that was sent was found in any store.'
        ]
    first, *rest = found.store.value.items()
    lines = [_line(first[0], first[1], found.store.confidence, found.store.why)]
    lines += [f"{key} = {toml_value(value)}" for key, value in rest]
    return lines + [f"# other candidate: {other}" for other in found.store.others]


def _steps(said: Said) -> list[str]:
    boxes = said.box_candidates
    why = "; ".join(boxes[0].reasons) if boxes else ""
    lines = [_line("message_box", said.box, boxes[0].score if boxes else 0.5, why)]
    lines += _rivals("message_box", boxes)
    if said.second_box is not None:
        lines.append(
            _line(
                "second_message_box",
                said.second_box,
                0.7,
                "the box of a chat that is under way is another one",
            )
        )
    if said.open:
        actions = [{"dismiss": spec} for spec in said.open]
        lines.append(_line("open", actions, 0.8, "stood on a banner or dialog when the page was loaded"))
    send: list[dict[str, Any]] = [{"click": said.send[0]}] if said.send else [{"press": "Enter"}]
    lines.append(_line("send", send, 0.95 if not said.send else 0.85, "; ".join(said.send_reasons)))
    if said.new_chat:
        actions = [{verb: spec} for verb, spec in said.new_chat]
        score = max((c.score for c in said.new_chat_candidates), default=0.6)
        lines.append(_line("new_chat", actions, min(score, 0.95), "; ".join(said.new_chat_reasons)))
        lines += _rivals("new_chat", said.new_chat_candidates)
    else:
        lines.append("# QUESTION: how is a new chat started? Candidates:")
        lines += [
            f"# new_chat = [{{ click = {toml_value(c.spec)} }}]  # {c.score:.2f}: {'; '.join(c.reasons)}"
            for c in said.new_chat_candidates
        ]
    return lines


def _rivals(what: str, candidates: list[Candidate]) -> list[str]:
    """Candidates that are as good as the first: said, never passed over."""
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
    "provider": '# QUESTION: where is the provider in the answer? provider = "…"',
}


def _wire(found: Findings) -> list[str]:
    sending = found.sending
    if sending is None:
        return [
            "# QUESTION: which request is the chat? [[wire]] needs url and session.",
            "# [[wire]]",
            '# url = "/api/chat$"',
            '# session = "session_id"',
        ]
    lines = ["[[wire]]", _line("url", sending.url, 0.9, found.sending_why)]
    if sending.transport == "websocket":
        lines.append(_line("transport", "websocket", 0.99, "the messages left as frames of a WebSocket"))
        if sending.framing != "json":
            lines.append(_line("framing", sending.framing, 0.9, "its first frames have that form"))
    elif sending.method != "POST":
        lines.append(_line("method", sending.method, 0.99, "so were the messages sent"))
    if sending.unfolded:
        lines.append(_line("unfold", True, 0.9, "JSON stood in a string inside the payload"))
    for key in ("when", "session", "history", "provider", "reply_to", "answer_when", "done"):
        guess: Guess | None = getattr(found, key)
        if guess is not None and (
            found.answered_by is None or key not in ("provider", "done", "answer_when")
        ):
            lines.append(_guess(key, guess))
        elif guess is None and key in _OPEN:
            lines.append(_OPEN[key])
    return lines + (_other_channel(found, found.answered_by) if found.answered_by is not None else [])


def _other_channel(found: Findings, channel: Guess) -> list[str]:
    """The rule for where answers come that do not come in the request's own exchange."""
    lines = [
        'answered_by = "events"',
        "",
        "[[wire]]",
        _line("name", "events", channel.confidence, channel.why),
    ]
    lines += [f"{k} = {toml_value(v)}" for k, v in channel.value.items() if k != "name"]
    for key in ("provider", "reply_to", "answer_when", "done"):
        guess: Guess | None = getattr(found, key)
        if guess is not None:
            lines.append(_guess(key, guess))
    return lines


def _reply(said: Said, found: Findings) -> list[str]:
    lines = ["[reply]"]
    if not found.exchange_ends:
        lines.append(_line("exchange_finished", False, 0.7, "nothing on the wire tells the end of a reply"))
    if said.stop is not None:
        lines.append(_line("gone", said.stop, 0.9, "was there while replies came, and not afterwards"))
    elif not found.exchange_ends and said.messages is not None:
        lines.append(_line("settled", 0.6, 0.6, "the reply is over when its text stands still"))
    return lines if len(lines) > 1 else ["[reply]", "# the end of the answer on the wire is the reply's end"]


def _screen(said: Said, found: Findings) -> list[str]:
    lines = []
    if said.messages is not None:
        lines.append(
            _line(
                "messages",
                said.messages,
                0.85,
                f"{said.message_count} of them held the first chat's messages and replies",
            )
        )
    if found.label is not None:
        lines.append(_guess("provider", found.label))
    elif said.labels and found.provider is None:
        candidates = [
            f"{toml_value(spec)} ({', '.join(map(discreet, dict.fromkeys(group)))})"
            for spec, group in said.labels[:3]
        ]
        lines.append(
            f"# QUESTION: does one of these show the provider? {_clean('; '.join(candidates))[:300]}"
        )
    return lines


def shown(spec: Spec) -> str:
    """A locator for the terminal."""
    return toml_value(spec)
