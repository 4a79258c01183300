"""New Chat removes the stored ID, and the page writes it back."""

from __future__ import annotations

from e2e.analysis.causes.definition import CauseDefinition, CauseFollows, ChatRule, CheckFollows
from e2e.analysis.causes.evidence import predicates as has
from e2e.analysis.causes.evidence.chat_evidence import ChatEvidence
from e2e.analysis.causes.evidence.decisive_writes import removal_before_restore, write_of_the_old_id
from e2e.analysis.causes.experiment_outcomes import ExperimentOutcome
from e2e.analysis.causes.explained_checks import EMPTY, FRESH


def _showed_old_messages(c: ChatEvidence) -> bool:
    """Before anything was sent: they came back with the session, and the payload's history took them from there."""
    if c.chat.screen_compared:
        return c.chat.screen_from is not None
    return bool(c.chat.screen_messages)


CAUSE = CauseDefinition(
    name="session-restored",
    layer="frontend storage",
    explanation="New Chat {change}, and the same ID was written back{write}",
    hint=(
        "let New Chat also clear every copy that the session is restored from (persisted state, "
        "cache, cookie)"
    ),
    priority="critical",
    impact=("users stay with one provider, and every new chat continues an old session with its context"),
    immediate="hold the release, or roll back to the last version that passed",
    verify="the removed ID is not written again",
    chat_rules=(
        ChatRule(
            order=140,
            explains=FRESH,
            when=(
                has.after_new_chat,
                has.old_id_was_restored_without_a_page_load,
                has.old_id_was_restored_by_other_code,
            ),
            excludes=("id-constant", "restored-on-load"),
            decides="new-context",
        ),
    ),
    consequences=(
        CheckFollows(order=10, check=EMPTY),
        CauseFollows(cause="history-bleed", when=_showed_old_messages, same_chats=True),
    ),
    supported_by=(
        ExperimentOutcome.DIRECT_NO_PROVIDER,
        ExperimentOutcome.DIRECT_SEVERAL_PROVIDERS,
        ExperimentOutcome.NEW_CONTEXT_OLD_ID,
        ExperimentOutcome.RELOAD_OLD_ID,
    ),
    write=write_of_the_old_id,
    removal=removal_before_restore,
)
