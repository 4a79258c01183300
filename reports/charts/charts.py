"""Charts that are looked at rather than read: who answered how often, and which session each chat was sent with."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import numpy as np
from scipy import special

from e2e.analysis.facts.freshness import freshness
from e2e.analysis.facts.sessions import provider_counts
from e2e.analysis.model.columns import rows
from e2e.analysis.model.run import Run
from e2e.analysis.model.wording import key_of
from reports.charts.drawing import (
    ALARM,
    BAND,
    BAR,
    INK,
    NOTHING,
    PALETTE,
    QUIET,
    Chart,
    finish,
    initials,
    new_figure,
)
from reports.charts.flow import failing_chat
from reports.charts.structure import id_structure
from reports.charts.timeline import chat_timeline

__all__ = ["chart_set", "chat_timeline", "lanes_strip", "provider_distribution"]

_COLUMNS = 30  # chats of a lane that are drawn
_LANES = 16
_OF_NO_RUN = ("calibration", "history")


def provider_distribution(run: Run) -> Chart | None:
    """New sessions per provider, with the band that 95 % of healthy runs keep to where shares are expected; None without any."""
    return run.once("chart.providers", lambda: _providers(run))


def lanes_strip(run: Run) -> Chart | None:
    """Each lane's chats in order: above the session that was sent, below who answered. A stuck session is a row of one text."""
    return run.once("chart.lanes", lambda: _lanes(run))


def chart_set(run: Run, out: Path) -> list[Chart]:
    """Write ``charts/NAME.svg`` and ``.png`` under ``out``, with the timeline of the first chat of a failed check.

    Charts of earlier runs go.
    """
    folder = out / "charts"
    folder.mkdir(parents=True, exist_ok=True)
    for old in (*folder.glob("*.svg"), *folder.glob("*.png"), *folder.glob("*.html")):
        if old.stem not in _OF_NO_RUN:
            old.unlink()
    failing = failing_chat(run)
    drawn = [
        provider_distribution(run),
        lanes_strip(run),
        chat_timeline(run, failing) if failing else None,
        id_structure(run),
    ]
    charts = [chart for chart in drawn if chart is not None]
    for chart in charts:
        write_chart(chart, out)
    return charts


def write_chart(chart: Chart, out: Path) -> None:
    """Write ``charts/NAME.svg`` and ``.png`` under ``out``."""
    folder = out / "charts"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{chart.name}.svg").write_bytes(chart.svg)
    (folder / f"{chart.name}.png").write_bytes(chart.png)


def band(n: int, share: float) -> tuple[int, int]:
    """The counts that a provider with this share of ``n`` sessions keeps to in at least 95 % of runs (binomial)."""
    # not scipy.stats.binom.ppf: importing it costs more than all charts together
    cumulated = special.bdtr(np.arange(n + 1), n, share)
    low, high = np.searchsorted(cumulated, [0.025, 0.975])
    return int(low), min(int(high), n)


def expected_of(run: Run) -> dict[str, float]:
    """Expected share by provider, of those that are named or were seen; a provider that nobody expects is not among them."""
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
    figure, axes = new_figure(8.2, 1.1 + 0.42 * len(names))
    most = max(counts.values())
    banded = False
    for row, name in enumerate(names):
        # a provider that nobody expects has no band: any answer of it is one too many
        expected = shares.get(name)
        if expected is not None:
            low, high = band(n, expected)
            axes.barh(row, high - low, left=low, height=0.78, color=BAND, zorder=1)
            axes.plot([n * expected] * 2, [row - 0.39, row + 0.39], color=QUIET, linewidth=1.2, zorder=3)
            most, banded = max(most, high), True
        axes.barh(row, counts[name], height=0.44, color=BAR, zorder=2)
        said = f"{counts[name]}  ({100 * counts[name] / n:.0f} %)"
        axes.text(counts[name], row, f" {said}", va="center", color=INK, fontsize=9.5, zorder=4)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlim(0, most * 1.12 + 0.6)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_xlabel(
        "new sessions"
        + ("; band: 95 % of healthy runs, for each provider by itself; line: expected" if banded else "")
    )
    known = policy.provider_count or len(policy.providers or policy.weights or ()) or None
    title = f"{n} new session{'s' if n > 1 else ''} on {len(counts)} provider{'s' if len(counts) > 1 else ''}"
    title += f" of {known}" if known else ""
    alt = title + ": " + ", ".join(f"{name} {counts[name]}" for name in names)
    return finish(figure, axes, "provider-distribution", title, alt)


def _lanes(run: Run) -> Chart | None:
    lanes: dict[tuple[str, int], list[Any]] = {}
    for chat in rows(run.chats.sort_values("order")):
        lanes.setdefault((chat.run_id, chat.lane), []).append(chat)
    if not lanes:
        return None
    shown = dict(sorted(lanes.items())[:_LANES])
    longest = max(len(chats) for chats in shown.values())
    columns = min(longest, _COLUMNS)
    old = {f.key for f in freshness(run, "sent") if f.repeated}
    short = initials(sorted({c.provider for chats in shown.values() for c in chats[:columns] if c.provider}))
    session_colours: dict[str, str] = {}
    provider_colours = {name: PALETTE[n % len(PALETTE)] for n, name in enumerate(short)}
    width = 1.6 + 0.62 * max(columns, 9)
    figure, axes = new_figure(width, 1.0 + 0.86 * len(shown))
    for row, ((run_id, lane), chats) in enumerate(shown.items()):
        for column, chat in enumerate(chats[:columns]):
            sent, who = chat.sent, chat.provider
            _cell(
                axes,
                column,
                row,
                sent and sent[-4:],
                _colour(session_colours, sent),
                alarm=key_of(chat) in old,
                faint=chat.scenario != "plain",
            )
            _cell(
                axes,
                column,
                row + 0.42,
                who and short[who],
                _colour(provider_colours, who),
                alarm=False,
                faint=chat.scenario != "plain",
            )
        label = f"lane {lane}" if not run.pooled else f"{run_id[-4:]} lane {lane}"
        axes.text(-0.25, row + 0.4, label, ha="right", va="center", color=INK, fontsize=9.5)
    axes.set_xlim(-0.1, columns)
    axes.set_ylim(len(shown) - 0.05, -0.12)
    axes.set_yticks([])
    axes.set_xticks([c + 0.48 for c in range(columns)], [str(c) for c in range(columns)])
    played = any(c.scenario != "plain" for chats in shown.values() for c in chats[:columns])
    axes.set_xlabel(_key(short, width, framed=bool(old), played=played))
    cut = [f"first {columns} of {longest} chats"] if longest > columns else []
    cut += [f"first {len(shown)} of {len(lanes)} lanes"] if len(lanes) > len(shown) else []
    title = "Sessions and providers of each lane" + (f" ({', '.join(cut)})" if cut else "")
    alt = f"{title}: " + "; ".join(
        f"lane {lane}: {len({c.sent for c in chats if c.sent})} sessions in {len(chats)} chats"
        for (_, lane), chats in shown.items()
    )
    return finish(figure, axes, "lanes-strip", title, alt)


def _key(short: dict[str, str], width: float, *, framed: bool, played: bool) -> str:
    """What the strip's rows, frames and letters stand for."""
    said = "chats of the lane. Above: the session sent" + (
        " (red frame: one that was sent before)" if framed else ""
    )
    lines = [said + "; below: the provider" + ("; paler: chats of scenarios" if played else "")]
    lines += textwrap.wrap(", ".join(f"{s} {name}" for name, s in short.items()), int(13 * width))
    return "\n".join(lines)


def _colour(colours: dict[str, str], value: str | None) -> str:
    """One colour per value, in order of appearance: with many sessions two may share one, neighbours never do."""
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
    where = {"ha": "center", "va": "center", "family": "monospace"}
    axes.text(left + 0.48, top + 0.19, text or "–", fontsize=8, color=INK, **where)
