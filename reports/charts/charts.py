"""The charts of a run: how often each provider answered, and which session each chat sent."""

from __future__ import annotations

import math
import textwrap
from collections import defaultdict
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy import special

from e2e.analysis.facts.freshness import freshness
from e2e.analysis.facts.sessions import provider_counts
from e2e.analysis.model.run import Run
from e2e.analysis.model.schema import ChatRow
from e2e.analysis.model.wording import key_of, plural
from reports.charts.drawing import (
    ALARM,
    BAND,
    BAR,
    CELL_INK,
    INK,
    NOTHING,
    PALETTE,
    QUIET,
    Chart,
    finish,
    initials,
    mark_area,
    new_figure,
    remove_charts,
)
from reports.charts.flow import failing_chat, short
from reports.charts.structure import id_structure
from reports.charts.timeline import chat_timeline

__all__ = ["chart_set", "chat_timeline", "lanes_strip", "provider_distribution"]

_COLUMNS = 30  # chats in one row; a lane with more goes on in the next row
_ROWS = 16
_TABLE_ROWS = 1000

_LONGEST_LABEL = 40  # characters of a provider's name beside its bar; the chart's table has all of it


def provider_distribution(run: Run) -> Chart | None:
    """New sessions per provider, and the range of 95 % of healthy runs where shares are expected; None without a session."""
    return run.once("chart.providers", lambda: _providers(run))


def lanes_strip(run: Run) -> Chart | None:
    """The chats of each lane in order: the session sent above, the provider below. A reused session repeats one text in red frames."""
    return run.once("chart.lanes", lambda: _lanes(run))


def chart_set(run: Run, out: Path) -> list[Chart]:
    """Draw the charts of a run, and write ``charts/NAME.svg`` and ``.png`` under ``out``. Charts of earlier runs are removed."""
    remove_charts(out)
    charts = drawn_charts(run)
    for chart in charts:
        write_chart(chart, out)
    return charts


def drawn_charts(run: Run) -> list[Chart]:
    """The charts of a run, with the timeline of a chat of the first failed check."""
    shown = failing_chat(run) or next(
        (key_of(c) for c in run.every(ChatRow) if c.scenario == "plain" and c.status == "observed"), None
    )
    drawn = [
        provider_distribution(run),
        lanes_strip(run),
        chat_timeline(run, shown) if shown else None,
        id_structure(run),
    ]
    return [chart for chart in drawn if chart is not None]


def write_chart(chart: Chart, out: Path) -> None:
    """Write ``charts/NAME.svg`` and ``.png`` under ``out``."""
    (out / "charts").mkdir(parents=True, exist_ok=True)
    for name, data in chart.files().items():
        (out / name).write_bytes(data)


def band(n: int, share: float) -> tuple[int, int]:
    """The range that contains the count of a provider with this share of ``n`` sessions in at least 95 % of runs (binomial)."""
    # not scipy.stats.binom.ppf: importing scipy.stats takes longer than drawing all charts
    cumulated = special.bdtr(np.arange(n + 1), n, share)
    low, high = np.searchsorted(cumulated, [0.025, 0.975])
    return int(low), min(int(high), n)


def expected_of(run: Run) -> dict[str, float]:
    """Expected share by provider, for providers that the profile names or that were seen; without unexpected providers."""
    policy = run.policy
    if policy.weights:
        return dict(policy.weights)
    if policy.providers:
        return dict.fromkeys(policy.providers, 1 / len(policy.providers))
    return dict.fromkeys(provider_counts(run), 1 / policy.provider_count) if policy.provider_count else {}


def _providers(run: Run) -> Chart | None:
    counts = provider_counts(run)
    if not counts:
        return None
    n, policy = sum(counts.values()), run.policy
    shares = expected_of(run)
    names = sorted({*counts, *shares}, key=lambda name: (-counts[name], name))
    # An unexpected provider has no range: one reply of it is one too many.
    ranges = {name: band(n, shares[name]) for name in names if name in shares}
    figure, axes = new_figure(8.2, 1.1 + 0.42 * len(names))
    right = max([*counts.values(), *(high for _, high in ranges.values())]) * 1.12 + 0.6
    marks, table = {}, []
    for row, name in enumerate(names):
        share, expected, wanted = f"{100 * counts[name] / n:.0f} %", "", "not expected"
        if name in ranges:
            low, high = ranges[name]
            axes.barh(row, high - low, left=low, height=0.78, color=BAND, zorder=1)
            axes.plot([n * shares[name]] * 2, [row - 0.39, row + 0.39], color=QUIET, linewidth=1.2, zorder=3)
            expected, wanted = f"{n * shares[name]:.1f}", f"{low} to {high}"
        axes.barh(row, counts[name], height=0.44, color=BAR, zorder=2)
        axes.text(
            counts[name] + 0.012 * right,
            row,
            f"{counts[name]} ({share})",
            va="center",
            color=INK,
            fontsize=9.5,
            zorder=4,
        )
        mark_area(axes, 0, row - 0.45, right, 0.9, f"provider-{row}")
        marks[f"provider-{row}"] = f"{name}: {counts[name]} of {n} sessions ({share})" + (
            f"; expected {expected}; 95 % of healthy runs: {wanted}" if expected else "; not expected"
        )
        table.append((name, counts[name], expected, wanted))
    axes.set_yticks(range(len(names)), [_label(name) for name in names])
    axes.invert_yaxis()
    axes.set_xlim(0, right)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_xlabel(
        "new sessions"
        + ("; band: 95 % of healthy runs, for each provider by itself; line: expected" if ranges else "")
    )
    known = policy.provider_count or len(policy.providers or policy.weights or ()) or None
    title = f"{plural(n, 'new session')} on {plural(len(counts), 'provider')}" + (
        f" of {known}" if known else ""
    )
    alt = title + ": " + ", ".join(f"{name} {counts[name]}" for name in names)
    head = ("provider", "new sessions", "expected", "95 % of healthy runs")
    return finish(figure, axes, "provider-distribution", title, alt, marks=marks, head=head, rows=table)


class _Row(NamedTuple):
    """Up to `_COLUMNS` chats of one lane."""

    lane: str
    first: int
    """Place of the first chat in its lane; above 0 in a row that continues a lane."""
    chats: list[ChatRow]


def _label(name: str) -> str:
    """A name that leaves room for the bars."""
    return name if len(name) <= _LONGEST_LABEL else f"{name[: _LONGEST_LABEL - 1]}…"


def _lanes(run: Run) -> Chart | None:
    by_place: dict[tuple[str, int], list[ChatRow]] = defaultdict(list)
    for chat in run.every(ChatRow):  # in order of their begin
        by_place[chat.run_id, chat.lane].append(chat)
    lanes: dict[str, list[ChatRow]] = {}
    for (run_id, lane), chats in sorted(by_place.items()):
        name = f"{run_id[-4:]} lane {lane}" if run.pooled else f"lane {lane}"
        lanes.setdefault(name, []).extend(chats)
    if not lanes:
        return None
    shown = _rows_of(lanes)
    columns = max(len(row.chats) for row in shown)
    old = {f.key for f in freshness(run, "sent") if f.repeated}
    letters = initials(sorted({c.provider for row in shown for c in row.chats if c.provider}))
    session_colours: dict[str, str] = {}
    provider_colours = {name: PALETTE[n % len(PALETTE)] for n, name in enumerate(letters)}
    width = 1.6 + 0.62 * max(columns, 9)
    figure, axes = new_figure(width, 1.0 + 0.86 * len(shown))
    marks = {}
    for y, row in enumerate(shown):
        for x, chat in enumerate(row.chats):
            sent, who, faint = chat.sent, chat.provider, chat.scenario != "plain"
            again = key_of(chat) in old
            _cell(axes, x, y, sent and sent[-4:], _colour(session_colours, sent), alarm=again, faint=faint)
            _cell(
                axes,
                x,
                y + 0.42,
                who and letters[who],
                _colour(provider_colours, who),
                alarm=False,
                faint=faint,
            )
            mark_area(axes, x, y, 0.96, 0.8, f"chat-{y}-{x}")
            marks[f"chat-{y}-{x}"] = _chat_text(row.lane, chat, again=again)
        label = f"from {row.first}" if row.first else row.lane
        axes.text(-0.25, y + 0.4, label, ha="right", va="center", color=INK, fontsize=9.5)
    axes.set_xlim(-0.1, columns)
    axes.set_ylim(len(shown) - 0.05, -0.12)
    axes.set_yticks([])
    axes.set_xticks([c + 0.48 for c in range(columns)], [str(c) for c in range(columns)])
    faint = any(c.scenario != "plain" for row in shown for c in row.chats)
    axes.set_xlabel(_key(letters, width, framed=bool(old), faint=faint))
    longest = max(len(chats) for chats in lanes.values())
    most = max(row.first + len(row.chats) for row in shown)
    cut = [f"first {most} of {longest} chats"] if longest > most else []
    drawn = len({row.lane for row in shown})
    cut += [f"first {drawn} of {len(lanes)} lanes"] if len(lanes) > drawn else []
    title = "Sessions and providers of each lane" + (f" ({', '.join(cut)})" if cut else "")
    alt = f"{title}: " + "; ".join(
        f"{name}: {plural(len({c.sent for c in chats if c.sent}), 'session')} in {plural(len(chats), 'chat')}"
        for name, chats in list(lanes.items())[:_ROWS]
    )
    rows = (_table_row(name, c, again=key_of(c) in old) for name, chats in lanes.items() for c in chats)
    table = list(islice(rows, _TABLE_ROWS))
    head = ("lane", "chat", "session sent", "note", "provider", "scenario")
    return finish(figure, axes, "lanes-strip", title, alt, marks=marks, head=head, rows=table)


def _rows_of(lanes: dict[str, list[ChatRow]]) -> list[_Row]:
    """At most `_ROWS` rows: every lane gets as many as there is room for, and the first lanes one each where there is not."""
    most = max(1, _ROWS // len(lanes))
    return [
        _Row(name, _COLUMNS * n, chats[_COLUMNS * n : _COLUMNS * (n + 1)])
        for name, chats in list(lanes.items())[:_ROWS]
        for n in range(min(most, math.ceil(len(chats) / _COLUMNS)))
    ]


def _table_row(lane: str, chat: ChatRow, *, again: bool) -> tuple[object, ...]:
    sent = "nothing" if chat.sent is None else short(chat.sent)
    return lane, chat.chat, sent, "sent before" if again else "", chat.provider or "–", chat.scenario


def _chat_text(lane: str, chat: ChatRow, *, again: bool) -> str:
    scenario = "" if chat.scenario == "plain" else f" ({chat.scenario})"
    sent = "no session ID" if chat.sent is None else short(chat.sent) + (", sent before" if again else "")
    return f"{lane}, chat {chat.chat}{scenario}: sent {sent}; provider {chat.provider or 'not seen'}"


def _key(letters: dict[str, str], width: float, *, framed: bool, faint: bool) -> str:
    """The legend: rows, frames, pale cells and the short names of the providers."""
    line = "chats of the lane. Above: the session sent" + (" (red frame: sent before)" if framed else "")
    lines = [line + "; below: the provider" + ("; paler: chats of scenarios" if faint else "")]
    lines += textwrap.wrap(", ".join(f"{s} {name}" for name, s in letters.items()), int(13 * width))
    return "\n".join(lines)


def _colour(colours: dict[str, str], value: str | None) -> str:
    """One colour per value, in order of appearance. Many sessions may share a colour; neighbours never do."""
    return NOTHING if value is None else colours.setdefault(value, PALETTE[len(colours) % len(PALETTE)])


def _cell(
    axes: Any, left: float, top: float, text: str | None, colour: str, *, alarm: bool, faint: bool
) -> None:
    from matplotlib.patches import Rectangle

    edge, line = (ALARM, 1.8) if alarm else ("none", 0)
    axes.add_patch(
        Rectangle(
            (left, top),
            0.96,
            0.38,
            facecolor=colour,
            edgecolor=edge,
            linewidth=line,
            alpha=0.45 if faint else 1,
        )
    )
    ink = INK if colour == NOTHING else CELL_INK
    place = {"ha": "center", "va": "center", "family": "monospace"}
    axes.text(left + 0.48, top + 0.19, text or "–", fontsize=8, color=ink, **place)
