"""The generator returns the same ID again in one browser."""

from __future__ import annotations

from e2e.analysis.causes.definition import CauseDefinition, ChatRule, CheckFollows
from e2e.analysis.causes.evidence import in_memory_ids
from e2e.analysis.causes.evidence import predicates as has
from e2e.analysis.causes.evidence.decisive_writes import write_of_the_old_id
from e2e.analysis.causes.experiment_outcomes import ExperimentOutcome
from e2e.analysis.causes.explained_checks import EMPTY, FRESH, TWO_TABS

CAUSE = CauseDefinition(
    name="id-constant",
    layer="ID generator",
    explanation=(
        "New Chat generated an ID{write}, and it is the same as before: the generator returns one ID "
        "per browser"
    ),
    hint="generate each chat's ID at random: 128 bits from crypto.randomUUID() or crypto.getRandomValues()",
    priority="critical",
    impact=("users stay with one provider, and every new chat continues an old session with its context"),
    immediate=(
        "hold the release, or roll back to the last version that passed; clearing the site's data "
        "does not help"
    ),
    verify="every chat sends an ID that no earlier chat has sent",
    chat_rules=(
        ChatRule(
            order=120,
            explains=FRESH,
            when=(has.after_new_chat, has.old_id_was_generated_again),
            excludes=("session-restored", "session-not-ended"),
            decides="frozen-clock",
        ),
        ChatRule(
            order=130,
            explains=(TWO_TABS,),
            when=(has.started_by_page_load, has.new_tab_generated_a_known_id),
            excludes=("tab-bleed",),
            decides="frozen-clock",
        ),
    ),
    consequences=(CheckFollows(order=70, check=EMPTY),),
    supported_by=(ExperimentOutcome.RELOAD_OLD_ID,),
    contradicted_by=(
        ExperimentOutcome.NEW_CONTEXT_SHARED_ID,
        ExperimentOutcome.RELOAD_OTHER_ID,
    ),
    contradicted_when=in_memory_ids.reload_brought_another_id,
    write=write_of_the_old_id,
    names_send=False,
)
