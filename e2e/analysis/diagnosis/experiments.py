"""The results of a run's experiments, and which causes they support or contradict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from e2e.analysis.causes.experiment_outcomes import ExperimentOutcome as E
from e2e.analysis.causes.registry import definitions
from e2e.analysis.facts.freshness import given_by_reply
from e2e.analysis.model.run import Run
from e2e.analysis.model.schema import MessageRow
from e2e.analysis.model.verdict import Verdict
from e2e.analysis.model.wording import plural
from e2e.records.records import SERVED_UNSEEN, Message

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
_SEVERAL = 4  # fresh IDs that a random choice would rarely give to one provider


@dataclass(frozen=True, slots=True)
class Finding:
    """One experiment: its result, or why there is none."""

    name: str
    question: str
    answer: str
    outcomes: tuple[E, ...] = ()
    seen: bool = True

    @property
    def supports(self) -> tuple[str, ...]:
        """The causes that its outcomes support, where the evidence suggests them."""
        causes = definitions().values()
        return tuple(c.name for c in causes if not set(self.outcomes).isdisjoint(c.supported_by))

    @property
    def against(self) -> tuple[str, ...]:
        """The causes that its outcomes contradict."""
        causes = definitions().values()
        return tuple(c.name for c in causes if not set(self.outcomes).isdisjoint(c.contradicted_by))


def wanted(verdicts: Sequence[Verdict]) -> tuple[str, ...]:
    """The experiments to run after these verdicts: all when a check of sessions, chats or providers failed, else none."""
    failed = [v.name for v in verdicts if v.outcome == "fail"]
    concerned = any(name.partition(".")[0] in ("rotation", "provider", "reply", "chat") for name in failed)
    return NAMES if concerned else ()


def findings(run: Run) -> tuple[Finding, ...]:
    """Every experiment that was started or left out, in the order of ``NAMES``."""
    return run.once("experiments", lambda: tuple(_findings(run)))


def _findings(run: Run) -> list[Finding]:
    recorded = [e.data for e in run.side_events if e.kind == "experiment"]
    questions = {data["name"]: data["question"] for data in recorded if "question" in data}
    failed = {data["name"]: data["why"] for data in recorded if "why" in data}
    left_out = {n: why for meta in run.metas for n, why in meta.left_out.items() if n in NAMES}
    found = []
    for name in NAMES:
        if name in questions:
            result = _direct(run) if name == "direct" else _in_browser(run, name)
            if result is None:
                why = failed.get(name, "it did not finish")
                found.append(Finding(name, questions[name], f"incomplete: {why}", seen=False))
            else:
                answer, outcomes = result
                found.append(Finding(name, questions[name], answer, outcomes))
        elif name in left_out:
            found.append(Finding(name, "", f"not run: {left_out[name]}", seen=False))
    return found


Result = tuple[str, tuple[E, ...]]
"""The answer in words, and its outcomes."""


def _direct(run: Run) -> Result | None:
    recorded = [e.data for e in run.side_events if e.kind == "experiment" and e.data["name"] == "direct"]
    replies = [data for data in recorded if "status" in data]
    if not replies:
        return None
    bad = [r for r in replies if r["status"] >= 400]
    if bad:
        return (
            f"the backend replied with status {bad[0]['status']} to a fresh ID sent without the browser",
            (),
        )
    named = Counter(r["provider"] for r in replies if r["provider"] is not None)
    sent = plural(len(replies), "fresh ID")
    if not named:
        return f"the backend accepted {sent} sent without the browser; its replies named no provider", (
            E.DIRECT_NO_PROVIDER,
        )
    counts = ", ".join(f"{name} ({n})" for name, n in named.most_common(4))
    answer = f"{sent} sent without the browser reached {plural(len(named), 'provider')}: {counts}"
    if len(named) > 1:
        return answer, (E.DIRECT_SEVERAL_PROVIDERS,)
    if len(replies) >= _SEVERAL:
        return answer, (E.DIRECT_ONE_PROVIDER,)
    return answer, ()


def _in_browser(run: Run, name: str) -> Result | None:
    chats = sorted((c for c in run.side if c.experiment == name), key=lambda c: c.chat)
    if len(chats) < 2 or any(c.status != "observed" or not c.messages for c in chats[:2]):
        return None
    first, second = chats[0].messages[-1], chats[1].messages[0]
    if not (first.sent_seen and second.sent_seen):
        return None
    answer, outcomes = _READERS[name](run, first, second)
    return f"{answer}{_who(first, second)}", outcomes


def _who(first: Message, second: Message) -> str:
    names = [m.reply_provider or m.backend_provider or m.label_provider for m in (first, second)]
    return f"; replies from {names[0]}, then {names[1]}" if all(names) else ""


def _known(run: Run) -> frozenset[str]:
    """IDs that the run's own browsers have sent."""
    return frozenset(m.sent for m in run.every(MessageRow) if m.sent is not None)


def _own(first: Message) -> str | None:
    """The first chat's ID: sent, or issued in the reply where the message carried none."""
    return first.sent or first.issued


def _stays(first: Message, second: Message) -> bool:
    return second.sent == _own(first)


def _new_context(run: Run, first: Message, second: Message) -> Result:
    rotation, outcomes = _rotates(first, second)
    if first.sent is None:
        return f"a new browser sent no ID; {rotation}", outcomes
    if first.sent in _known(run):
        return (
            f"a new browser started with an ID of another browser; {rotation}",
            (E.NEW_CONTEXT_SHARED_ID,),
        )
    outcomes = (*outcomes, E.NEW_CONTEXT_OWN_ID)
    providers = _providers(run)
    who = first.reply_provider or first.backend_provider
    if len(providers) == 1 and who is not None and who not in providers:
        outcomes = (*outcomes, E.NEW_CONTEXT_OTHER_PROVIDER)
    return f"a new browser started with its own ID; {rotation}", outcomes


def _rotates(first: Message, second: Message) -> Result:
    if second.sent is None:
        return "after New Chat no ID was sent", ()
    if _own(first) is None:
        return "after New Chat an ID was sent", ()
    if _stays(first, second):
        return "after New Chat the old ID was sent again", (E.NEW_CONTEXT_OLD_ID,)
    return "after New Chat another ID was sent", ()


def _providers(run: Run) -> frozenset[str]:
    return frozenset(m.answered for m in run.every(MessageRow) if m.answered is not None)


def _user_agent(run: Run, first: Message, second: Message) -> Result:
    rotation, _ = _rotates(first, second)
    if first.sent is not None and first.sent in _known(run):
        return (
            f"another user agent started with an ID of another browser; {rotation}",
            (E.USER_AGENT_SHARED_ID,),
        )
    return f"another user agent {_started(run, first)}; {rotation}", ()


def _user(run: Run, first: Message, second: Message) -> Result:
    rotation, _ = _rotates(first, second)
    return f"another user {_started(run, first)}; {rotation}", ()


def _started(run: Run, first: Message) -> str:
    if first.sent is None:
        return "sent no ID"
    known = first.sent in _known(run)
    return f"started with {'an ID of another browser' if known else 'its own ID'}"


def _frozen_clock(run: Run, first: Message, second: Message) -> Result:
    """Only a second ID that was generated while the clock was frozen shows whether IDs depend on the time."""
    frozen = "with a frozen clock"
    if _stays(first, second):
        if second.sent is None:
            return f"{frozen} no ID was sent", ()
        if run.policy.store != "none" and second.stored_seen and second.stored != second.sent:
            held = "nothing" if second.stored is None else "another ID"
            return f"{frozen} the old ID was sent again, while the store held {held}: {_NO_CONCLUSION}", ()
        return (
            f"{frozen} the old ID was sent again: it depends on the time alone, or no new ID was generated",
            (),
        )
    if None in (_own(first), second.sent):
        if first.sent is None and second.sent is None:
            return f"{frozen} no ID was sent", ()
        return f"{frozen} only one of two chats sent an ID", ()
    return f"{frozen} two chats sent two IDs: they do not depend on the time alone", ()


_NO_CONCLUSION = "this does not show how IDs are generated"


def _reload(run: Run, first: Message, second: Message) -> Result:
    if second.sent is None and given_by_reply(run) and _own(first) is not None:
        return (
            "after New Chat and a reload no ID was sent: the page did not restore the old one",
            (E.RELOAD_NO_ID,),
        )
    if second.sent is None:
        return "after New Chat and a reload no ID was sent", ()
    if _stays(first, second):
        return "after New Chat and a reload the old ID was sent again", (E.RELOAD_OLD_ID,)
    return "after New Chat and a reload another ID was sent", (E.RELOAD_OTHER_ID,)


def _cache_off(_: Run, first: Message, second: Message) -> Result:
    if SERVED_UNSEEN in (first.served_by, second.served_by):
        return "a service worker replied; whether from its cache was not seen in this browser", ()
    if first.served_by or second.served_by:
        return f"with all caches off a {first.served_by or second.served_by} still replied", ()
    return "with all caches off both replies came over the network", (E.CACHE_OFF_LIVE,)


def _slow_network(_: Run, first: Message, second: Message) -> Result:
    rotation = _rotates(first, second)[0]
    return f"on a slow network, after all requests had ended: {rotation}", ()


_READERS: dict[str, Callable[[Run, Message, Message], Result]] = {
    "new-context": _new_context,
    "user-agent": _user_agent,
    "user": _user,
    "frozen-clock": _frozen_clock,
    "reload": _reload,
    "cache-off": _cache_off,
    "slow-network": _slow_network,
}
