"""What the experiments of a run showed, and what that says for or against a cause."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from e2e.analysis.causes.experiment_outcomes import ExperimentOutcome as E
from e2e.analysis.causes.registry import definitions
from e2e.analysis.facts.freshness import given_by_reply
from e2e.analysis.model.run import Run
from e2e.analysis.model.verdict import Verdict
from e2e.analysis.model.wording import plural
from e2e.records.records import Message

NAMES = (
    "direct",
    "new-context",
    "user-agent",
    "user",
    "frozen-clock",
    "reload",
    "cache-off",
    "slow-network",
)
_SEVERAL = 4  # fresh IDs of which one provider alone would surprise


@dataclass(frozen=True, slots=True)
class Finding:
    """One experiment, seen to its end or not."""

    name: str
    question: str
    answer: str
    outcomes: tuple[E, ...] = ()
    seen: bool = True

    @property
    def supports(self) -> tuple[str, ...]:
        """The causes that it speaks for, where they were suspected."""
        causes = definitions().values()
        return tuple(c.name for c in causes if not set(self.outcomes).isdisjoint(c.supported_by))

    @property
    def against(self) -> tuple[str, ...]:
        """The causes that it speaks against."""
        causes = definitions().values()
        return tuple(c.name for c in causes if not set(self.outcomes).isdisjoint(c.contradicted_by))


def wanted(verdicts: Sequence[Verdict]) -> tuple[str, ...]:
    """The experiments to make after these verdicts: all of them when one failed that concerns sessions or providers."""
    failed = [v.name for v in verdicts if v.outcome == "fail"]
    concerned = any(name.partition(".")[0] in ("rotation", "provider", "reply", "chat") for name in failed)
    return NAMES if concerned else ()


def findings(run: Run) -> tuple[Finding, ...]:
    """Every experiment that was begun or left out, in the order of their table."""
    return run.once("experiments", lambda: tuple(_findings(run)))


def _findings(run: Run) -> list[Finding]:
    told = [e.data for e in run.side_events if e.kind == "experiment"]
    questions = {data["name"]: data["question"] for data in told if "question" in data}
    failed = {data["name"]: data["why"] for data in told if "why" in data}
    left_out = {n: why for meta in run.metas for n, why in meta.left_out.items() if n in NAMES}
    found = []
    for name in NAMES:
        if name in questions:
            said = _direct(run) if name == "direct" else _in_browser(run, name)
            if said is None:
                why = failed.get(name, "it did not come to its end")
                found.append(Finding(name, questions[name], f"not seen: {why}", seen=False))
            else:
                answer, outcomes = said
                found.append(Finding(name, questions[name], answer, outcomes))
        elif name in left_out:
            found.append(Finding(name, "", f"not made: {left_out[name]}", seen=False))
    return found


Said = tuple[str, tuple[E, ...]]
"""The answer in words, and what it means."""


def _direct(run: Run) -> Said | None:
    said = [e.data for e in run.side_events if e.kind == "experiment" and e.data["name"] == "direct"]
    replies = [data for data in said if "status" in data]
    if not replies:
        return None
    bad = [r for r in replies if r["status"] >= 400]
    if bad:
        return f"the backend answered {bad[0]['status']} to a fresh ID sent by hand", ()
    named = Counter(r["provider"] for r in replies if r["provider"] is not None)
    sent = plural(len(replies), "fresh ID")
    if not named:
        return f"the backend took {sent} sent by hand, and its replies named no provider", (
            E.DIRECT_NO_PROVIDER,
        )
    told = ", ".join(f"{name} ({n})" for name, n in named.most_common(4))
    answer = f"{sent} sent by hand reached {plural(len(named), 'provider')}: {told}"
    if len(named) > 1:
        return answer, (E.DIRECT_SEVERAL_PROVIDERS,)
    if len(replies) >= _SEVERAL:
        return answer, (E.DIRECT_ONE_PROVIDER,)
    return answer, ()


def _in_browser(run: Run, name: str) -> Said | None:
    chats = sorted((c for c in run.side if c.experiment == name), key=lambda c: c.chat)
    if len(chats) < 2 or any(c.status != "observed" or not c.messages for c in chats[:2]):
        return None
    first, second = chats[0].messages[-1], chats[1].messages[0]
    if not (first.sent_seen and second.sent_seen):
        return None
    said, outcomes = _READINGS[name](run, first, second)
    return f"{said}{_who(first, second)}", outcomes


def _who(first: Message, second: Message) -> str:
    names = [m.reply_provider or m.backend_provider or m.label_provider for m in (first, second)]
    return f"; answered by {names[0]}, then {names[1]}" if all(names) else ""


def _known(run: Run) -> frozenset[str]:
    """IDs that the run's own browsers have sent."""
    return frozenset(s for s in run.messages["sent"].dropna())


def _own(first: Message) -> str | None:
    """The first chat's ID: sent, or issued in the reply where the message carried none."""
    return first.sent or first.issued


def _stays(first: Message, second: Message) -> bool:
    return second.sent == _own(first)


def _new_context(run: Run, first: Message, second: Message) -> Said:
    said, outcomes = _rotates(first, second)
    if first.sent is None:
        return f"a new browser sent no ID; {said}", outcomes
    if first.sent in _known(run):
        return (
            f"a new browser began with an ID that another browser has had; {said}",
            (E.NEW_CONTEXT_SHARED_ID,),
        )
    outcomes = (*outcomes, E.NEW_CONTEXT_OWN_ID)
    providers = _providers(run)
    who = first.reply_provider or first.backend_provider
    if len(providers) == 1 and who is not None and who not in providers:
        outcomes = (*outcomes, E.NEW_CONTEXT_OTHER_PROVIDER)
    return f"a new browser began with an ID of its own; {said}", outcomes


def _rotates(first: Message, second: Message) -> Said:
    if second.sent is None:
        return "after New Chat no ID was sent", ()
    if _own(first) is None:
        return "after New Chat an ID was sent", ()
    if _stays(first, second):
        return "after New Chat the old ID was sent again", (E.NEW_CONTEXT_OLD_ID,)
    return "after New Chat another ID was sent", ()


def _providers(run: Run) -> frozenset[str]:
    return frozenset(run.messages["answered"].dropna())


def _user_agent(run: Run, first: Message, second: Message) -> Said:
    said, _ = _rotates(first, second)
    if first.sent is not None and first.sent in _known(run):
        return (
            f"another user agent began with an ID that another browser has had; {said}",
            (E.USER_AGENT_SHARED_ID,),
        )
    return f"another user agent {_began(run, first)}; {said}", ()


def _user(run: Run, first: Message, second: Message) -> Said:
    said, _ = _rotates(first, second)
    return f"another user {_began(run, first)}; {said}", ()


def _began(run: Run, first: Message) -> str:
    if first.sent is None:
        return "sent no ID"
    known = first.sent in _known(run)
    return f"began with an ID {'that another browser has had' if known else 'of its own'}"


def _frozen_clock(run: Run, first: Message, second: Message) -> Said:
    """Only a second ID that was made while the clock stood still says something about the time."""
    stands = "with the clock standing still"
    if _stays(first, second):
        if second.sent is None:
            return f"{stands} no ID was sent", ()
        if run.policy.store != "none" and second.stored_seen and second.stored != second.sent:
            held = "nothing" if second.stored is None else "another one"
            return f"{stands} the old ID was sent again, while the store held {held}: {_NOT_MADE}", ()
        return (
            f"{stands} the old ID was sent again: it is made of the time alone, or no new one was made",
            (),
        )
    if None in (_own(first), second.sent):
        if first.sent is None and second.sent is None:
            return f"{stands} no ID was sent", ()
        return f"{stands} only one of two chats sent an ID", ()
    return f"{stands} two chats sent two IDs: the time is not all that they are made of", ()


_NOT_MADE = "that says nothing about how IDs are made"


def _reload(run: Run, first: Message, second: Message) -> Said:
    if second.sent is None and given_by_reply(run) and _own(first) is not None:
        return (
            "after New Chat and a reload no ID was sent: the page did not bring the old one back",
            (E.RELOAD_NO_ID,),
        )
    if second.sent is None:
        return "after New Chat and a reload no ID was sent", ()
    if _stays(first, second):
        return "a reload after New Chat did not help: the old ID was sent again", (E.RELOAD_OLD_ID,)
    return "after New Chat and a reload another ID was sent", (E.RELOAD_OTHER_ID,)


def _cache_off(_: Run, first: Message, second: Message) -> Said:
    if first.served_by or second.served_by:
        return f"past all caches a {first.served_by or second.served_by} answered all the same", ()
    return "past all caches both replies came over the network", (E.CACHE_OFF_LIVE,)


def _slow_network(_: Run, first: Message, second: Message) -> Said:
    said = _rotates(first, second)[0]
    return f"on a slow network, once no request was open: {said}", ()


_READINGS: dict[str, Callable[[Run, Message, Message], Said]] = {
    "new-context": _new_context,
    "user-agent": _user_agent,
    "user": _user,
    "frozen-clock": _frozen_clock,
    "reload": _reload,
    "cache-off": _cache_off,
    "slow-network": _slow_network,
}
