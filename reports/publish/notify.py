"""Word of a change of state: what the last night of a target says that nobody was told yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from e2e.errors import HarnessError
from reports.history.alarm import Alarm, alarms
from reports.history.entry import Night
from reports.history.show import series_of
from reports.history.store import History, Store


def messages(
    history: History, url: str = "", alarms_per_year: float = 0.02, told: Mapping[str, Any] | None = None
) -> dict[str, str]:
    """One for each series whose state is another than was told last: outcome, causes, or the history's alarm.

    ``told`` is what `states` gave then. A series that it does not know is compared with its night before; a first night is a
    change when it is not a good one.
    """
    found = {}
    for series, nights in series_of(history).items():
        key, now = _key(series), _state(nights, alarms_per_year)
        before = (told or {}).get(key) or _state(nights[:-1], alarms_per_year)
        if now != before:
            found[key] = _message(nights, before, now, url, alarms_per_year)
    return found


def states(history: History, alarms_per_year: float = 0.02) -> dict[str, Any]:
    """The state of each series, by its name: ``{"reference, chromium": {"outcome", "causes", "alarm"}}``."""
    return {_key(series): _state(nights, alarms_per_year) for series, nights in series_of(history).items()}


def notify(store: Store, webhook: str, url: str = "") -> list[str]:
    """POST ``{"text": …}`` for each change, and note what was told. Returns it.

    Raises `HarnessError` when it could not be told: the next call tries again.
    """
    history, noted = store.read(), store.told()
    told, now = messages(history, url, told=noted), states(history)
    if told and not webhook:
        raise HarnessError("there is no webhook to tell", hint="CHAT_E2E_WEBHOOK or --webhook names one")
    noted |= {key: state for key, state in now.items() if key not in told}
    for key, text in told.items():
        try:
            httpx.post(webhook, json={"text": text}, timeout=20, trust_env=False).raise_for_status()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            status = getattr(getattr(error, "response", None), "status_code", None)
            why = f"it answered {status}" if status else type(error).__name__
            raise HarnessError(
                f"the webhook could not be told: {why}", hint="is its address right, and is it up?"
            ) from None  # its address is a secret
        noted[key] = now[key]
        store.note_told(noted)
    if now and not told:
        store.note_told(noted)
    return list(told.values())


def _key(series: tuple[str, str]) -> str:
    return ", ".join(series)


def _state(nights: Sequence[Night], alarms_per_year: float) -> dict[str, Any]:
    """Of nothing at all: as of a good night, which nobody needs to hear of."""
    outcome, causes = nights[-1].state if nights else ("pass", ())
    alarm = any(_of_history(one) for one in alarms(nights, alarms_per_year))
    return {"outcome": outcome, "causes": list(causes), "alarm": alarm}


def _of_history(alarm: Alarm) -> bool:
    """Whether it is the nights together that say so, even where each of them passes."""
    return alarm.what == "providers"


def _message(
    nights: Sequence[Night],
    before: Mapping[str, Any],
    now: Mapping[str, Any],
    url: str,
    alarms_per_year: float,
) -> str:
    last = nights[-1]
    if now["outcome"] != before["outcome"] or len(nights) == 1:
        change = f"{before['outcome'] if len(nights) > 1 else 'nothing'} -> {now['outcome']}"
    elif now["causes"] != before["causes"]:
        were, are = (", ".join(state["causes"]) or "no cause" for state in (before, now))
        change = f"{now['outcome']}, now for {are} (before: {were})"
    elif now["alarm"]:
        change = f"{now['outcome']}, but the nights together raise an alarm"
    else:
        change = f"{now['outcome']}, and the alarm of the nights together is over"
    said = f"{_key(last.series)}: {change}" + (f". {last.headline}" if last.headline else "")
    places = [f"{cause} at {place}" for cause, place in last.where.items()]
    said += f"\n{'; '.join(places)}" if places else ""
    for alarm in alarms(nights, alarms_per_year):
        said += f"\nsince {alarm.since.date}" + (f": {alarm.said}" if _of_history(alarm) else "")
        said += f"; changed: {', '.join(alarm.changed)}" if alarm.changed else ""
    return said + (f"\n{url.rstrip('/')}/nights/{last.run_id}/" if url else "")
