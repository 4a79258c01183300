"""From failed checks to named causes: chat by chat with the rules of the causes, then for the run as a whole.

A failure that fits no rule is ``unexplained``, with its evidence; a cause is never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

from e2e.analysis.causes.evidence.chat_evidence import ChatEvidence, chat_evidence
from e2e.analysis.causes.evidence.lane_history import Write
from e2e.analysis.causes.evidence.page_addresses import ADDRESS_KEEPS_AN_ID, address_kept_an_id
from e2e.analysis.causes.evidence.sessions_without_ids import NO_ID_NOTE
from e2e.analysis.causes.registry import definition, definitions
from e2e.analysis.diagnosis.anomalies import in_common
from e2e.analysis.diagnosis.assignment import Assignment, Share, assign
from e2e.analysis.diagnosis.claims import claimed
from e2e.analysis.diagnosis.consequences import add_consequences, under_causes_of_the_run
from e2e.analysis.diagnosis.experiments import findings
from e2e.analysis.facts import code_locations
from e2e.analysis.facts.lost_messages import describe, lost_messages
from e2e.analysis.model.run import Run
from e2e.analysis.model.verdict import UNEXPLAINED, Cause, ChatKey, Verdict
from e2e.analysis.model.wording import capped, lane_name, plural

_LINES = 8
_SUPPORTED = 0.98  # an experiment is one sample: it cannot make an open question certain
_WITHOUT_A_BROWSER = (
    "backend.assigns",
    "backend.persists",
    "backend.cleans_up",
)  # the state counts the browsers' sessions too
_FEW = 2  # chats whose evidence is shown in full


def diagnose(run: Run, verdicts: Sequence[Verdict]) -> tuple[Cause, ...]:
    """The causes of all failures among ``verdicts``: of single chats (the most frequent first), of the backend, unexplained.

    Unexplained stands first where more chats fit no cause than any single one.
    """
    failed = [v for v in verdicts if v.outcome == "fail"]
    found: list[Cause] = [*_of_problems(run)]
    assigned = assign(run, failed) if failed else Assignment()
    run.once("unseen", lambda: assigned.unseen)
    add_consequences(run, assigned)
    shares, left = assigned.shares(failed), assigned.left
    by_chats = sorted(shares.items(), key=lambda item: -len(item[1].chats))
    odd = {key for keys in left.values() for key in keys}
    found += [_cause_of_chats(run, name, share, odd) for name, share in by_chats]
    found += _of_the_run(run, verdicts)
    found = under_causes_of_the_run(run, found, failed, assigned)
    explained = {check for cause in found for check in cause.checks}
    left |= {v.name: v.chats for v in failed if v.name not in explained and v.name not in left}
    found = [_weighed(run, cause) for cause in found]
    if left:
        rest = _unexplained(run, [v for v in failed if v.name in left], left)
        # Where most chats fit no rule, a cause that some of them fit would mislead as the headline.
        mostly = all(rest.chats > cause.chats for cause in found)
        found = [rest, *found] if mostly else [*found, rest]
    return tuple(found)


def _weighed(run: Run, cause: Cause) -> Cause:
    """``cause`` with the results of the experiments: one that contradicts it halves the confidence."""
    supports = [f for f in findings(run) if cause.name in f.supports]
    against = [f for f in findings(run) if cause.name in f.against]
    confidence = cause.confidence
    if against:
        confidence /= 2
    elif supports and cause.layer == "backend":
        confidence = max(confidence, _SUPPORTED)
    lines = [f"experiment {f.name}: {f.answer}" for f in supports]
    lines += [f"experiment {f.name} contradicts it: {f.answer}" for f in against]
    return replace(cause, confidence=round(confidence, 4), evidence=(*cause.evidence, *lines))


def with_unseen(run: Run, verdict: Verdict) -> Verdict:
    """``verdict`` with the number of its chats whose evidence is too incomplete for a cause."""
    unseen: Mapping[str, tuple[ChatKey, ...]] = run.once("unseen", dict)
    n = len(unseen.get(verdict.name, ())) if verdict.outcome == "fail" else 0
    if not n:
        return verdict
    numbers = {**verdict.numbers, "not_seen": int(verdict.numbers.get("not_seen", 0)) + n}
    headline = (
        f"{verdict.headline}; {plural(n, 'chat')} of these {'was' if n == 1 else 'were'} not seen in full"
    )
    return replace(verdict, headline=headline, numbers=numbers)


def explain(verdict: Verdict, found: Sequence[Cause]) -> tuple[Cause, ...]:
    """Those of ``found`` that explain ``verdict``."""
    return tuple(c for c in found if verdict.outcome == "fail" and verdict.name in c.checks)


# -- causes that single chats show --------------------------------------------------------------------------------------


def _cause_of_chats(run: Run, name: str, share: Share, odd: AbstractSet[ChatKey]) -> Cause:
    """``odd`` are the chats that fit no rule: one unknown fault may be behind them and behind these."""
    known = chat_evidence(run)
    chats = [known[key] for key in sorted(share.chats)]
    cause = definition(name)
    decisive = [(c, cause.write(c)) for c in chats]
    write = code_locations.usual(w.path for _, w in decisive if w is not None)
    variant = cause.variants.get(share.variant)
    sender_of = variant.sender if variant is not None else None
    paths = [sender_of(c) if sender_of is not None else c.send_path for c in chats]
    send = code_locations.usual(paths) if cause.names_send else ()
    change = next((w for _, w in decisive if w is not None), None)
    removals = [removal for c, w in decisive if cause.removal and (removal := cause.removal(c, w))]
    removed = code_locations.usual(w.path for w in removals)
    sender = code_locations.caller(send)
    explanation = (variant or cause).explanation.format(
        change=_changed(removals[0], removed) if removals else _changed(change, write),
        send=code_locations.at(sender),
        write=code_locations.at(code_locations.innermost(write)),
    )
    where = code_locations.own_first(
        [*code_locations.both(write), *code_locations.both(removed), *code_locations.both(send)]
    )
    lines = [line for c, w in decisive[:_FEW] for line in _timeline(run, c, w)]
    if len(chats) > _FEW:
        lines.append(f"… and {plural(len(chats) - _FEW, 'more chat')} like these")
    return Cause(
        name=name,
        layer=cause.layer,
        chats=len(chats),
        confidence=round(len(share.chats) / len(share.of | odd), 4),
        where=tuple(code_locations.name(place) for place in where),
        explanation=explanation,
        advice=(variant.hint if variant is not None else "") or cause.hint,
        evidence=tuple(lines),
        code=where,
        checks=tuple(share.checks),
        of=len(share.of),
        consequences=tuple(share.consequences),
    )


def _changed(write: Write | None, path: code_locations.Trail) -> str:
    did = "wrote a new ID" if write is not None and write.session is not None else "removed the key"
    return did + code_locations.at(code_locations.innermost(path))


def _timeline(run: Run, c: ChatEvidence, decisive: Write | None) -> list[str]:
    """One chat's evidence in order of time."""
    where = f"{lane_name(run, c.key.run_id, c.key.lane)}, chat {c.key.chat}"
    lines: list[tuple[float, str]] = []
    writes = list(c.writes)
    if decisive is not None and decisive not in writes:
        writes.insert(0, decisive)
    for w in writes[:4]:
        if w.op == "start" and w.session is None:
            continue  # an empty store at a page load is no removal
        did = f"wrote {w.session}" if w.session else f"removed {w.previous or 'the key'}"
        again = " (the same as before)" if w.session and not w.changes else ""
        lines.append((w.t, f"{did}{again}{code_locations.at(code_locations.innermost(w.path))}"))
    for m in c.messages[:3]:
        if m.sent_seen and m.sent_at is not None:
            held = f", while the store held {m.stored or 'nothing'}" if m.stored_seen else ""
            where_from = code_locations.at(code_locations.caller(c.send_path)) if m.number == 0 else ""
            lines.append((m.sent_at, f"message {m.number} sent {m.sent or 'no ID'}{where_from}{held}"))
        if m.bleeds_from is not None:
            lines.append(
                (m.sent_at or c.chat.began, f"message {m.number} contained text of chat {m.bleeds_from}")
            )
        if None not in (m.label_provider, m.reply_provider) and m.label_provider != m.reply_provider:
            shown = f"reply {m.number} came from {m.reply_provider}, the screen named {m.label_provider}"
            lines.append((m.ended_at or c.chat.ended, shown))
    for m in lost_messages(run).get(c.key, ()):
        lines.append((m.ended_at or c.chat.ended, describe(m)))
    lines += _recalls(c)
    if c.chat.shows_from is not None:
        lines.append((c.chat.ended, f"the screen showed text of a reply to chat {c.chat.shows_from}"))
    for p in c.secondary_payloads[:3]:
        lines.append((p.t, f"{p.what} sent {p.session}{code_locations.at(code_locations.caller(p.path))}"))
    lines.sort(key=lambda line: line[0])
    return [f"{where}: {t - c.chat.began:+.3f} s {text}" for t, text in lines]


def _recalls(c: ChatEvidence) -> list[tuple[float, str]]:
    """What the replies showed of code words, with their times."""
    lines: list[tuple[float, str]] = []
    for r in c.recalls:
        if r.names is not None:
            whose = (
                "the chat's own code word"
                if (r.names_lane, r.names) == (c.key.lane, c.key.chat)
                else f"the code word that lane {r.names_lane} chat {r.names} was given"
            )
            lines.append((r.t, f"the reply to message {r.message} named {whose}"))
        elif r.knows is False and r.word_of == c.key.chat:
            held = (
                ""
                if r.in_payload is None
                else f", whose payload held {'the' if r.in_payload else 'no'} code word,"
            )
            lines.append((r.t, f"the reply to message {r.message}{held} did not know the chat's code word"))
    return lines


# -- causes that the run shows as a whole -------------------------------------------------------------------------------


def _of_the_run(run: Run, verdicts: Sequence[Verdict]) -> list[Cause]:
    found: list[Cause] = []
    at_the_backend = any(v.outcome == "fail" and v.name in _WITHOUT_A_BROWSER for v in verdicts)
    doubtful = not at_the_backend and address_kept_an_id(run)
    for cause, rule, mine in claimed(verdicts):
        if rule.needs_own_ids and doubtful:
            continue
        if not (run.policy.sends_id or at_the_backend or rule.without_id(run)):
            continue
        n = max(int(v.numbers[rule.counts if rule.counts in v.numbers else "sessions"]) for v in mine)
        lines = [f"{v.name}: {line}" for v in mine for line in (v.headline, *v.actual[:3])]
        found.append(
            Cause(
                name=cause.name,
                layer=cause.layer,
                chats=n,
                confidence=1.0 if any(v.name in _WITHOUT_A_BROWSER for v in mine) else rule.confidence,
                where=(),
                explanation=cause.explanation,
                advice=cause.hint,
                evidence=capped(lines, _LINES),
                code=(),
                checks=tuple(v.name for v in mine),
                of=n,
            )
        )
    return found


def _of_problems(run: Run) -> list[Cause]:
    """Causes that keep the suite from testing at all: they explain no failed check."""
    found = []
    for cause in definitions().values():
        lines = cause.problems(run) if cause.problems is not None else ()
        if lines:
            n, evidence = len(lines), capped(list(lines), _LINES)
            found.append(
                Cause(cause.name, cause.layer, n, 1.0, (), cause.explanation, cause.hint, evidence, (), (), n)
            )
    return found


def _unexplained(run: Run, verdicts: Sequence[Verdict], left: Mapping[str, tuple[ChatKey, ...]]) -> Cause:
    cause = definition(UNEXPLAINED)
    chats = dict.fromkeys(key for v in verdicts for key in left[v.name])
    of = {key for v in verdicts for key in v.chats}
    known = chat_evidence(run)
    seen = [known[key] for key in known if key in chats]
    lines = [line for chat in seen[:_FEW] for line in _timeline(run, chat, None)]
    lines += [f"{v.name}: {line}" for v in verdicts for line in (v.headline, *v.actual[:2])]
    common = in_common(seen)
    if any(v.name.startswith("provider.") for v in verdicts) and address_kept_an_id(run):
        common = ADDRESS_KEEPS_AN_ID
    if not run.policy.sends_id and all(v.name.startswith("provider.") for v in verdicts):
        common = NO_ID_NOTE
    where = code_locations.both(code_locations.usual(c.send_path for c in seen)) if common else ()
    return Cause(
        name=UNEXPLAINED,
        layer=cause.layer,
        chats=len(chats),
        confidence=0.0,
        where=tuple(code_locations.name(place) for place in where),
        explanation=cause.explanation + (f": {common}" if common else ""),
        advice=cause.hint,
        evidence=capped(lines, 2 * _LINES),
        code=where,
        checks=tuple(v.name for v in verdicts),
        of=len(of),
    )
