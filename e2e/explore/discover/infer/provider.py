"""Infers where the provider is named: in the replies, in a header, or beside the replies on the page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import jmespath

from e2e.explore.discover import name_patterns
from e2e.explore.discover.infer.findings import Findings, Guess, SentMessages
from e2e.explore.discover.infer.reply_parts import ReplyPart, with_reply_text
from e2e.explore.discover.observed import Observed
from e2e.explore.discover.values import id_likeness, last_name, leaves, masked_if_id


def find_provider(
    found: Findings, chosen: list[list[ReplyPart]], sent: SentMessages, observed: Observed, channel: str
) -> None:
    """Find a short string under a name such as ``model``, in every reply, constant within a chat."""
    rated: list[tuple[float, Any, str, list[str]]] = []
    with_text = [
        with_reply_text(received, turn) for received, turn in zip(chosen, observed.turns, strict=False)
    ]
    paths = {
        path for received in chosen for p in received for path, v in leaves(p.value) if isinstance(v, str)
    }
    shown = {text for _, group in observed.labels for text in group}
    for path in paths:
        compiled = jmespath.compile(path)
        values = [
            next((str(v) for p in received if isinstance(v := compiled.search(p.value), str) and v), None)
            for received in chosen
        ]
        rate = _rate_provider(last_name(path), path, values, shown)
        if rate > 0 and all(with_text) and not _beside_text(compiled, with_text):
            rate -= 0.05  # prefer a field beside the text of the reply
        if rate > 0:
            rated.append((rate, path, path, [v for v in values if v]))
    if channel == "own":
        for name in {n for p in sent.payloads for n in p.response_headers}:
            values = [p.response_headers.get(name) for p in sent.payloads]
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
                f"is {rated[0][2]} the provider? Its values: {', '.join(map(masked_if_id, sorted(set(rated[0][3]))[:3]))}."
            )
        return
    rate, extract, path, values_seen = rated[0]
    others = [r[2] for r in rated[1:4] if r[0] >= rate - 0.1]
    found.provider = Guess(
        extract,
        round(min(rate, 0.97), 2),
        f"its values: {', '.join(map(masked_if_id, dict.fromkeys(values_seen)))}",
        others,
    )
    if others and rated[1][0] >= rate - 0.02:
        found.questions.append(
            f"two fields are equally likely to name the provider: {path} and {others[0]}. The first was taken."
        )
    names = set(values_seen)
    found.label = _label(observed, names)


def _beside_text(compiled: Any, parts: Sequence[Sequence[ReplyPart]]) -> bool:
    """Whether the text of every reply arrives together with this value."""
    return all(any(compiled.search(p.value) for p in reply) for reply in parts)


def _label(observed: Observed, names: set[str]) -> Guess | None:
    """The element beside the replies that shows the provider."""
    for spec, group in observed.labels:
        between = {t for t in group if t not in names}
        if group and group[-1] in names and len(between) <= 1:
            names_shown = ", ".join(dict.fromkeys(masked_if_id(t) for t in group if t in names))
            more = f"; in between it showed {masked_if_id(min(between))!r}" if between else ""
            return Guess(spec, 0.7 if between else 0.85, f"it showed {names_shown}, like the replies{more}")
    return None


def _rate_provider(name: str, path: str, values: Sequence[str | None], shown: set[str]) -> float:
    seen = [v for v in values if v]
    if len(seen) < len(values) or any(len(v) > 60 or "\n" in v for v in seen):
        return 0.0
    if len(seen) >= 4 and (seen[0] != seen[1] or seen[2] != seen[3]):
        return 0.0
    whole = re.sub(r"[\[\]0-9.]+", " ", path)
    if not name_patterns.PROVIDER_NAME.search(whole) and all(id_likeness(v) > 0.75 for v in seen):
        return 0.0  # an ID, such as that of the thread
    rate = (
        0.35
        if name_patterns.PROVIDER_NAME.search(name)
        else 0.25
        if name_patterns.PROVIDER_NAME.search(whole)
        else 0.0
    )
    if re.search(r"provider", whole, re.IGNORECASE):
        rate += 0.25
    if len(set(seen)) > 1:  # differs between the chats
        rate += 0.35 if all(re.search(r"[A-Za-z]{2}", v) for v in seen) else 0.15
    if set(seen) <= shown:
        rate += 0.25
    if name_patterns.KIND_NAME.fullmatch(name) and not name_patterns.PROVIDER_NAME.search(whole):
        rate -= 0.2
    if re.search(r"role|status|type$", name, re.IGNORECASE) or set(seen) <= {
        "assistant",
        "user",
        "bot",
        "system",
    }:
        rate -= 0.4
    if any(id_likeness(v) > 0.75 for v in seen):
        rate -= 0.25
    return rate
