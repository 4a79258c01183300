"""One entry of the run history: what is kept of a judged run. It holds neither session IDs nor texts of chats."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from e2e.records.printable import as_name, printable
from reports.charts.figures import against_shares, figures
from reports.summary.verdict import headline

if TYPE_CHECKING:  # loads pandas, which reading the history does not need
    from reports.summary.aggregate import Judged

COLUMNS = ("run_id", "began", "target", "browser", "kind", "name", "text", "number")
"""Columns of an entry's table."""
_RUN_ID = r"[A-Za-z0-9][A-Za-z0-9._:+-]*"
_LATEST = 1e11  # seconds since the epoch
CHANGES = {"target_version": "target version", "profile": "profile", "browser": "browser", "commit": "suite"}
"""Facts that may explain a change from one run to the next, with their names for people."""


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """A judged run, or several that were pooled."""

    run_id: str
    """Of the first run; names the entry."""
    began: float
    """Seconds since the epoch."""
    target: str
    browser: str
    outcome: str
    headline: str
    run_ids: tuple[str, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    checks: Mapping[str, str] = field(default_factory=dict)
    """Name -> verdict; ``accepted`` for a failure by a known issue."""
    causes: Mapping[str, int] = field(default_factory=dict)
    """Name -> chats that show it."""
    where: Mapping[str, str] = field(default_factory=dict)
    """Cause -> its first code location."""
    figures: Mapping[str, float] = field(default_factory=dict)
    providers: Mapping[str, int] = field(default_factory=dict)
    """New sessions by provider, where shares are expected."""
    shares: Mapping[str, float] = field(default_factory=dict)
    """Expected share by provider."""

    @property
    def date(self) -> str:
        """``2026-11-22 02:15``, UTC."""
        return time.strftime("%Y-%m-%d %H:%M", time.gmtime(self.began))

    @property
    def series(self) -> tuple[str, str]:
        """Target and browser; runs are compared within a series only."""
        return self.target, self.browser

    @property
    def state(self) -> tuple[str, tuple[str, ...]]:
        """Outcome and causes."""
        return self.outcome, tuple(sorted(self.causes))

    def rows(self) -> list[dict[str, Any]]:
        """The entry as a table with `COLUMNS`."""
        kept: list[tuple[str, str, str | None, float | None]] = [
            ("entry", "outcome", self.outcome, None),
            ("entry", "headline", self.headline, None),
            *(("run", run_id, None, None) for run_id in self.run_ids),
            *(("fact", name, text, None) for name, text in self.facts.items()),
            *(("check", name, verdict, None) for name, verdict in self.checks.items()),
            *(("cause", name, self.where.get(name), float(n)) for name, n in self.causes.items()),
            *(("figure", name, None, value) for name, value in self.figures.items()),
            *(("provider", name, None, float(n)) for name, n in self.providers.items()),
            *(("share", name, None, value) for name, value in self.shares.items()),
        ]
        who = (self.run_id, self.began, self.target, self.browser)
        return [dict(zip(COLUMNS, (*who, *row), strict=True)) for row in kept]

    @classmethod
    def from_rows(cls, rows: Iterable[Mapping[str, Any]]) -> HistoryEntry:
        """Inverse of `rows`. Raises ``ValueError`` for anything but the rows of one entry."""
        by_kind: dict[str, dict[str, tuple[str | None, float | None]]] = {}
        names = set()
        first: Mapping[str, Any] = {}
        for raw in rows:
            row: dict[str, Any] = {
                name: as_name(value) if isinstance(value, str) and name != "text" else value
                for name, value in raw.items()
            }
            first = first or row
            names.add(row["run_id"])
            text = None if row["text"] is None else printable(row["text"])
            by_kind.setdefault(str(row["kind"]), {})[str(row["name"])] = (text, row["number"])
        kind = "entry" if "entry" in by_kind else "night"  # of earlier versions
        if len(names) != 1 or "outcome" not in by_kind.get(kind, {}):
            raise ValueError("expected the rows of one run")
        for name in ("run_id", "target", "browser"):
            if not isinstance(first[name], str):
                raise ValueError(f"{name} is {first[name]!r}")
        if not re.fullmatch(_RUN_ID, first["run_id"]) or not 0 <= float(first["began"]) < _LATEST:
            raise ValueError("its name is not that of a run, or its time is none")

        def texts(of: str) -> dict[str, str]:
            return {name: text or "" for name, (text, _) in by_kind.get(of, {}).items()}

        def numbers(of: str) -> dict[str, float]:
            return {name: number for name, (_, number) in by_kind.get(of, {}).items() if number is not None}

        return cls(
            run_id=first["run_id"],
            began=float(first["began"]),
            target=first["target"],
            browser=first["browser"],
            outcome=texts(kind)["outcome"],
            headline=texts(kind).get("headline", ""),
            run_ids=tuple(by_kind.get("run", {})),
            facts=texts("fact"),
            checks=texts("check"),
            causes={name: int(n) for name, n in numbers("cause").items()},
            where={name: text for name, text in texts("cause").items() if text},
            figures=numbers("figure"),
            providers={name: int(n) for name, n in numbers("provider").items()},
            shares=numbers("share"),
        )


def entry_of(judged: Judged) -> HistoryEntry:
    """The entry of judged runs."""
    metas = sorted(judged.run.metas, key=lambda m: m.started)
    newest = metas[-1]
    counted = against_shares(judged.run)
    return HistoryEntry(
        run_id=metas[0].run_id,
        began=metas[0].started,
        target=newest.target,
        browser=newest.browser,
        outcome=judged.summary.outcome,
        headline=headline(judged.summary),
        run_ids=tuple(meta.run_id for meta in metas),
        facts={
            "title": newest.title,
            "url": newest.url,
            **{k: v for k, v in newest.environment.items() if v},
        },
        checks={v.name: "accepted" if v.accepted else v.outcome for v in judged.judgement.verdicts},
        causes={c.name: c.chats for c in judged.judgement.causes},
        where={c.name: c.where[0] for c in judged.judgement.causes if c.where},
        figures=figures(judged.run),
        providers=counted[0] if counted else {},
        shares=counted[1] if counted else {},
    )
