"""The seven ways to make session IDs that the story compared, made here as a browser would make them."""

from __future__ import annotations

import hashlib
import secrets
import string
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

_BASE36 = string.digits + string.ascii_lowercase


@dataclass(frozen=True, slots=True)
class SessionPattern:
    """``make(n)`` gives n IDs as n new chats of one browser would get them (not always n different ones)."""

    name: str
    make: Callable[[int], list[str]]


def _random36(length: int) -> str:
    return "".join(secrets.choice(_BASE36) for _ in range(length))


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _timestamp(n: int) -> list[str]:
    return [f"session_{_now_ms() + i}_{_random36(9)}" for i in range(n)]


def _counter(n: int) -> list[str]:
    browser = secrets.token_hex(4)
    return [f"session_{browser}_{i}" for i in range(1, n + 1)]


def _fixed(n: int) -> list[str]:
    return ["session_probe_fixed"] * n


def _user_based(n: int) -> list[str]:
    user, start = secrets.token_hex(4), _now_ms()
    return [f"session_{user}_{start + i}" for i in range(n)]


def _browser_based(n: int) -> list[str]:
    fingerprint = hashlib.sha256(b"one browser, one fingerprint").hexdigest()[:12]
    return [f"session_probe_{fingerprint}"] * n


def _chat_based(n: int) -> list[str]:
    return [f"session_chat_{i}_{secrets.token_hex(4)}" for i in range(1, n + 1)]


def _uuid(n: int) -> list[str]:
    return [str(uuid.uuid4()) for _ in range(n)]


PATTERNS: dict[str, SessionPattern] = {
    name: SessionPattern(name, make)
    for name, make in (
        ("timestamp", _timestamp),
        ("counter", _counter),
        ("fixed", _fixed),
        ("userBased", _user_based),
        ("browserBased", _browser_based),
        ("chatBased", _chat_based),
        ("uuid", _uuid),
    )
}
