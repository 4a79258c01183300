"""New Chat leaves the stored ID as it is."""

from __future__ import annotations

from e2e.analysis.causes.definition import CauseDefinition, ChatRule, CheckFollows, Variant
from e2e.analysis.causes.evidence import in_memory_ids
from e2e.analysis.causes.evidence import predicates as has
from e2e.analysis.causes.experiment_outcomes import ExperimentOutcome
from e2e.analysis.causes.explained_checks import EMPTY, EQUAL, FRESH

CAUSE = CauseDefinition(
    name="session-not-ended",
    layer="frontend storage",
    explanation=(
        "no write changed the key between New Chat and the next message{send}: the old session continues"
    ),
    variants={
        "address": Variant(
            explanation=(
                "the session ID is in the page's address, and after New Chat the next send{send} used the "
                "same address: the old session continues"
            )
        ),
    },
    hint="let New Chat remove or replace the stored ID, and pass the new ID to the state",
    priority="critical",
    impact=("users stay with one provider, and every new chat continues an old session with its context"),
    immediate="tell users to clear the site's data for a fresh session, and hold the release",
    verify="New Chat changes the stored ID",
    chat_rules=(
        ChatRule(
            order=150,
            explains=FRESH,
            when=(
                has.writes_were_observed,
                has.no_write_changed_the_key,
                has.store_kept_the_old_id,
                has.sent_ids_equal_stored_ids,
                has.sent_id_never_changed,
                has.store_never_rotated,
            ),
            excludes=("session-restored", "id-constant", "stale-state", "late-rotation"),
            decides="reload",
        ),
        # A tab that keeps its ID in memory sends it, whatever another tab has stored since.
        ChatRule(
            order=155,
            explains=(*FRESH, EQUAL),
            when=(
                has.writes_were_observed,
                has.no_write_changed_the_key,
                has.store_kept_the_id_of_another_tab,
                has.payloads_kept_the_last_sent_id,
                has.store_got_no_id_after_the_first_payload,
            ),
            excludes=("session-restored", "id-constant", "stale-state", "late-rotation", "tab-bleed"),
            decides="reload",
        ),
        ChatRule(
            order=160,
            explains=FRESH,
            when=(
                has.after_new_chat,
                in_memory_ids.page_address_holds_the_id,
                in_memory_ids.profile_names_no_store,
                has.payloads_kept_the_last_sent_id,
            ),
            excludes=("stale-state", "id-constant", "late-rotation"),
            decides="reload",
            variant="address",
        ),
    ),
    consequences=(CheckFollows(order=20, check=EMPTY),),
    supported_by=(
        ExperimentOutcome.DIRECT_NO_PROVIDER,
        ExperimentOutcome.DIRECT_SEVERAL_PROVIDERS,
        ExperimentOutcome.NEW_CONTEXT_OLD_ID,
        ExperimentOutcome.RELOAD_OLD_ID,
    ),
    contradicted_by=(
        ExperimentOutcome.RELOAD_NO_ID,
        ExperimentOutcome.RELOAD_OTHER_ID,
    ),
)
