"""Values inside payloads: their JMESPath, and whether they look like an ID."""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

Scalar = str | int | float
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DEPTH, _MANY = 8, 40


def leaves(value: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, Scalar]]:
    """``(JMESPath, scalar)`` of all strings and numbers inside ``value``; only the first 40 items of a list."""
    if isinstance(value, bool) or value is None or depth > _DEPTH:
        return
    if isinstance(value, dict):
        for key, part in list(value.items())[:200]:
            yield from leaves(part, join(path, str(key)), depth + 1)
    elif isinstance(value, list):
        for n, part in enumerate(value[:_MANY]):
            yield from leaves(part, f"{path}[{n}]", depth + 1)
    else:
        yield path or "@", value


def flags(value: Any, path: str = "", depth: int = 0) -> list[tuple[str, bool]]:
    """``(JMESPath, True)`` of all true flags inside ``value``, outside of lists."""
    if value is True and path:
        return [(path, True)]
    if not isinstance(value, dict) or depth > _DEPTH:
        return []
    return [
        f for key, part in list(value.items())[:200] for f in flags(part, join(path, str(key)), depth + 1)
    ]


def lists(value: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, list[Any]]]:
    """``(JMESPath, list)`` of all lists inside ``value``, outer ones first."""
    if depth > _DEPTH:
        return
    if isinstance(value, list):
        yield path or "@", value
        for n, part in enumerate(value[:_MANY]):
            yield from lists(part, f"{path}[{n}]", depth + 1)
    elif isinstance(value, dict):
        for key, part in list(value.items())[:200]:
            yield from lists(part, join(path, str(key)), depth + 1)


def join(path: str, key: str) -> str:
    """JMESPath of ``key`` below ``path``."""
    name = key if _PLAIN.fullmatch(key) else '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"{path}.{name}" if path else name


def last_name(path: str) -> str:
    """The innermost key of a path."""
    names = re.findall(r'"((?:[^"\\]|\\.)*)"|([A-Za-z_][A-Za-z0-9_]*)', path)
    return (names[-1][0] or names[-1][1]) if names else path


def texts(value: Any) -> str:
    """All strings inside ``value``, joined."""
    return "".join(str(leaf) for _, leaf in leaves(value) if isinstance(leaf, str))


def id_likeness(value: Scalar) -> float:
    """How much ``value`` looks like an ID, 0 to 1: long, varied, not prose."""
    text = str(value)
    if not 4 <= len(text) <= 600 or re.search(r"\s", text):
        return 0.0
    if re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", text, re.IGNORECASE):
        return 1.0
    counts = Counter(text)
    entropy = -sum(n / len(text) * math.log2(n / len(text)) for n in counts.values()) * len(text)
    digits = sum(c.isdigit() for c in text) / len(text)
    score = min(entropy / 40, 1.0)
    if digits == 0 and re.fullmatch(r"[_.~@$-]{0,2}[A-Za-z]+([ _/.:-][A-Za-z]+)*", text):
        score *= 0.25  # words
    if re.fullmatch(r"https?://.*|.*\.(js|css|png|html?)", text):
        score *= 0.1
    if re.fullmatch(r"1[6-9]\d{8}(\d{3})?(\.\d+)?|\d{4}-\d\d-\d\dT.*", text):
        score *= 0.4  # only a time stamp
    return round(score, 3)


def is_versioned_name(value: Scalar) -> bool:
    """Whether ``value`` is made of words and versions, such as ``llama-3.1-70b-instruct``: by its letters alone it looks like an ID."""
    parts = [part for part in re.split(r"[-_./:@ ]+", str(value)) if part]
    words = [part for part in parts if part.isalpha() and part.isascii() and len(part) <= 16]
    versions = [part for part in parts if re.fullmatch(r"[A-Za-z]{0,3}\d{1,4}[A-Za-z]{0,2}|20\d{6}", part)]
    return any(len(word) >= 3 for word in words) and len(words) + len(versions) == len(parts)


def masked(value: Scalar) -> str:
    """A masked ID: its prefix, and a short hash that distinguishes two IDs."""
    text = str(value)
    prefix = re.match(r"[A-Za-z]{2,16}[_\-.:]", text)
    digest = hashlib.sha256(text.encode(errors="replace")).hexdigest()[:4]
    return f"{prefix.group() if prefix else ''}…{digest}"


def masked_if_id(value: Scalar) -> str:
    """``value``, masked if it looks like an ID."""
    return masked(value) if id_likeness(value) > 0.6 else str(value)


def letters_and_digits(text: str) -> str:
    """``text`` without spaces and punctuation, so that two renderings of it are equal."""
    return re.sub(r"[\W_]+", "", text)
