"""A reply comes from a cache or a service worker."""

from __future__ import annotations

from e2e.analysis.causes.definition import CauseDefinition, ChatRule, RunCauseFollows
from e2e.analysis.causes.evidence import predicates as has
from e2e.analysis.causes.experiment_outcomes import ExperimentOutcome
from e2e.analysis.causes.explained_checks import FORGETS, LIVE, PERSISTS, REMEMBERS

CAUSE = CauseDefinition(
    name="cached-reply",
    layer="delivery",
    explanation="a reply came from a cache or a service worker, without a request to the backend",
    hint=(
        "answer the chat's requests from the network only: no-store, and a service worker that passes "
        "them through"
    ),
    priority="high",
    impact="users read the reply to another message, and the backend does not know about it",
    immediate="unregister the service worker, or purge the cache",
    verify="reply.is_live passes",
    chat_rules=(
        ChatRule(
            order=310,
            explains=(LIVE, REMEMBERS, FORGETS),
            without_id=True,
            when=(has.reply_came_from_a_cache,),
            excludes=("provider-pinned",),
            decides="cache-off",
        ),
    ),
    consequences=(RunCauseFollows(order=10, cause="provider-flaps", check=PERSISTS, within=LIVE),),
    supported_by=(
        ExperimentOutcome.DIRECT_SEVERAL_PROVIDERS,
        ExperimentOutcome.CACHE_OFF_LIVE,
    ),
    contradicted_by=(ExperimentOutcome.DIRECT_ONE_PROVIDER,),
)
