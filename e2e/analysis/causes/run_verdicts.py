"""All verdicts of a run, and what the rules about the run as a whole read from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from e2e.analysis.causes.explained_checks import INDEPENDENT, SPREAD
from e2e.analysis.model.verdict import Verdict


@dataclass(frozen=True, slots=True)
class RunVerdicts:
    """The verdicts of a run by name."""

    by_name: Mapping[str, Verdict]

    @classmethod
    def of(cls, verdicts: Sequence[Verdict]) -> RunVerdicts:
        return cls({v.name: v for v in verdicts})

    def failed(self, *names: str) -> list[Verdict]:
        return [self.by_name[n] for n in names if n in self.by_name and self.by_name[n].outcome == "fail"]

    def passed(self, name: str) -> bool:
        return name in self.by_name and self.by_name[name].outcome == "pass"

    def shares(self, *, one: bool) -> list[Verdict]:
        """The failures about shares of providers, with one provider only or with several.

        A failure for an unexpected name, or for counts that do not add up, is not about shares.
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
        failed = self.failed(INDEPENDENT)
        return set(str(failed[0].numbers["depends_on"]).split(", ")) - {""} if failed else set()

    def lanes_never_change(self) -> bool:
        """Each lane stays with one provider. With few lanes that is too little for a test of its own, beside wrong shares it is enough."""
        numbers = self.by_name[INDEPENDENT].numbers if INDEPENDENT in self.by_name else {}
        return int(numbers.get("lanes", 0)) >= 2 and numbers["lanes"] == numbers["constant_lanes"]

    def repeats_too_often(self) -> bool:
        """A provider follows itself more often than expected."""
        numbers = self.by_name[INDEPENDENT].numbers
        return float(numbers["repeats"]) > float(numbers["repeats_expected"])

    def provider_follows_user_or_chat(self) -> bool:
        """The provider stays with the lane or the user agent, or with that of the chat before."""
        on = self.depends_on()
        return bool(on & {"lane", "user agent"}) or ("before" in on and self.repeats_too_often())
