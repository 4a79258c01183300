"""The rules for what shows in the run as a whole: an ordered table over the verdicts about providers and the backend.

Several may hold at once, and each verdict is explained by the first that claims it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from e2e.analysis.model.verdict import Verdict

VARIES, BALANCED, INDEPENDENT = "provider.varies", "provider.balanced", "provider.independent"
ASSIGNS, STATE = "backend.assigns", "backend.state"
SPREAD = (VARIES, BALANCED, ASSIGNS, STATE)


@dataclass(frozen=True)
class Said:
    """All verdicts of a run, by name."""

    by_name: Mapping[str, Verdict]

    @classmethod
    def by(cls, verdicts: Sequence[Verdict]) -> Said:
        return cls({v.name: v for v in verdicts})

    def failed(self, *names: str) -> list[Verdict]:
        return [self.by_name[n] for n in names if n in self.by_name and self.by_name[n].outcome == "fail"]

    def passed(self, name: str) -> bool:
        return name in self.by_name and self.by_name[name].outcome == "pass"

    def shares(self, *, one: bool) -> list[Verdict]:
        """Failures of shares, with one provider only or with several.

        A name that is not expected, or figures that do not add up, are no question of shares.
        """
        return [
            v
            for v in self.failed(*SPREAD)
            if not v.numbers.get("unexpected")
            and not v.numbers.get("not_adding_up")
            and (v.numbers["providers"] == 1) is one
        ]

    def depends_on(self) -> set[str]:
        """What a new session's provider was shown to depend on."""
        said = self.failed(INDEPENDENT)
        return set(str(said[0].numbers["depends_on"]).split(", ")) - {""} if said else set()

    def lanes_never_change(self) -> bool:
        """Each lane stays with one provider: with few lanes too little for a test of its own, beside shares that are off enough."""
        numbers = self.by_name[INDEPENDENT].numbers if INDEPENDENT in self.by_name else {}
        return int(numbers.get("lanes", 0)) >= 2 and numbers["lanes"] == numbers["constant_lanes"]

    def repeats_too_often(self) -> bool:
        numbers = self.by_name[INDEPENDENT].numbers
        return float(numbers["repeats"]) > float(numbers["repeats_expected"])


Claim = Callable[[Said], list[Verdict]]


class RunRule(NamedTuple):
    """One row: the cause, the failed verdicts that it explains (none: it does not hold), and what is left to doubt."""

    cause: str
    claims: Claim
    counts: str
    """The number of a verdict that says how many sessions are concerned."""
    excludes: tuple[str, ...]
    decides: str
    """The experiment that would settle it."""
    sure: float
    """Confidence that the evidence alone gives; an experiment may raise it."""


def _cycles(said: Said) -> list[Verdict]:
    """A fixed order. Lanes that take turns with one provider each look like one too: that is stickiness."""
    on = said.depends_on()
    return said.failed(INDEPENDENT) if on & {"cycle", "order"} and not _follows(said) else []


def _follows(said: Said) -> bool:
    """The provider stays where the lane, the user agent or the chat before had it."""
    on = said.depends_on()
    return bool(on & {"lane", "user agent"}) or ("before" in on and said.repeats_too_often())


def _sticky(said: Said) -> list[Verdict]:
    """Follows the lane, the user agent or the chat before; or stays in the browsers while fresh IDs spread at the backend itself."""
    if _follows(said):
        rest = [] if said.failed(ASSIGNS) else said.shares(one=False)
        return [*said.failed(INDEPENDENT), *rest]
    in_the_browsers = any(v.name in (VARIES, BALANCED) for v in said.shares(one=False))
    if said.passed(ASSIGNS) and (
        any(v.name == VARIES for v in said.shares(one=True))
        or (in_the_browsers and said.lanes_never_change())
    ):
        # what the browsers were given weighs in all three
        every = said.shares(one=True) + said.shares(one=False)
        return [v for v in every if not v.numbers.get("cached")]
    return []


def _pinned(said: Said) -> list[Verdict]:
    return said.shares(one=True)


def _skewed(said: Said) -> list[Verdict]:
    return said.shares(one=False)


def _flaps(said: Said) -> list[Verdict]:
    return said.failed("provider.persists", "backend.persists")


def _leaked(said: Said) -> list[Verdict]:
    return said.failed("backend.cleans_up")


def _guessable(said: Said) -> list[Verdict]:
    return [v for v in said.failed("session_ids.pattern") if v.numbers.get("guessable")]


RUN_RULES: tuple[RunRule, ...] = (
    RunRule(
        "provider-cycles",
        _cycles,
        "sessions",
        excludes=("provider-sticky", "provider-skewed"),
        decides="direct",
        sure=0.95,
    ),
    RunRule(
        "provider-sticky",
        _sticky,
        "sessions",
        excludes=("provider-pinned", "provider-skewed"),
        decides="new-context",
        sure=0.95,
    ),
    RunRule(
        "provider-pinned",
        _pinned,
        "sessions",
        excludes=("provider-skewed", "cached-reply"),
        decides="direct",
        sure=0.9,
    ),
    RunRule(
        "provider-skewed",
        _skewed,
        "sessions",
        excludes=("provider-pinned", "provider-sticky"),
        decides="direct",
        sure=0.9,
    ),
    RunRule(
        "provider-flaps", _flaps, "sessions_with_several", excludes=("label-stale",), decides="", sure=1.0
    ),
    RunRule("id-guessable", _guessable, "ids", excludes=("id-constant", "id-shared"), decides="", sure=1.0),
    RunRule("session-leaked", _leaked, "still_there", excludes=(), decides="", sure=1.0),
)


def claimed(verdicts: Sequence[Verdict]) -> list[tuple[RunRule, list[Verdict]]]:
    """The rules that hold, each with the verdicts that no rule before it has claimed."""
    said, taken = Said.by(verdicts), set[str]()
    found = []
    for rule in RUN_RULES:
        mine = [v for v in rule.claims(said) if v.name not in taken]
        if mine:
            taken |= {v.name for v in mine}
            found.append((rule, mine))
    return found
