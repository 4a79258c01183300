"""All checks in report order, and a run judged by all of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from e2e.analysis.checks import backend, chat, provider, rotation, scenarios, session_ids, smoke
from e2e.analysis.diagnosis import diagnose as diagnosis
from e2e.analysis.diagnosis.known_issues import accepted, is_accepted
from e2e.analysis.model.run import Run
from e2e.analysis.model.verdict import Cause, Question, Verdict


class Check(NamedTuple):
    """One check with its place in the report."""

    name: str
    function: Question
    title: str
    """The question that it answers."""
    epic: str
    feature: str
    story: str
    statistical: bool


_SESSIONS, _PROVIDERS, _BACKEND = "Sessions", "Providers", "Backend"
_EPIC = "Does every new chat get a session of its own?"
_SPREAD = "Do the sessions spread over the providers?"

CHECKS: tuple[Check, ...] = (
    Check("smoke", smoke.smoke, "Can a chat be had at all?", _EPIC, _SESSIONS, "A chat can be had", False),
    Check(
        "rotation.stored_id_is_fresh",
        rotation.stored_id_is_fresh,
        "Does New Chat leave a fresh session ID in the store?",
        _EPIC,
        _SESSIONS,
        "New Chat stores a fresh ID",
        False,
    ),
    Check(
        "rotation.sent_id_is_fresh",
        rotation.sent_id_is_fresh,
        "Do the payloads of a new chat carry a fresh session ID?",
        _EPIC,
        _SESSIONS,
        "New Chat sends a fresh ID",
        False,
    ),
    Check(
        "rotation.sent_equals_stored",
        rotation.sent_equals_stored,
        "Is the session ID that is sent the one that is stored?",
        _EPIC,
        _SESSIONS,
        "What is sent is what is stored",
        False,
    ),
    Check(
        "rotation.one_id_per_chat",
        rotation.one_id_per_chat,
        "Do all messages of a chat carry one session ID?",
        _EPIC,
        _SESSIONS,
        "One chat, one ID",
        False,
    ),
    *(
        Check(name, function, title, _EPIC, "Scenarios", story, False)
        for name, function, title, story in (
            (
                "rotation.rapid_send",
                scenarios.rapid_send,
                "Does a message sent at once after New Chat carry the new ID?",
                "Sending at once",
            ),
            (
                "rotation.double_click",
                scenarios.double_click,
                "Does a double click on New Chat lead to one session?",
                "A double click",
            ),
            (
                "rotation.mid_stream",
                scenarios.mid_stream,
                "Does a reply that was left behind stay behind?",
                "New Chat while a reply streams",
            ),
            (
                "rotation.reload",
                scenarios.reload,
                "Does a reload keep the chat's session, and no ended one?",
                "A reload",
            ),
            (
                "rotation.two_tabs",
                scenarios.two_tabs,
                "Does New Chat in one tab leave the other tab's chat alone?",
                "Two tabs",
            ),
            (
                "rotation.back_forward",
                scenarios.back_forward,
                "Do Back and Forward keep the chat's session, and no ended one?",
                "Back and Forward",
            ),
            (
                "rotation.empty_chat",
                scenarios.empty_chat,
                "Does New Chat on an empty chat lead to one session?",
                "An empty chat",
            ),
            (
                "rotation.return_to_chat",
                scenarios.return_to_chat,
                "Does an older chat go on with its own session?",
                "Going back to a chat",
            ),
        )
    ),
    Check(
        "session_ids.pattern",
        session_ids.pattern,
        "Can the way session IDs are made give each chat one of its own?",
        _EPIC,
        _SESSIONS,
        "How IDs are made",
        False,
    ),
    Check(
        "chat.starts_empty",
        chat.starts_empty,
        "Does a new chat begin with nothing of the chat before?",
        _EPIC,
        "Conversations",
        "A new chat starts empty",
        False,
    ),
    Check(
        "reply.is_live",
        chat.is_live,
        "Does every reply come from the backend?",
        _EPIC,
        "Conversations",
        "Replies are live",
        False,
    ),
    Check(
        "provider.persists",
        provider.persists,
        "Does one session stay with one provider?",
        _SPREAD,
        _PROVIDERS,
        "One session, one provider",
        False,
    ),
    Check(
        "provider.label_is_true",
        provider.label_is_true,
        "Is the provider on the screen the one that answered?",
        _SPREAD,
        _PROVIDERS,
        "The label is true",
        False,
    ),
    Check(
        "provider.varies",
        provider.varies,
        "Do new sessions reach more than one provider?",
        _SPREAD,
        _PROVIDERS,
        "Providers vary",
        True,
    ),
    Check(
        "provider.balanced",
        provider.balanced,
        "Do the sessions reach the providers in the expected shares?",
        _SPREAD,
        _PROVIDERS,
        "Providers are balanced",
        True,
    ),
    Check(
        "provider.independent",
        provider.independent,
        "Is a new session's provider a free draw?",
        _SPREAD,
        _PROVIDERS,
        "Providers are independent",
        True,
    ),
    Check(
        "backend.assigns",
        backend.assigns,
        "Does the backend assign fresh session IDs to different providers?",
        _SPREAD,
        _BACKEND,
        "Fresh IDs reach several providers",
        True,
    ),
    Check(
        "backend.persists",
        backend.persists,
        "Does the backend keep a session's provider?",
        _SPREAD,
        _BACKEND,
        "The same ID, the same provider",
        False,
    ),
    Check(
        "backend.cleans_up",
        backend.cleans_up,
        "Is a removed session gone at the backend?",
        _SPREAD,
        _BACKEND,
        "A removed session is gone",
        False,
    ),
    Check(
        "backend.state",
        backend.state,
        "Do the backend's own figures add up, over several providers?",
        _SPREAD,
        _BACKEND,
        "Sessions right now",
        True,
    ),
)


@dataclass(frozen=True, slots=True)
class Judgement:
    """All verdicts of a run, in report order, and what explains the failures."""

    verdicts: tuple[Verdict, ...]
    causes: tuple[Cause, ...]
    outcome: Literal["pass", "fail", "broken", "inconclusive"]

    def verdict(self, name: str) -> Verdict:
        """Raises ``KeyError`` when there is no such check."""
        for verdict in self.verdicts:
            if verdict.name == name:
                return verdict
        raise KeyError(name)


def judge(run: Run) -> Judgement:
    """Judge ``run`` by every check and name the causes; kept with the run, so asking again costs nothing."""
    return run.once("judgement", lambda: _judge(run))


def explained(run: Run, verdict: Verdict) -> Verdict:
    """The same verdict; a failure of one of the registered checks with its causes."""
    return judge(run).verdict(verdict.name) if verdict.outcome == "fail" else verdict


def _judge(run: Run) -> Judgement:
    plain = [check.function(run) for check in CHECKS]
    causes = diagnosis.diagnose(run, plain)
    counted = [diagnosis.with_unseen(run, v) for v in plain]
    verdicts = tuple(_with_acceptance(run, replace(v, causes=diagnosis.explain(v, causes))) for v in counted)
    return Judgement(verdicts, causes, _outcome(run, verdicts))


def _outcome(run: Run, verdicts: tuple[Verdict, ...]) -> Literal["pass", "fail", "broken", "inconclusive"]:
    outcomes = {v.outcome for v in verdicts}
    if any(v.outcome == "fail" and not v.accepted for v in verdicts):
        return "fail"
    if run.partial or len(run.problems):
        return "broken"
    return "pass" if "pass" in outcomes else "inconclusive"


def _with_acceptance(run: Run, verdict: Verdict) -> Verdict:
    known = accepted(run)
    if not is_accepted(verdict, known):
        return verdict
    said = (known[c.name] for c in verdict.causes)
    return replace(
        verdict,
        accepted="; ".join(f"{one.cause} is accepted until {one.until}: {one.reason}" for one in said),
    )
