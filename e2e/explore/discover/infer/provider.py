"""Infers where the provider is named: in the replies, in a header, or beside the replies on the page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import jmespath

from e2e.explore.discover import name_patterns
from e2e.explore.discover.infer.conditions import place_of
from e2e.explore.discover.infer.findings import PROVIDER_QUESTION, Findings, Guess, SentMessages
from e2e.explore.discover.infer.reply_parts import ReplyPart, joined_texts, text_places, with_reply_text
from e2e.explore.discover.observed import Observed, Turn
from e2e.explore.discover.values import (
    id_likeness,
    is_versioned_name,
    last_name,
    leaves,
    letters_and_digits,
    masked_if_id,
)
from e2e.profile.profile import toml_value

PROVIDER_CHECKS = (
    "provider.persists",
    "provider.varies",
    "provider.balanced",
    "provider.independent",
    "provider.label_is_true",
)
_LIKELY = 0.5
_NAMED = 0.3  # its name means a provider, and nothing speaks against it
_SERVER_HEADERS = (
    "server",
    "via",
    "x-powered-by",
    "x-frame-options",
    "x-content-type-options",
    "x-xss-protection",
)


def find_provider(
    found: Findings, chosen: list[list[ReplyPart]], sent: SentMessages, observed: Observed, channel: str
) -> None:
    """Find a short string under a name such as ``model``, in every reply, constant within a chat."""
    turns = [observed.turns[n] for n in sent.numbers]
    typed = [letters_and_digits(turn.text) for turn in observed.turns]
    words = text_places(chosen, turns)
    rated: list[tuple[float, Any, str, list[str]]] = []
    with_text = [with_reply_text(received, turn) for received, turn in zip(chosen, turns, strict=True)]
    paths = {
        path for received in chosen for p in received for path, v in leaves(p.value) if isinstance(v, str)
    }
    shown = {text for _, group in observed.labels for text in group}
    for path in paths:
        if place_of(path) in words:
            continue
        compiled = jmespath.compile(path)
        values = [
            next((str(v) for p in received if isinstance(v := compiled.search(p.value), str) and v), None)
            for received in chosen
        ]
        rate = _rate_provider(last_name(path), path, values, shown, turns, typed)
        if rate > 0 and all(with_text) and not _beside_text(compiled, with_text):
            rate -= 0.05  # prefer a field beside the text of the reply
        if rate > 0:
            rated.append((rate, path, path, [v for v in values if v]))
    if channel == "own":
        for name in {n for p in sent.payloads for n in p.response_headers}:
            values = [p.response_headers.get(name) for p in sent.payloads]
            named = name not in _SERVER_HEADERS and (
                name.startswith("x-") or name_patterns.PROVIDER_NAME.search(name)
            )
            rate = _rate_provider(name, name, values, shown, turns, typed) if named else 0.0
            if rate > 0:
                rated.append((rate, {"header": name}, f"header {name}", [v for v in values if v]))
    rated.sort(key=lambda r: (-r[0], len(r[2])))
    if not rated or rated[0][0] < _LIKELY:
        if not _in_words(found, chosen, turns, observed, channel):
            _ask(found, rated, observed, _first_words(turns))
        return
    rate, extract, path, values_seen = rated[0]
    others = [r[2] for r in rated[1:4] if r[0] >= rate - 0.1]
    found.provider = Guess(
        extract,
        round(min(rate, 0.97), 2),
        f"its values: {', '.join(map(_shown, dict.fromkeys(values_seen)))}",
        others,
    )
    if others and rated[1][0] >= rate - 0.02:
        found.questions.append(
            f"two fields are equally likely to name the provider: {path} and {others[0]}. The first was taken."
        )
    names = set(values_seen)
    found.label = _label(observed, names)


def _note_maybe(
    found: Findings, rated: Sequence[tuple[float, Any, str, list[str]]], first_words: str
) -> None:
    """What could be the provider, if both chats had the same one."""
    named = [r for r in rated if len(set(r[3])) == 1 and r[0] >= _NAMED and not _is_id(r[3][0])]
    if named:
        value = named[0][3][0]
        found.provider_maybe = Guess(named[0][1], 0.5, f"its value: {masked_if_id(value)}", [value])
    elif first_words:
        reason = f"each reply begins with {first_words!r}"
        found.provider_maybe = Guess({"regex": "^([^:]{1,40}):"}, 0.5, reason, [first_words])


def _first_words(turns: Sequence[Turn]) -> str:
    """What every reply begins with, up to a colon: a name, if both chats had the same provider."""
    heads = {(re.match(r"([A-Z][\w .-]{1,30}):\s", _shown_reply(turn)) or ["", ""])[1] for turn in turns}
    return heads.pop() if len(heads) == 1 else ""


def _ask(
    found: Findings, rated: Sequence[tuple[float, Any, str, list[str]]], observed: Observed, first_words: str
) -> None:
    """One question about the provider, with what could be it, and what cannot be judged without it."""
    what = ""
    _note_maybe(found, rated, first_words)
    nonces = [turn.nonce for turn in observed.turns]
    if rated:
        values = ", ".join(map(masked_if_id, sorted(set(rated[0][3]))[:3]))
        what = f"Is it {rated[0][2]} ({values})? "
    elif first_words:
        what = (
            f"Is it the first words of each reply ({first_words!r}: provider = {{ regex = '^([^:]+):' }})? "
        )
    elif observed.labels:
        candidates = [
            f"{toml_value(spec)} ({', '.join(map(masked_if_id, dict.fromkeys(group)))})"
            for spec, group in observed.labels[:3]
            if not any(nonce in text for nonce in nonces for text in group)
        ]
        what = f"Does one of these show it: {'; '.join(candidates)[:300]}? " if candidates else ""
    else:
        what = "No field, header or word of the replies looks like a provider's name. "
    found.questions.append(
        f"{PROVIDER_QUESTION} {what}Without it, {', '.join(PROVIDER_CHECKS)} are inconclusive: faults of the provider's choice"
        " cannot be seen."
    )


def _in_words(
    found: Findings,
    chosen: Sequence[Sequence[ReplyPart]],
    turns: Sequence[Turn],
    observed: Observed,
    channel: str,
) -> bool:
    """Find the provider in the reply's own words, such as ``Oak: …``: constant in a chat, different between the chats."""
    on_wire = channel not in ("own",) or any(chosen)
    texts = [_own_text(parts, turn) for parts, turn in zip(chosen, turns, strict=True)]
    repeated = any(turn.nonce in (text or "") for text, turn in zip(texts, turns, strict=True))
    if on_wire and not channel.startswith("text:") and all(texts) and not repeated:
        regex = name_in_words([t or "" for t in texts], turns)
        names = dict.fromkeys(_matches(regex, [t or "" for t in texts], turns))
        if regex is not None and names:
            reason = f"the reply's own words name it: {', '.join(map(masked_if_id, names))}"
            found.provider = Guess({"regex": regex}, 0.8, reason)
            return True
    screen = [_shown_reply(turn) for turn in turns]
    regex = name_in_words(screen, turns) if observed.messages is not None and all(screen) else None
    names = dict.fromkeys(_matches(regex, screen, turns))
    if regex is None or observed.messages is None or not names:
        return False
    found.label = Guess(
        observed.messages, 0.75, f"the reply's own words name it: {', '.join(map(masked_if_id, names))}"
    )
    found.label_regex = regex
    return True


def _matches(regex: str | None, texts: Sequence[str], turns: Sequence[Turn]) -> list[str]:
    """What ``regex`` finds in each text; nothing where it holds words of the user, or differs within a chat."""
    found = [m[1] for text in texts if regex is not None and (m := re.search(regex, text))]
    typed = [letters_and_digits(turn.text) for turn in turns]
    return found if len(found) == len(texts) and _could_be_names(found, turns, typed) else []


def _own_text(parts: Sequence[ReplyPart], turn: Turn) -> str | None:
    places = text_places([parts], [turn])
    texts = [text for place, text in joined_texts([p.value for p in parts]).items() if place in places]
    return max(texts, key=len, default=None)


def _shown_reply(turn: Turn) -> str:
    """The text of the reply as the page shows it: after the sent message."""
    lines = turn.shown.rpartition(turn.nonce)[2].splitlines()
    return next((line.strip() for line in lines if len(line.strip()) > 3), "")


def name_in_words(texts: Sequence[str], turns: Sequence[Turn]) -> str | None:
    """A regular expression whose first group is a name at the start or the end of each text; None: there is none.

    The name is what is constant in each chat and differs between them; what stands beside it is the same in all.
    """
    if len({turn.chat for turn in turns}) < 2:
        return None
    tokens = [re.findall(r"\s+|\w+|[^\w\s]", text.strip()) for text in texts]
    start = _framed(tokens, turns)
    if start is not None:
        lead, end = start
        # The frames before the text may come or not: what stands directly before the name is enough.
        before = f"{_escaped(lead[-2:])}" if lead else "^"
        return f"{before}(.{{1,40}}?){_escaped(end)}"
    back = _framed([list(reversed(t)) for t in tokens], turns)
    if back is not None:
        lead, end = back
        return f"{_escaped(list(reversed(end)))}(.{{1,40}}?){_escaped(list(reversed(lead)))}\\s*$"
    return None


def _framed(tokens: Sequence[Sequence[str]], turns: Sequence[Turn]) -> tuple[list[str], list[str]] | None:
    """``(tokens before the name, tokens after it)``, counted from the start."""
    common = []
    for chat in (0, 1):
        mine = [t for t, turn in zip(tokens, turns, strict=True) if turn.chat == chat and not turn.reloaded]
        if len(mine) < 2:
            return None
        common.append(_common(mine))
    lead = _common(common)
    one, two = common[0][len(lead) :], common[1][len(lead) :]
    for n in range(1, min(len(one), 8)):
        mark = one[n : n + 2] if one[n].isspace() else one[n : n + 1]
        for m in range(1, min(len(two), 8)):
            if mark and two[m : m + len(mark)] == mark and not all(t.isspace() for t in mark):
                names = "".join(one[:n]), "".join(two[:m])
                if names[0] != names[1] and all(re.search(r"[A-Za-z]{2}", name) for name in names):
                    return list(lead), list(mark)
    return None


def _common(lists: Sequence[Sequence[str]]) -> list[str]:
    found = []
    for together in zip(*lists, strict=False):
        if len(set(together)) > 1:
            break
        found.append(together[0])
    return found


def _escaped(tokens: Sequence[str]) -> str:
    return "".join(r"\s+" if t.isspace() else re.escape(t) for t in tokens)


def _beside_text(compiled: Any, parts: Sequence[Sequence[ReplyPart]]) -> bool:
    """Whether the text of every reply arrives together with this value."""
    return all(any(compiled.search(p.value) for p in reply) for reply in parts)


def _label(observed: Observed, names: set[str]) -> Guess | None:
    """The element beside the replies that shows the provider."""
    nonces = [turn.nonce for turn in observed.turns]
    for spec, group in observed.labels:
        if any(nonce in text for nonce in nonces for text in group):
            continue
        between = {t for t in group if t not in names}
        if group and group[-1] in names and len(between) <= 1:
            names_shown = ", ".join(dict.fromkeys(masked_if_id(t) for t in group if t in names))
            more = f"; in between it showed {masked_if_id(min(between))!r}" if between else ""
            return Guess(spec, 0.7 if between else 0.85, f"it showed {names_shown}, like the replies{more}")
    return None


def _could_be_names(seen: Sequence[str], turns: Sequence[Turn], typed: Sequence[str]) -> bool:
    """Short, constant in each chat, and no words of the user, such as a chat's title."""
    if any(len(v) > 60 or "\n" in v for v in seen):
        return False
    for chat in (0, 1):
        if len({v for v, t in zip(seen, turns, strict=True) if t.chat == chat and not t.reloaded}) > 1:
            return False
    bare = [v for v in map(letters_and_digits, seen) if v]
    return not any(value in text or text in value for value in bare for text in typed)


def _is_id(value: str) -> bool:
    """Whether ``value`` is no name: models are called ``gpt-4o-mini``, and a thread has 12 random characters."""
    return id_likeness(value) > 0.75 and not is_versioned_name(value)


def _shown(value: str) -> str:
    """The value of an accepted provider. Elsewhere `chat-4821`, which looks like a versioned name, may be a session ID: masked there."""
    return value if is_versioned_name(value) else masked_if_id(value)


def _rate_provider(
    name: str,
    path: str,
    values: Sequence[str | None],
    shown: set[str],
    turns: Sequence[Turn],
    typed: Sequence[str],
) -> float:
    seen = [v for v in values if v]
    if len(seen) < len(values) or not _could_be_names(seen, turns, typed):
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
    if any(map(_is_id, seen)):
        rate -= 0.25
    return rate
