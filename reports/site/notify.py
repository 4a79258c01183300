"""Word of a change of state: what the last night of a target says that the one before did not."""

from __future__ import annotations

import httpx

from e2e.errors import HarnessError
from reports.nights.alarm import alarms
from reports.nights.night import Night
from reports.nights.show import series_of
from reports.nights.store import History


def messages(history: History, url: str = "", alarms_per_year: float = 0.02) -> list[str]:
    """One for each target and browser whose state changed with its last night: other causes, or another outcome.

    A first night is a change when it is not a good one.
    """
    found = []
    for (target, browser), nights in series_of(history).items():
        now, before = nights[-1], nights[-2] if len(nights) > 1 else None
        if (before is None and now.outcome == "pass") or (
            before is not None and _state(before) == _state(now)
        ):
            continue
        was = before.outcome if before else "nothing"
        said = f"{target} ({browser}): {was} -> {now.outcome}. {now.headline}"
        places = [f"{cause} at {place}" for cause, place in now.where.items()]
        said += f"\n{'; '.join(places)}" if places else ""
        told = {(a.since.date, a.changed) for a in alarms(nights, alarms_per_year)}
        for since, changed in sorted(told):
            said += f"\nsince {since}" + (f"; changed: {', '.join(changed)}" if changed else "")
        found.append(said + (f"\n{url.rstrip('/')}/nights/{now.run_id}/" if url else ""))
    return found


def notify(history: History, webhook: str, url: str = "") -> list[str]:
    """POST ``{"text": …}`` for each change. Returns what was told. Raises `HarnessError` when it could not be."""
    told = messages(history, url)
    if told and not webhook:
        raise HarnessError("there is no webhook to tell", way_out="CHAT_E2E_WEBHOOK or --webhook names one")
    for text in told:
        try:
            httpx.post(webhook, json={"text": text}, timeout=20, trust_env=False).raise_for_status()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            status = getattr(getattr(error, "response", None), "status_code", None)
            why = f"it answered {status}" if status else type(error).__name__
            raise HarnessError(
                f"the webhook could not be told: {why}", way_out="is its address right, and is it up?"
            ) from None  # its address is a secret
    return told


def _state(night: Night) -> tuple[str, tuple[str, ...]]:
    return night.outcome, tuple(sorted(night.causes))
