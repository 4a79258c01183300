"""Names of checks, and groups of them, that the rules explain."""

from __future__ import annotations

from e2e.analysis.checks.registry import SCENARIO_OF

SMOKE = "smoke"
STORED, SENT = "rotation.stored_id_is_fresh", "rotation.sent_id_is_fresh"
EQUAL, ONE = "rotation.sent_equals_stored", "rotation.one_id_per_chat"
PATTERN = "session_ids.pattern"
EMPTY, LIVE = "chat.starts_empty", "reply.is_live"
RELOAD, BACK_FORWARD, MID_STREAM = "rotation.reload", "rotation.back_forward", "rotation.mid_stream"
TWO_TABS, RETURN = "rotation.two_tabs", "rotation.return_to_chat"
LABEL, PERSISTS = "provider.label_is_true", "provider.persists"
VARIES, BALANCED, INDEPENDENT = "provider.varies", "provider.balanced", "provider.independent"
ASSIGNS, STATE = "backend.assigns", "backend.state"
BACKEND_PERSISTS, CLEANS_UP = "backend.persists", "backend.cleans_up"

REMEMBERS, FORGETS = "chat.remembers", "chat.forgets"

SCENARIOS = tuple(name for name in SCENARIO_OF if name not in (REMEMBERS, FORGETS))
"""The checks that judge the same rules under a scenario."""
FRESH = (STORED, SENT, PATTERN, *SCENARIOS)
PAYLOAD = (SENT, EQUAL, ONE, *SCENARIOS)
SPREAD = (VARIES, BALANCED, ASSIGNS, STATE)
"""The checks that compare shares of providers."""
