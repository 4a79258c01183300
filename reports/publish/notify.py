"""Webhook messages on a change of state: outcome, causes or alarm of a target since the last message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from e2e.errors import HarnessError
from reports.history.alarm import Alarm, alarms
from reports.history.entry import HistoryEntry
from reports.history.show import series_of
from reports.history.store import History, Store


def messages(
    history: History, url: str = "", alarms_per_year: float = 0.02, sent: Mapping[str, Any] | None = None
) -> dict[str, str]:
    """One message for each series whose state (outcome, causes, alarm) differs from the one sent last.

    ``sent`` is the result of `states` at that time. A series that it does not contain is compared with its previous run. A first run
    is a change unless it passed.
    """
    found = {}
    for series, entries in series_of(history).items():
        key, now = _key(series), _state(entries, alarms_per_year)
        before = (sent or {}).get(key) or _state(entries[:-1], alarms_per_year)
        if now != before:
            found[key] = _message(entries, before, now, url, alarms_per_year)
    return found


def states(history: History, alarms_per_year: float = 0.02) -> dict[str, Any]:
    """The state of each series, by its name: ``{"reference, chromium": {"outcome", "causes", "alarm"}}``."""
    return {_key(series): _state(entries, alarms_per_year) for series, entries in series_of(history).items()}


def notify(store: Store, webhook: str, url: str = "") -> list[str]:
    """POST ``{"text": …}`` for each change, and save the states sent. Returns the messages.

    Raises `HarnessError` when a message could not be sent; the next call sends it again.
    """
    history, noted = store.read(), store.notified()
    changed, now = messages(history, url, sent=noted), states(history)
    if changed and not webhook:
        raise HarnessError("a state changed, and no webhook is set", hint="set CHAT_E2E_WEBHOOK or --webhook")
    noted |= {key: state for key, state in now.items() if key not in changed}
    for key, text in changed.items():
        try:
            httpx.post(webhook, json={"text": text}, timeout=20, trust_env=False).raise_for_status()
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            status = getattr(getattr(error, "response", None), "status_code", None)
            why = f"HTTP status {status}" if status else type(error).__name__
            raise HarnessError(
                f"the message could not be sent to the webhook: {why}",
                hint="check its address, and that it is up",
            ) from None  # its address is a secret
        noted[key] = now[key]
        store.set_notified(noted)
    if now and not changed:
        store.set_notified(noted)
    return list(changed.values())


def _key(series: tuple[str, str]) -> str:
    return ", ".join(series)


def _state(entries: Sequence[HistoryEntry], alarms_per_year: float) -> dict[str, Any]:
    """The state of a series; an empty one counts as passed, so that a first run that passes sends no message."""
    outcome, causes = entries[-1].state if entries else ("pass", ())
    alarm = any(_of_history(one) for one in alarms(entries, alarms_per_year))
    return {"outcome": outcome, "causes": list(causes), "alarm": alarm}


def _of_history(alarm: Alarm) -> bool:
    """Whether the alarm comes from the runs together, which may pass one by one."""
    return alarm.what == "providers"


def _message(
    entries: Sequence[HistoryEntry],
    before: Mapping[str, Any],
    now: Mapping[str, Any],
    url: str,
    alarms_per_year: float,
) -> str:
    last = entries[-1]
    if now["outcome"] != before["outcome"] or len(entries) == 1:
        change = f"{before['outcome'] if len(entries) > 1 else 'first run'} -> {now['outcome']}"
    elif now["causes"] != before["causes"]:
        were, are = (", ".join(state["causes"]) or "no cause" for state in (before, now))
        change = f"{now['outcome']}, cause now {are} (before: {were})"
    elif now["alarm"]:
        change = f"{now['outcome']}; the run history raises an alarm"
    else:
        change = f"{now['outcome']}; the alarm of the run history is over"
    text = f"{_key(last.series)}: {change}" + (f". {last.headline}" if last.headline else "")
    places = [f"{cause} at {place}" for cause, place in last.where.items()]
    text += f"\n{'; '.join(places)}" if places else ""
    for alarm in alarms(entries, alarms_per_year):
        text += f"\nsince {alarm.since.date}" + (f": {alarm.text}" if _of_history(alarm) else "")
        text += f"; changed: {', '.join(alarm.changed)}" if alarm.changed else ""
    return text + (f"\n{url.rstrip('/')}/runs/{last.run_id}/" if url else "")
