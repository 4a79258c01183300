"""``--until-decided``: follows a run chat by chat, and ends it when no further chat is needed."""

from __future__ import annotations

from collections import Counter

from e2e.analysis.stats import significance
from e2e.analysis.stats.sequential import Decision, Plan, Seen, Trials, decisions
from e2e.records.records import Chat, Policy

_SKEW = 0.4
"""A pass may come when a provider with this much more than its share would have been found with 90 % power."""
_ROTATION = ("rotation.stored_id_is_fresh", "rotation.sent_id_is_fresh", "rotation.sent_equals_stored")


class Decider:
    """Judges the finished chats of a run after each one.

    Looking early spends half of the false-alarm budget; the checks at the end have the other half
    (`e2e.analysis.stats.sequential`).
    """

    def __init__(self, policy: Policy, most: int, alarms_per_year: float) -> None:
        self._policy = policy
        self._level = significance.alpha(alarms_per_year)
        self._most = most
        self._chats = 0
        self._providers: Counter[str] = Counter()
        self._known: set[str] = set()
        self._seen: dict[str, set[str]] = {"stored": set(), "sent": set()}
        self._trials: dict[str, list[int]] = {name: [0, 0] for name in _ROTATION}
        if not policy.sends_id:
            self._trials.clear()
        elif policy.store == "none":
            del self._trials["rotation.stored_id_is_fresh"], self._trials["rotation.sent_equals_stored"]
        self.enough = False
        """No further chat is needed."""

    def watch(self, chat: Chat) -> None:
        """Take a finished chat into account."""
        if chat.scenario != "plain" or chat.status != "observed" or not chat.messages:
            return
        self._chats += 1
        sent = [m for m in chat.messages if m.sent_seen and (m.sent is not None or not self._policy.sends_id)]
        if not sent:
            return
        first = sent[0]
        session = first.sent or f"lane {chat.lane} chat {chat.chat}"
        if chat.via == "new_chat" and self._policy.sends_id:
            self._try("rotation.sent_id_is_fresh", bad=session in self._seen["sent"])
            if chat.stored_seen and self._policy.rotation != "on_first_reply":
                stale = chat.stored is None or chat.stored in self._seen["stored"] | {chat.stored_before}
                self._try("rotation.stored_id_is_fresh", bad=stale)
        if first.stored_seen:
            self._try("rotation.sent_equals_stored", bad=first.stored != first.sent)
        self._seen["sent"] |= {m.sent for m in sent if m.sent}
        self._seen["stored"] |= {i for i in (chat.stored,) if i}
        provider = first.reply_provider or first.backend_provider or first.label_provider
        if session not in self._known and provider is not None:
            self._providers[provider] += 1
        self._known.add(session)
        self.enough = self._decided()

    def decisions(self) -> tuple[Decision, ...]:
        """Every check so far."""
        trials = {name: Trials(n, bad) for name, (n, bad) in self._trials.items()}
        return decisions(Seen(self._chats, dict(self._providers), trials), self._plan())

    def _try(self, name: str, *, bad: bool) -> None:
        if name in self._trials:
            self._trials[name][0] += 1
            self._trials[name][1] += bad

    def _decided(self) -> bool:
        found = self.decisions()
        broken = any(d.outcome == "fail" for d in found if d.check in _ROTATION)
        # Sessions that do not rotate give no further sessions to judge the providers by.
        needed = [d for d in found if d.check in _ROTATION] if broken else found
        return all(d.outcome != "undecided" for d in needed)

    def _plan(self) -> Plan:
        policy = self._policy
        expected = significance.expectation(
            policy.providers, policy.provider_count, policy.weights, policy.min_effective_providers
        )
        judged = policy.affinity == "session"
        return Plan(
            chats=self._most,
            level=self._level,
            expected=expected,
            shares=self._shares() if judged else None,
            skew=min(0.95, expected.p_max + _SKEW),
        )

    def _shares(self) -> dict[str, float] | None:
        policy = self._policy
        if policy.weights:
            total = sum(policy.weights.values())
            return {name: weight / total for name, weight in policy.weights.items()}
        names = list(policy.providers or sorted(self._providers))
        k = len(policy.providers or ()) or policy.provider_count
        if not k:
            return None
        names += [f"provider {n}, not observed" for n in range(len(names), k)]
        return dict.fromkeys(names[:k], 1 / k)
