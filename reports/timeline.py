"""One chat over the five layers, as a chart: what was stored, what was sent, who is said to have answered."""

from __future__ import annotations

from typing import Any

from e2e.analysis.columns import rows
from e2e.analysis.frames import Run
from e2e.analysis.verdict import ChatKey
from reports.drawing import ALARM, BAR, INK, LINE, QUIET, Chart, finish, new_figure

_LAYERS = (
    "stored ID",
    "sent ID",
    "provider in the reply",
    "provider at the backend",
    "provider on the screen",
)


def chat_timeline(run: Run, key: ChatKey) -> Chart | None:
    """One chat from New Chat to its last reply, with the last payload of the chat before; None when the chat is not known."""
    return run.once(f"chart.timeline.{'/'.join(map(str, key))}", lambda: _timeline(run, key))


def _timeline(run: Run, key: ChatKey) -> Chart | None:
    chat = next((c for c in rows(run.chats) if (c.run_id, c.lane, c.chat) == tuple(key)), None)
    if chat is None:
        return None
    points = _points(run, key, chat)
    end = max([0.05, *(t for t, *_ in points)])
    figure, axes = new_figure(10.2, 3.5)
    for layer, name in enumerate(_LAYERS):
        axes.axhline(layer, color=LINE, linewidth=1, zorder=1)
        axes.text(
            -0.015,
            layer,
            name,
            transform=axes.get_yaxis_transform(),
            ha="right",
            va="center",
            color=INK,
            fontsize=9.5,
        )
    taken: dict[int, float] = {}
    for t, layer, text, alarm in sorted(points):
        x = max(t, -0.12 * end)
        above = taken.get(layer, -1e9) + 0.16 * end > x
        taken[layer] = x
        colour = ALARM if alarm else BAR
        axes.plot([x], [layer], marker="D" if alarm else "o", color=colour, markersize=7, zorder=3)
        axes.text(
            x,
            layer + (0.42 if above else -0.22),
            text,
            ha="left",
            va="bottom",
            color=colour if alarm else INK,
            fontsize=8.5,
            zorder=4,
        )
    axes.axvline(0, color=QUIET, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    axes.text(
        0,
        -0.62,
        " New Chat" if chat.via == "new_chat" else " page load",
        color=QUIET,
        fontsize=8.5,
        va="bottom",
    )
    axes.set_ylim(len(_LAYERS) - 0.35, -0.85)
    axes.set_xlim(-0.14 * end, end * 1.2)
    axes.set_yticks([])
    axes.set_xlabel("seconds since the chat began (left of it: the chat before)")
    title = f"Chat {chat.chat} of lane {chat.lane} over the five layers"
    alt = (
        title + ": " + "; ".join(f"{t:.3f} s {_LAYERS[layer]} {text}" for t, layer, text, _ in sorted(points))
    )
    return finish(figure, axes, f"timeline-{chat.lane}-{chat.chat}", title, alt)


def _points(run: Run, key: ChatKey, chat: Any) -> list[tuple[float, int, str, bool]]:
    """``(seconds, layer, text, alarm)`` of everything seen of the chat."""
    lane = (key.run_id, key.lane)
    points: list[tuple[float, int, str, bool]] = []
    mine = [m for m in rows(run.messages) if (m.run_id, m.lane, m.chat) == tuple(key)]
    before = [
        m for m in rows(run.messages) if (m.run_id, m.lane) == lane and m.chat == key.chat - 1 and m.sent_at
    ]
    last_sent = before[-1].sent if before else None
    if before:
        points.append((before[-1].sent_at - chat.began, 1, _tail(last_sent), False))
    for w in rows(run.storage):
        if (w.run_id, w.lane) == lane and w.chat == key.chat and not w.same_value:
            points.append((w.t - chat.began, 0, "removed" if w.session is None else _tail(w.session), False))
    for m in mine:
        if m.sent_at is not None:
            stale = m.sent is not None and (m.sent == last_sent or (m.stored_seen and m.sent != m.stored))
            points.append((m.sent_at - chat.began, 1, _tail(m.sent), stale))
        if m.reply_provider is not None and m.first_chunk_at is not None:
            points.append((m.first_chunk_at - chat.began, 2, m.reply_provider, False))
        if m.label_provider is not None and m.ended_at is not None:
            points.append(
                (m.ended_at - chat.began, 4, m.label_provider, m.label_provider != m.reply_provider)
            )
    points += _backend_points(run, key, chat, mine)
    return points


def _backend_points(run: Run, key: ChatKey, chat: Any, mine: list[Any]) -> list[tuple[float, int, str, bool]]:
    """What the backend answered when asked for the chat's session; at the reply's end when only the answer was recorded."""
    replied = {m.reply_provider for m in mine} - {None}
    looked_up = [
        (b.t - chat.began, 3, b.provider, bool(replied - {b.provider}))
        for b in rows(run.backend)
        if (b.run_id, b.lane, b.chat) == tuple(key) and b.provider is not None
    ]
    return looked_up or [
        (m.ended_at - chat.began, 3, m.backend_provider, bool(replied - {m.backend_provider}))
        for m in mine
        if m.backend_provider is not None and m.ended_at is not None
    ]


def _tail(reference: str | None) -> str:
    return "nothing" if reference is None else "…" + reference[-4:]
