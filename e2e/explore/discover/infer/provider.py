"""Who answered: a short text with a telling name, in the replies or beside them on the screen."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import jmespath

from e2e.explore.discover import words
from e2e.explore.discover.infer.common import Findings, Guess, Sending
from e2e.explore.discover.infer.pieces import Piece, telling
from e2e.explore.discover.said import Said
from e2e.explore.discover.values import discreet, last_name, leaves, likeness


def find_provider(found: Findings, chosen: list[list[Piece]], sending: Sending, said: Said, way: str) -> None:
    """Who answered: a short text with a telling name, in each reply, the same all through a chat."""
    rated: list[tuple[float, Any, str, list[str]]] = []
    told = [telling(pieces, turn) for pieces, turn in zip(chosen, said.turns, strict=False)]
    paths = {path for pieces in chosen for p in pieces for path, v in leaves(p.value) if isinstance(v, str)}
    shown = {text for _, group in said.labels for text in group}
    for path in paths:
        compiled = jmespath.compile(path)
        values = [
            next((str(v) for p in pieces if isinstance(v := compiled.search(p.value), str) and v), None)
            for pieces in chosen
        ]
        rate = _rate_provider(last_name(path), path, values, shown)
        if rate > 0 and all(told) and not _says(compiled, told):
            rate -= 0.05  # what brings the reply's text says best whose it is
        if rate > 0:
            rated.append((rate, path, path, [v for v in values if v]))
    if way == "own":
        for name in {n for p in sending.payloads for n in p.answer_headers}:
            values = [p.answer_headers.get(name) for p in sending.payloads]
            rate = (
                _rate_provider(name, name, values, shown)
                if name.startswith("x-") or "provider" in name or "model" in name
                else 0.0
            )
            if rate > 0:
                rated.append((rate, {"header": name}, f"header {name}", [v for v in values if v]))
    rated.sort(key=lambda r: (-r[0], len(r[2])))
    if not rated or rated[0][0] < 0.5:
        if rated:
            found.questions.append(
                f"is {rated[0][2]} the provider? It was {', '.join(map(discreet, sorted(set(rated[0][3]))[:3]))}."
            )
        return
    rate, extract, path, values_seen = rated[0]
    others = [r[2] for r in rated[1:4] if r[0] >= rate - 0.1]
    found.provider = Guess(
        extract,
        round(min(rate, 0.97), 2),
        f"it was {', '.join(map(discreet, dict.fromkeys(values_seen)))}",
        others,
    )
    if others and rated[1][0] >= rate - 0.02:
        found.questions.append(
            f"two fields are as likely to name the provider: {path}, and {others[0]}. The first was taken."
        )
    names = set(values_seen)
    found.label = _label(said, names)


def _says(compiled: Any, told: Sequence[Sequence[Piece]]) -> bool:
    """Each reply's text comes with a value there."""
    return all(any(compiled.search(p.value) for p in pieces) for pieces in told)


def _label(said: Said, names: set[str]) -> Guess | None:
    """The texts beside the replies that say the same as the replies."""
    for spec, group in said.labels:
        between = {t for t in group if t not in names}
        if group and group[-1] in names and len(between) <= 1:
            told = ", ".join(dict.fromkeys(discreet(t) for t in group if t in names))
            more = f"; between them it showed {discreet(min(between))!r}" if between else ""
            return Guess(spec, 0.7 if between else 0.85, f"it showed {told}, as the replies said{more}")
    return None


def _rate_provider(name: str, path: str, values: Sequence[str | None], shown: set[str]) -> float:
    seen = [v for v in values if v]
    if len(seen) < len(values) or any(len(v) > 60 or "\n" in v for v in seen):
        return 0.0
    if len(seen) >= 4 and (seen[0] != seen[1] or seen[2] != seen[3]):
        return 0.0
    whole = re.sub(r"[\[\]0-9.]+", " ", path)
    if not words.PROVIDER_NAME.search(whole) and all(likeness(v) > 0.75 for v in seen):
        return 0.0  # an ID of something else, such as the thread
    rate = 0.35 if words.PROVIDER_NAME.search(name) else 0.25 if words.PROVIDER_NAME.search(whole) else 0.0
    if re.search(r"provider", whole, re.IGNORECASE):
        rate += 0.25
    if len(set(seen)) > 1:  # one all through a chat, another one in the other chat
        rate += 0.35 if all(re.search(r"[A-Za-z]{2}", v) for v in seen) else 0.15
    if set(seen) <= shown:
        rate += 0.25
    if words.KIND_NAME.fullmatch(name) and not words.PROVIDER_NAME.search(whole):
        rate -= 0.2
    if re.search(r"role|status|type$", name, re.IGNORECASE) or set(seen) <= {
        "assistant",
        "user",
        "bot",
        "system",
    }:
        rate -= 0.4
    if any(likeness(v) > 0.75 for v in seen):
        rate -= 0.25
    return rate
