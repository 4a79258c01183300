"""What an experiment can show. Causes name the outcomes that support or contradict them."""

from __future__ import annotations

from enum import StrEnum


class ExperimentOutcome(StrEnum):
    """One result of one experiment, as ``experiment: what was seen``."""

    DIRECT_NO_PROVIDER = "direct: the backend accepts fresh IDs, no reply names a provider"
    DIRECT_ONE_PROVIDER = "direct: one provider answers all fresh IDs"
    DIRECT_SEVERAL_PROVIDERS = "direct: several providers answer fresh IDs"
    NEW_CONTEXT_SHARED_ID = "new-context: the ID of another browser is sent"
    NEW_CONTEXT_OWN_ID = "new-context: an ID of its own is sent"
    NEW_CONTEXT_OLD_ID = "new-context: New Chat sends the old ID again"
    NEW_CONTEXT_OTHER_PROVIDER = "new-context: a provider answers that the run has not seen"
    USER_AGENT_SHARED_ID = "user-agent: the ID of another browser is sent"
    RELOAD_OLD_ID = "reload: the old ID is sent again"
    RELOAD_OTHER_ID = "reload: another ID is sent"
    RELOAD_NO_ID = "reload: no ID is sent, the backend issues one"
    CACHE_OFF_LIVE = "cache-off: replies come over the network"


E = ExperimentOutcome

FRONTEND_AT_FAULT = (E.DIRECT_NO_PROVIDER, E.DIRECT_SEVERAL_PROVIDERS)
"""The backend treats fresh IDs as it should: what goes wrong does so in the page."""
