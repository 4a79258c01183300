"""One chat sends several fresh IDs."""

from __future__ import annotations

from e2e.analysis.causes.definition import CauseDefinition, CauseFollows, ChatRule, Variant
from e2e.analysis.causes.evidence import late_replies, scenario_predicates
from e2e.analysis.causes.evidence import predicates as has
from e2e.analysis.causes.evidence.decisive_writes import write_of_another_issued_id
from e2e.analysis.causes.experiment_outcomes import ExperimentOutcome
from e2e.analysis.causes.explained_checks import BACK_FORWARD, EQUAL, ONE, RELOAD, SCENARIOS

CAUSE = CauseDefinition(
    name="over-rotation",
    layer="frontend state",
    explanation="one chat sent several fresh IDs{send}",
    variants={
        "stored": Variant(
            explanation=(
                "one chat stored several session IDs, one over the other{write}, without New Chat between"
            ),
            hint=(
                "keep the first ID that the backend issues for a chat; check whether the page creates a chat twice, "
                "or a reply names two IDs"
            ),
        ),
        "load": Variant(
            explanation="a page load inside a chat began a new session: the page did not continue the chat's own",
            hint=(
                "read the session from its store at page load, and begin one only where there is none; "
                'where each load is meant to begin a chat, the profile needs policy.reload = "rotates"'
            ),
        ),
    },
    hint="generate the ID once per chat, at New Chat or at the first message, not at each render or send",
    priority="high",
    impact="a chat loses its context, and its provider may change between two messages",
    immediate="hold the release, or roll back to the last version that passed",
    verify="rotation.one_id_per_chat passes",
    chat_rules=(
        ChatRule(
            order=230,
            explains=(ONE, EQUAL, *SCENARIOS),
            when=(has.several_fresh_ids_were_sent, has.ids_change_without_user_action),
            excludes=("late-rotation", "tab-bleed", "session-unbound", "restored-on-load"),
        ),
        ChatRule(
            order=235,
            explains=(ONE, EQUAL, *SCENARIOS),
            when=(late_replies.several_ids_were_stored_in_the_chat,),
            excludes=("late-stream", "id-never-sent"),
            variant="stored",
        ),
        ChatRule(
            order=275,
            explains=(RELOAD, BACK_FORWARD),
            when=(scenario_predicates.page_load_began_a_session,),
            excludes=("ended-on-leave", "restored-on-load", "tab-bleed", "session-unbound"),
            variant="load",
        ),
    ),
    consequences=(CauseFollows(cause="tab-bleed", when=has.ids_change_without_user_action),),
    supported_by=(
        ExperimentOutcome.DIRECT_NO_PROVIDER,
        ExperimentOutcome.DIRECT_SEVERAL_PROVIDERS,
    ),
    write=write_of_another_issued_id,
)
