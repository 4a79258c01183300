"""The page keeps sending an old ID that the store no longer has."""

from __future__ import annotations

from e2e.analysis.causes.definition import CauseDefinition, ChatRule, CheckFollows, Variant
from e2e.analysis.causes.evidence import in_memory_ids
from e2e.analysis.causes.evidence import predicates as has
from e2e.analysis.causes.evidence.chat_evidence import ChatEvidence
from e2e.analysis.causes.evidence.decisive_writes import write_that_dropped_the_old_id
from e2e.analysis.causes.experiment_outcomes import ExperimentOutcome
from e2e.analysis.causes.explained_checks import EMPTY, EQUAL, FRESH, PAYLOAD, SCENARIOS, SENT, STORED
from e2e.analysis.facts.code_locations import Trail


def _sender_of_secondary_request(c: ChatEvidence) -> Trail:
    return c.secondary_payloads[0].path if c.secondary_payloads else c.send_path


def _sender_of_retry(c: ChatEvidence) -> Trail:
    return c.resent_payloads[0].path if c.resent_payloads else c.send_path


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
            explanation=("New Chat {change}, and a failed message was sent again{send} with the old ID"),
            sender=_sender_of_retry,
        ),
        "besides": Variant(
            explanation=(
                "New Chat {change}, the messages carried the new ID, and another request{send} still carried "
                "an old ID"
            ),
            sender=_sender_of_secondary_request,
        ),
        "unstored": Variant(
            explanation=(
                "nothing is stored; after New Chat the next send{send} still carried the old ID, and a page "
                "load led to another ID"
            )
        ),
    },
    hint="let the function that ends the session generate the new ID and pass it to the hook's state",
    priority="critical",
    impact=("users stay with one provider, and every new chat continues an old session with its context"),
    immediate="tell users that a reload starts a fresh session, and hold the release",
    verify="every chat sends an ID that no earlier chat has sent",
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
                in_memory_ids.send_stored_the_old_id_again,
                has.payloads_kept_the_last_sent_id,
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
                in_memory_ids.profile_names_no_store,
                has.payloads_kept_the_last_sent_id,
                in_memory_ids.reload_brought_another_id,
            ),
            excludes=("id-constant", "id-collision"),
            decides="reload",
            variant="unstored",
        ),
        ChatRule(
            order=190,
            explains=(STORED, SENT, EQUAL, *SCENARIOS),
            when=(has.store_dropped_the_old_id, has.payloads_kept_the_last_sent_id),
            excludes=("session-not-ended", "late-rotation", "stale-closure"),
            decides="reload",
        ),
        ChatRule(
            order=210,
            explains=(SENT, *SCENARIOS),
            when=(has.messages_carried_fresh_ids, has.another_request_carried_an_old_id),
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
