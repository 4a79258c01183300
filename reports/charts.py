"""Charts that are looked at rather than read: on a light ground of their own, with words wherever a colour says something."""

from __future__ import annotations

import io
import re
from collections import Counter
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from e2e.analysis.columns import rows
from e2e.analysis.frames import Run
from e2e.analysis.sessions import sessions
from e2e.analysis.verdict import ChatKey

_INK, _QUIET, _LINE, _PAPER = "#23242a", "#61636e", "#d9d9e0", "#ffffff"
_BAR, _BAND, _ALARM = "#4f5bd5", "#c9cdf5", "#b3261e"
_PALETTE = (
    "#8ea2f0",
    "#f2b880",
    "#8fd0b0",
    "#e79bb4",
    "#c4b0ea",
    "#d7cf86",
    "#8cc8dd",
    "#d8a98f",
    "#b5c99a",
    "#e0a3d8",
    "#a9b4c2",
    "#f0c9c9",
)
_COLUMNS = 30  # chats of a lane that are drawn
_LANES = 16


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawn chart. ``alt`` says in words what it shows; it is the SVG's description too."""

    name: str
    title: str
    alt: str
    svg: bytes
    png: bytes


def provider_distribution(run: Run) -> Chart | None:
    """New sessions per provider, with the band that 95 % of healthy runs keep to where shares are expected; None without any."""
    counts = Counter(s.provider for s in sessions(run).values() if s.provider is not None)
    if not counts:
        return None
    n, policy = sum(counts.values()), run.policy
    shares = dict(policy.weights or {})
    if not shares and policy.providers:
        shares = dict.fromkeys(policy.providers, 1 / len(policy.providers))
    names = sorted({*counts, *shares}, key=lambda name: (-counts[name], name))
    uniform = 1 / policy.provider_count if policy.provider_count and not shares else None
    figure, axes = _figure(8.2, 1.1 + 0.42 * len(names))
    drawn_band = False
    for row, name in enumerate(names):
        expected = shares.get(name, uniform)
        if expected is not None:
            low, high = _band(n, expected)
            axes.barh(row, high - low, left=low, height=0.78, color=_BAND, zorder=1)
            axes.plot([n * expected] * 2, [row - 0.39, row + 0.39], color=_QUIET, linewidth=1.2, zorder=3)
            drawn_band = True
        axes.barh(row, counts[name], height=0.44, color=_BAR, zorder=2)
        axes.text(
            counts[name] + n * 0.012,
            row,
            f"{counts[name]}  ({100 * counts[name] / n:.0f} %)",
            va="center",
            color=_INK,
            fontsize=9.5,
            zorder=4,
        )
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlim(0, max([*counts.values()]) * 1.22 + 1)
    axes.set_xlabel("new sessions" + ("; band: 95 % of healthy runs, line: expected" if drawn_band else ""))
    known = policy.provider_count or len(shares) or None
    title = f"{n} new sessions on {len(counts)} providers" + (f" of {known}" if known else "")
    alt = title + ": " + ", ".join(f"{name} {counts[name]}" for name in names)
    return _drawn(figure, axes, "provider-distribution", title, alt)


def lanes_strip(run: Run) -> Chart | None:
    """Each lane's chats in order: above the session that was sent, below who answered. A stuck session is a long bar of one text."""
    lanes: dict[tuple[str, int], list[Any]] = {}
    for chat in rows(run.chats.sort_values("order")):
        lanes.setdefault((chat.run_id, chat.lane), []).append(chat)
    if not lanes:
        return None
    shown = dict(sorted(lanes.items())[:_LANES])
    longest = max(len(chats) for chats in shown.values())
    columns = min(longest, _COLUMNS)
    colours: dict[str, str] = {}
    figure, axes = _figure(1.6 + 0.62 * max(columns, 9), 0.9 + 0.86 * len(shown))
    for row, ((run_id, lane), chats) in enumerate(shown.items()):
        previous = None
        for column, chat in enumerate(chats[:columns]):
            sent = chat.sent if chat.sent_seen else None
            repeated = sent is not None and sent == previous
            _cell(axes, column, row, 0.0, sent and sent[-4:], colours, sent, alarm=repeated)
            _cell(axes, column, row, 0.42, _initials(chat.provider), colours, chat.provider, alarm=False)
            previous = sent or previous
        label = f"lane {lane}" if not run.pooled else f"{run_id[-4:]} lane {lane}"
        axes.text(-0.25, row + 0.4, label, ha="right", va="center", color=_INK, fontsize=9.5)
    axes.set_xlim(-0.1, columns)
    axes.set_ylim(len(shown) - 0.05, -0.12)
    axes.set_yticks([])
    axes.set_xticks([c + 0.48 for c in range(columns)], [str(c) for c in range(columns)])
    axes.set_xlabel(
        "chats of the lane. Above: the session sent (red frame: that of the chat before); below: the provider"
    )
    cut = [f"first {columns} of {longest} chats"] if longest > columns else []
    cut += [f"first {len(shown)} of {len(lanes)} lanes"] if len(lanes) > len(shown) else []
    title = "Sessions and providers of each lane" + (f" ({', '.join(cut)})" if cut else "")
    alt = f"{title}: " + "; ".join(
        f"lane {lane}: {len({c.sent for c in chats if c.sent})} sessions in {len(chats)} chats"
        for (_, lane), chats in shown.items()
    )
    return _drawn(figure, axes, "lanes-strip", title, alt)


_LAYERS = (
    "stored ID",
    "sent ID",
    "provider in the reply",
    "provider at the backend",
    "provider on the screen",
)


def chat_timeline(run: Run, key: ChatKey) -> Chart | None:
    """One chat over the five layers, from New Chat to its last reply, with the last payload of the chat before; None when unknown."""
    chat = next((c for c in rows(run.chats) if (c.run_id, c.lane, c.chat) == tuple(key)), None)
    if chat is None:
        return None
    points = _points(run, key, chat)
    end = max([0.05, *(t for t, *_ in points)])
    figure, axes = _figure(10.2, 3.5)
    for layer, name in enumerate(_LAYERS):
        axes.axhline(layer, color=_LINE, linewidth=1, zorder=1)
        axes.text(
            -0.015,
            layer,
            name,
            transform=axes.get_yaxis_transform(),
            ha="right",
            va="center",
            color=_INK,
            fontsize=9.5,
        )
    taken: dict[int, float] = {}
    for t, layer, text, alarm in sorted(points):
        x = max(t, -0.12 * end)
        above = taken.get(layer, -1e9) + 0.16 * end > x
        taken[layer] = x
        colour = _ALARM if alarm else _BAR
        axes.plot([x], [layer], marker="D" if alarm else "o", color=colour, markersize=7, zorder=3)
        axes.text(
            x,
            layer + (0.42 if above else -0.22),
            text,
            ha="left",
            va="bottom",
            color=colour if alarm else _INK,
            fontsize=8.5,
            zorder=4,
        )
    axes.axvline(0, color=_QUIET, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    axes.text(
        0,
        -0.62,
        " New Chat" if chat.via == "new_chat" else " page load",
        color=_QUIET,
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
    return _drawn(figure, axes, f"timeline-{chat.lane}-{chat.chat}", title, alt)


def chart_set(run: Run, out: Path) -> list[Chart]:
    """Write ``charts/NAME.svg`` and ``.png`` under ``out``, the timeline for the first chat of a failed check.

    Charts of earlier runs go.
    """
    folder = out / "charts"
    folder.mkdir(parents=True, exist_ok=True)
    for old in (*folder.glob("*.svg"), *folder.glob("*.png")):
        old.unlink()
    failing = next((v.chats[0] for v in run.judgement.verdicts if v.outcome == "fail" and v.chats), None)
    drawn = [provider_distribution(run), lanes_strip(run), chat_timeline(run, failing) if failing else None]
    charts = [chart for chart in drawn if chart is not None]
    for chart in charts:
        (folder / f"{chart.name}.svg").write_bytes(chart.svg)
        (folder / f"{chart.name}.png").write_bytes(chart.png)
    return charts


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
    for b in rows(run.backend):
        if (b.run_id, b.lane) == lane and b.chat == key.chat and b.provider is not None:
            points.append(
                (
                    b.t - chat.began,
                    3,
                    b.provider,
                    any(m.reply_provider not in (None, b.provider) for m in mine),
                )
            )
    return points


def _tail(reference: str | None) -> str:
    return "nothing" if reference is None else "…" + reference[-4:]


def _initials(name: str | None) -> str | None:
    return (
        None if name is None else "".join(word[0] for word in re.split(r"[\s_-]+", name) if word)[:3].upper()
    )


def _band(n: int, share: float) -> tuple[float, float]:
    """The counts that a healthy provider keeps to in 95 % of runs (binomial)."""
    from scipy.stats import binom

    return float(binom.ppf(0.025, n, share)), float(binom.ppf(0.975, n, share))


def _cell(
    axes: Any,
    column: int,
    row: int,
    top: float,
    text: str | None,
    colours: dict[str, str],
    value: str | None,
    *,
    alarm: bool,
) -> None:
    from matplotlib.patches import Rectangle

    colour = (
        colours.setdefault(value, _PALETTE[len(colours) % len(_PALETTE)]) if value is not None else "#f0f0f3"
    )
    axes.add_patch(
        Rectangle(
            (column, row + top),
            0.96,
            0.38,
            facecolor=colour,
            edgecolor=_ALARM if alarm else "none",
            linewidth=1.8 if alarm else 0,
        )
    )
    axes.text(
        column + 0.48,
        row + top + 0.19,
        text or "–",
        ha="center",
        va="center",
        fontsize=8,
        color=_INK,
        family="monospace",
    )


def _figure(width: float, height: float) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), facecolor=_PAPER, layout="constrained")
    axes = figure.add_subplot()
    axes.set_facecolor(_PAPER)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(_LINE)
    axes.tick_params(colors=_INK, length=0, labelsize=9.5)
    axes.xaxis.label.set_color(_QUIET)
    axes.xaxis.label.set_fontsize(8.5)
    return figure, axes


def _drawn(figure: Any, axes: Any, name: str, title: str, alt: str) -> Chart:
    import matplotlib as mpl

    axes.set_title(title, loc="left", color=_INK, fontsize=11.5, fontweight="bold", pad=10)
    figure.get_layout_engine().set(w_pad=0.18, h_pad=0.15)
    svg, png = io.BytesIO(), io.BytesIO()
    # Text stays text: it can be searched and read aloud. A fixed salt and no date: equal charts are equal bytes.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name, "font.family": ["DejaVu Sans"]}):
        figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
        figure.savefig(png, format="png", dpi=140, metadata={"Software": None})
    described = f"<title>{escape(title)}</title><desc>{escape(alt)}</desc>"
    text = re.sub(
        r"(<svg\b[^>]*>)",
        lambda m: f'{m[1].removesuffix(">")} role="img">{described}',
        svg.getvalue().decode(),
        count=1,
    )
    return Chart(name, title, alt, text.encode(), png.getvalue())
