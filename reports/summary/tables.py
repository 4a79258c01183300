"""The observations as tables: one row per chat, with notes on what is wrong."""

from __future__ import annotations

import csv
import io
from html import escape

from e2e.analysis.facts.freshness import Layer, freshness
from e2e.analysis.model.run import Run
from e2e.analysis.model.schema import ChatRow, MessageRow
from e2e.analysis.model.verdict import ChatKey
from e2e.analysis.model.wording import key_of
from reports.charts.flow import short

__all__ = ["observations", "observations_csv", "observations_html", "short"]

_MOST = 500  # rows in an attachment; the evidence holds all
_COLUMNS = (
    "run",
    "lane",
    "chat",
    "stored before",
    "stored",
    "sent",
    "reply",
    "backend",
    "screen",
    "status",
    "notes",
)

_STYLE = """
:root { color-scheme: light dark; font: 13px/1.45 system-ui, sans-serif; }
body { margin: 12px; color: light-dark(#22242c, #e8e8ee); background: light-dark(#fff, #1c1d22); }
table { border-collapse: collapse; }
th, td { padding: 3px 14px 3px 0; text-align: left; white-space: nowrap; border-bottom: 1px solid light-dark(#e6e6ea, #35363e); }
th { position: sticky; top: 0; background: inherit; color: light-dark(#61636e, #a5a7b3); font-weight: 600; }
td.id { font-family: ui-monospace, monospace; font-size: 12px; }
tr.bad td { background: light-dark(#fdeeec, #3a2426); }
"""


def observations(run: Run, most: int | None = None) -> list[dict[str, str]]:
    """One row per chat in order of beginning, as text; ``notes`` lists what is wrong. ``most`` of them."""
    chats = sorted(run.every(ChatRow), key=lambda chat: chat.order)[:most]
    shown = set(map(key_of, chats))
    first = {key_of(m): m for m in run.every(MessageRow) if m.number == 0 and key_of(m) in shown}
    table = []
    for chat in chats:
        message = first.get(key_of(chat))
        notes = [] if chat.scenario == "plain" else [chat.scenario]
        notes += [] if chat.status == "observed" else [f"{chat.status}: {chat.reason}"]
        notes += _old_ids(run, key_of(chat))
        if chat.screen_compared:
            notes += [f"began with text of chat {chat.screen_from}"] if chat.screen_from is not None else []
        elif chat.screen_messages:
            notes.append(
                f"began with {chat.screen_messages} message{'s' if chat.screen_messages > 1 else ''} on the screen"
            )
        reply, screen = (message.reply_provider, message.label_provider) if message else (None, None)
        if reply and screen and reply != screen:
            notes.append("screen names another provider")
        table.append(
            {
                "run": chat.run_id,
                "lane": str(chat.lane),
                "chat": str(chat.chat),
                "stored before": _id(chat.stored_before),
                "stored": _id(chat.stored) if chat.stored_seen else "not seen",
                "sent": _id(chat.sent) if chat.sent_seen else "not seen",
                "reply": reply or "–",
                "backend": (message.backend_provider if message else None) or "–",
                "screen": screen or "–",
                "status": chat.status,
                "notes": "; ".join(notes),
            }
        )
    return table


def observations_html(run: Run) -> str:
    """A page of its own, in light and dark."""
    return run.once("tables.html", lambda: _html(run))


def _html(run: Run) -> str:
    table, chats = observations(run, _MOST), len(run.every(ChatRow))
    columns = [name for name in _COLUMNS if name != "run" or run.pooled]
    head = "".join(f"<th>{name}</th>" for name in columns)
    body = "".join(
        f'<tr class="{"bad" if row["notes"] else "good"}">'
        + "".join(f"<td{_cell_class(name)}>{escape(row[name])}</td>" for name in columns)
        + "</tr>"
        for row in table
    )
    more = f"<p>{chats - _MOST} more rows are in the evidence.</p>" if chats > _MOST else ""
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Observations</title><style>{_STYLE}</style>'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}</html>"
    )


def observations_csv(run: Run) -> str:
    """The same as comma-separated values, all rows."""
    out = io.StringIO()
    writer = csv.DictWriter(out, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _as_data(text) for name, text in row.items()} for row in observations(run))
    return out.getvalue()


def _as_data(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _old_ids(run: Run, key: ChatKey) -> list[str]:
    """Failures of the chat by the rotation checks, so that table and verdicts agree."""

    def collect() -> dict[ChatKey, list[str]]:
        found: dict[ChatKey, list[str]] = {}
        layers: tuple[Layer, ...] = ("stored", "sent")
        for layer in layers:
            for chat in freshness(run, layer):
                if chat.repeated:
                    found.setdefault(chat.key, []).append(f"{layer}: old ID")
                elif chat.bad:
                    found.setdefault(chat.key, []).append(f"{layer}: no ID")
        return found

    return run.once("tables.old_ids", collect).get(key, [])


def _id(reference: str | None) -> str:
    return "nothing" if reference is None else short(reference)


def _cell_class(name: str) -> str:
    return ' class="id"' if name in ("stored before", "stored", "sent") else ""
