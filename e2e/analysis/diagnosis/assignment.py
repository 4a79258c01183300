"""Which rule explains which failing chat, and which of the causes found are one fault."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from e2e.analysis.causes.evidence import code_words
from e2e.analysis.causes.evidence.chat_evidence import ChatEvidence, chat_evidence
from e2e.analysis.causes.evidence.predicates import Predicate
from e2e.analysis.causes.explained_checks import FORGETS, ONE, REMEMBERS, SENT
from e2e.analysis.causes.registry import ChatCandidate, chat_rules, definitions
from e2e.analysis.diagnosis.experiments import findings
from e2e.analysis.model.run import Run
from e2e.analysis.model.verdict import ChatKey, Verdict


class Pair(NamedTuple):
    """One chat that failed in one check."""

    check: str
    chat: ChatKey


@dataclass(slots=True)
class Share:
    """What one cause explains."""

    chats: dict[ChatKey, None] = field(default_factory=dict)
    checks: dict[str, None] = field(default_factory=dict)
    of: set[ChatKey] = field(default_factory=set)
    variant: str = ""
    consequences: dict[str, None] = field(default_factory=dict)
    """Checks and causes that follow from this one in its chats."""


@dataclass(slots=True)
class Assignment:
    """Every failing chat with its cause. Chats that no rule explains are listed where the check has a rule at all."""

    causes: dict[Pair, str] = field(default_factory=dict)
    left: dict[str, tuple[ChatKey, ...]] = field(default_factory=dict)
    unseen: dict[str, tuple[ChatKey, ...]] = field(default_factory=dict)
    """Check -> chats that fit no rule because evidence is incomplete, theirs or the chat's before, beside others whose cause is known."""
    variants: dict[Pair, str] = field(default_factory=dict)
    consequences: dict[str, dict[str, None]] = field(default_factory=lambda: defaultdict(dict))

    def names(self, run_id: str) -> list[str]:
        """The causes found in one run, the most frequent first."""
        counts: dict[str, set[ChatKey]] = defaultdict(set)
        for pair, name in self.causes.items():
            if pair.chat.run_id == run_id:
                counts[name].add(pair.chat)
        return sorted(counts, key=lambda name: -len(counts[name]))

    def pairs(self, run_id: str, name: str) -> list[Pair]:
        """What a cause explains in one run."""
        return [p for p, cause in self.causes.items() if cause == name and p.chat.run_id == run_id]

    def shares(self, failed: Sequence[Verdict]) -> dict[str, Share]:
        """By cause."""
        found: dict[str, Share] = defaultdict(Share)
        for pair, name in self.causes.items():
            share = found[name]
            share.chats[pair.chat] = None
            share.checks[pair.check] = None
            share.variant = share.variant or self.variants.get(pair, "")
            share.consequences.update(self.consequences.get(name, {}))
        for share in found.values():
            share.of = {
                key
                for v in failed
                if v.name in share.checks
                for key in v.chats
                if key not in self.unseen.get(v.name, ())
            }
        return dict(found)


def assign(run: Run, failed: Sequence[Verdict]) -> Assignment:
    """The first rule that fits explains the chat, unless an experiment contradicts its cause and a later rule fits too."""
    found = Assignment()
    fitting: dict[Pair, Sequence[ChatCandidate]] = {}
    shared: dict[
        tuple[int, ...], Sequence[ChatCandidate]
    ] = {}  # 100,000 chats that fail alike fit the same rules
    explained = [v for v in failed if _rules_for(run, v.name)]
    if not explained:
        return found
    for name, chats in _fits(run, explained, shared).items():
        left: list[ChatKey] = []
        for key, (fit, follows) in chats.items():
            if not fit:
                left.append(key)
                continue
            pair = Pair(name, key)
            fitting[pair] = fit
            found.causes[pair], found.variants[pair] = fit[0].cause.name, fit[0].rule.variant
            if follows:
                found.consequences[fit[0].cause.name][name] = None
        if left:
            found.left[name] = tuple(left)
    fold(found, fitting)
    _leave_out_unseen(run, found)
    return found


class _Fit(NamedTuple):
    candidates: Sequence[ChatCandidate]
    """The rules that fit a chat, but for those that an experiment contradicts; the first one explains it."""
    follows: bool
    """The first one explains a wrong session, of which this failure is a consequence."""


_NO_FIT = _Fit((), False)


def _fits(
    run: Run, failed: Sequence[Verdict], shared: dict[tuple[int, ...], Sequence[ChatCandidate]]
) -> dict[str, dict[ChatKey, _Fit]]:
    """For each of these checks its failing chats, each with the rules that fit it.

    Chat by chat, so that the evidence of a chat is made once for all checks, and need not be kept.
    """
    known = chat_evidence(run)
    rules = {v.name: _rules_for(run, v.name) for v in failed}
    like = {v.name: [(one.when, _rules_for(run, one.check)) for one in _LIKE.get(v.name, ())] for v in failed}
    found: dict[str, dict[ChatKey, _Fit]] = {v.name: dict.fromkeys(v.chats, _NO_FIT) for v in failed}
    one_object: dict[tuple[int, bool], _Fit] = {}
    for key in dict.fromkeys(key for v in failed for key in v.chats):
        chat = known.get(key)
        if chat is None:
            continue
        fits: dict[int, bool] = {}
        against: frozenset[str] | None = None
        for name, chats in found.items():
            if key not in chats:
                continue
            of_session = [one for when, others in like[name] if when(chat) for one in others]
            fit = []
            for one in (*of_session, *rules[name]):
                at = id(one.rule)
                if at not in fits:
                    fits[at] = one.rule.fits(chat)
                if fits[at]:
                    fit.append(one)
            if not fit:
                continue
            against = _against(run, chat) if against is None else against
            fit = [one for one in fit if one.cause.name not in against] or fit
            like_rules = shared.setdefault(tuple(map(id, fit)), fit)
            follows = fit[0] in of_session
            at_ = (id(like_rules), follows)
            chats[key] = one_object.setdefault(at_, _Fit(like_rules, follows))
    return found


class _Like(NamedTuple):
    """A check of the content that fails by the same causes as one of the session IDs, where ``when`` holds in the chat."""

    check: str
    when: Predicate


_LIKE = {
    FORGETS: (_Like(SENT, code_words.carried_an_id_of_another_chat),),
    REMEMBERS: (_Like(ONE, code_words.changed_its_id), _Like(SENT, code_words.carried_an_id_of_another_chat)),
}
"""What a chat knows follows from its session: a wrong session is the cause, and what the reply knows its consequence."""


def _rules_for(run: Run, check: str) -> list[ChatCandidate]:
    """The rules that can explain a failure of ``check``, in their order."""
    return [
        one
        for one in chat_rules()
        if check in one.rule.explains and (run.policy.sends_id or one.rule.without_id)
    ]


def _leave_out_unseen(run: Run, found: Assignment) -> None:
    """Chats with incomplete evidence are not unexplained, where the other chats of the check have a cause."""
    explained = {pair.check for pair in found.causes}
    for check, keys in list(found.left.items()):
        if check not in explained:
            continue
        known = chat_evidence(run)
        unseen = tuple(
            key
            for key in keys
            if key not in known or known[key].incomplete or known[key].follows_an_unseen_end
        )
        rest = tuple(key for key in keys if key not in unseen)
        if unseen:
            found.unseen[check] = unseen
            del found.left[check]
        if unseen and rest:
            found.left[check] = rest


def _against(run: Run, chat: ChatEvidence) -> frozenset[str]:
    """The causes that an experiment, or the chat's own lane, contradicts."""
    against: frozenset[str] = run.once(
        "against", lambda: frozenset(cause for finding in findings(run) for cause in finding.against)
    )
    return against | {c.name for c in definitions().values() if c.contradicted_when(chat)}


def fold(found: Assignment, fitting: Mapping[Pair, Sequence[ChatCandidate]]) -> None:
    """A cause whose rules also fit all chats of a less frequent cause of the run replaces that one."""
    for run_id in dict.fromkeys(pair.chat.run_id for pair in fitting):
        names = found.names(run_id)
        for rarer in reversed(names):
            mine = found.pairs(run_id, rarer)
            for name in names[: names.index(rarer)]:
                rules = [next((c.rule for c in fitting[p] if c.cause.name == name), None) for p in mine]
                if mine and all(rule is not None for rule in rules):
                    for pair, rule in zip(mine, rules, strict=True):
                        assert rule is not None
                        found.causes[pair], found.variants[pair] = name, rule.variant
                    break
