"""The page keeps sending an old ID that the store no longer has."""

from __future__ import annotations

from e2e.analysis.causes.definition import CauseDefinition, ChatRule, CheckFollows, Variant
from e2e.analysis.causes.evidence import from_memory
from e2e.analysis.causes.evidence import predicates as has
from e2e.analysis.causes.evidence.chat_evidence import Clues
from e2e.analysis.causes.evidence.decisive_writes import write_that_dropped_the_old_id
from e2e.analysis.causes.experiment_outcomes import ExperimentOutcome
from e2e.analysis.causes.explained_checks import EMPTY, EQUAL, FRESH, PAYLOAD, SCENARIOS, SENT, STORED
from e2e.analysis.facts.code_locations import Trail


def _sender_of_secondary_request(c: Clues) -> Trail:
    return c.besides[0].path if c.besides else c.send


def _sender_of_retry(c: Clues) -> Trail:
    return c.retried[0].path if c.retried else c.send


CAUSE = CauseDefinition(
    name="stale-state",
    layer="frontend state",
    explanation="New Chat {change}, the next send{send} still carried the old ID",
    variants={
        "published": Variant(
            explanation=(
                "New Chat {change}, and the next send{send} carried the old ID from memory and stored it "
                "again"
            )
        ),
        "retried": Variant(
            explanation="New Chat {change}, and a message that failed was sent again{send} with the old ID",
            sender=_sender_of_retry,
        ),
        "besides": Variant(
            explanation=(
                "New Chat {change}, the messages carried the new ID, and another request{send} went on "
                "with an old one"
            ),
            sender=_sender_of_secondary_request,
        ),
        "unstored": Variant(
            explanation=(
                "nothing is stored, and after New Chat the next send{send} still carried the old ID; a "
                "page load brought another"
            )
        ),
    },
    hint="let the function that ends the session mint the new ID and hand it to the hook's state",
    priority="critical",
    impact="users stay with one provider, and every new chat goes on in an old session with its context",
    immediate="tell users that a reload begins a fresh session, and hold the release back",
    verify="every chat sends an ID that no chat before has sent",
    chat_rules=(
        ChatRule(
            order=40,
            explains=PAYLOAD,
            when=(has.after_new_chat, has.only_retries_carried_an_old_id),
            excludes=("session-not-ended", "late-rotation", "stale-closure", "over-rotation"),
            decides="reload",
            variant="retried",
        ),
        ChatRule(
            order=80,
            explains=FRESH,
            when=(
                has.after_new_chat,
                from_memory.the_send_stored_it_again,
                has.payloads_went_on_with_what_was_sent,
            ),
            excludes=("id-constant", "id-collision", "session-restored"),
            decides="reload",
            variant="published",
        ),
        ChatRule(
            order=90,
            explains=(SENT, *SCENARIOS),
            when=(
                has.after_new_chat,
                from_memory.nothing_is_stored,
                has.payloads_went_on_with_what_was_sent,
                from_memory.a_reload_brought_another,
            ),
            excludes=("id-constant", "id-collision"),
            decides="reload",
            variant="unstored",
        ),
        ChatRule(
            order=190,
            explains=(STORED, SENT, EQUAL, *SCENARIOS),
            when=(has.store_let_go_of_the_old_id, has.payloads_went_on_with_what_was_sent),
            excludes=("session-not-ended", "late-rotation", "stale-closure"),
            decides="reload",
        ),
        ChatRule(
            order=210,
            explains=(SENT, *SCENARIOS),
            when=(has.messages_were_fresh, has.another_request_went_on_with_an_old_id),
            excludes=("session-not-ended", "late-rotation", "split-session"),
            decides="reload",
            variant="besides",
        ),
    ),
    consequences=(CheckFollows(order=40, check=EMPTY),),
    supported_by=(
        ExperimentOutcome.DIRECT_NO_PROVIDER,
        ExperimentOutcome.DIRECT_SEVERAL_PROVIDERS,
        ExperimentOutcome.NEW_CONTEXT_OLD_ID,
        ExperimentOutcome.RELOAD_NO_ID,
        ExperimentOutcome.RELOAD_OTHER_ID,
    ),
    contradicted_by=(ExperimentOutcome.RELOAD_OLD_ID,),
    write=write_that_dropped_the_old_id,
)
