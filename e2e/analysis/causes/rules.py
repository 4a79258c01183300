"""The rules that tell the cause from one chat's clues: an ordered table, the first that fits explains the chat.

Each row says which failed checks it can explain, what must be seen, which causes that excludes, and which experiment would decide
where doubt is left. A chat whose evidence fits no rule stays unexplained; a rule is never stretched to cover it. What shows only in
the run as a whole is in `run_rules`.
"""

from __future__ import annotations

from typing import NamedTuple

from e2e.analysis.causes.evidence import from_memory, left_behind
from e2e.analysis.causes.evidence import predicates as has
from e2e.analysis.causes.evidence.chat_evidence import Clues
from e2e.analysis.causes.evidence.predicates import Condition
from e2e.analysis.checks.scenarios import NAMES

STORED, SENT = "rotation.stored_id_is_fresh", "rotation.sent_id_is_fresh"
EQUAL, ONE = "rotation.sent_equals_stored", "rotation.one_id_per_chat"
EMPTY, LABEL, LIVE = "chat.starts_empty", "provider.label_is_true", "reply.is_live"
SCENARIOS = tuple(NAMES)
"""The checks that ask the same under a scenario."""


class Rule(NamedTuple):
    """One row."""

    cause: str
    explains: tuple[str, ...]
    """Names of checks."""
    when: tuple[Condition, ...]
    """All must hold."""
    excludes: tuple[str, ...]
    """Causes that could look alike, and that one of the conditions rules out."""
    decides: str = ""
    """The experiment that would settle it, or ``""`` where the evidence itself does."""
    variant: str = ""
    """Which of the cause's explanations fits, where it has several (`causes.VARIANTS`)."""

    def fits(self, chat: Clues) -> bool:
        return all(condition(chat) for condition in self.when)


FRESH = (STORED, SENT, "session_ids.pattern", *SCENARIOS)
PAYLOAD = (SENT, EQUAL, ONE, *SCENARIOS)

RULES: tuple[Rule, ...] = (
    Rule(
        "late-stream",
        (STORED, *PAYLOAD),
        (has.after_new_chat, left_behind.its_id_came_into_the_chat),
        excludes=("id-constant", "session-restored", "over-rotation"),
        decides="slow-network",
        variant="session",
    ),
    Rule(
        "late-stream",
        (STORED, *PAYLOAD),
        (has.after_new_chat, left_behind.its_end_wrote_the_old_id_back),
        excludes=("id-constant", "session-restored", "over-rotation"),
        decides="slow-network",
        variant="session",
    ),
    Rule(
        "message-lost",
        ("smoke", *SCENARIOS),
        (has.a_message_was_lost,),
        excludes=("new-chat-unavailable",),
    ),
    Rule(
        "stale-state",
        PAYLOAD,
        (has.after_new_chat, has.only_retries_carried_an_old_id),
        excludes=("session-not-ended", "late-rotation", "stale-closure", "over-rotation"),
        decides="reload",
        variant="retried",
    ),
    Rule(
        "id-never-sent",
        ("smoke", *PAYLOAD),
        (has.its_payloads_carried_no_id, has.stored_ids_stand_nowhere),
        excludes=("session-not-ended", "split-session"),
    ),
    Rule(
        "id-shared",
        FRESH,
        (has.began_with_a_load, has.another_browser_has_the_id),
        excludes=("id-constant", "session-not-ended"),
        decides="user-agent",
    ),
    Rule(
        "id-shared",
        FRESH,
        (has.after_new_chat, has.another_browser_had_the_id, has.it_or_another_browser_wrote_it),
        excludes=("id-constant", "session-not-ended", "stale-state"),
        decides="user-agent",
    ),
    Rule(
        "stale-state",
        FRESH,
        (
            has.after_new_chat,
            from_memory.the_send_stored_it_again,
            has.payloads_went_on_with_what_was_sent,
        ),
        excludes=("id-constant", "id-collision", "session-restored"),
        decides="reload",
        variant="published",
    ),
    Rule(
        "stale-state",
        (SENT, *SCENARIOS),
        (
            has.after_new_chat,
            from_memory.nothing_is_stored,
            has.payloads_went_on_with_what_was_sent,
            from_memory.a_reload_brought_another,
        ),
        excludes=("id-constant", "id-collision"),
        decides="reload",
        variant="unstored",
    ),
    Rule(
        "id-collision",
        FRESH,
        (has.after_new_chat, has.id_is_of_an_older_chat, has.its_writing_was_a_minting),
        excludes=("session-restored", "restored-on-load", "stale-state"),
        decides="frozen-clock",
    ),
    Rule(
        "id-collision",
        ("rotation.two_tabs",),
        (has.began_with_a_load, has.id_is_of_an_older_chat, has.its_writing_was_a_minting),
        excludes=("id-constant", "tab-bleed"),
        decides="frozen-clock",
    ),
    Rule(
        "id-constant",
        FRESH,
        (has.after_new_chat, has.old_id_was_made_anew),
        excludes=("session-restored", "session-not-ended"),
        decides="frozen-clock",
    ),
    Rule(
        "id-constant",
        ("rotation.two_tabs",),
        (has.began_with_a_load, has.tab_minted_what_the_browser_had),
        excludes=("tab-bleed",),
        decides="frozen-clock",
    ),
    Rule(
        "session-restored",
        FRESH,
        (has.after_new_chat, has.it_came_back_without_a_load, has.old_id_came_back_from_elsewhere),
        excludes=("id-constant", "restored-on-load"),
        decides="new-context",
    ),
    Rule(
        "session-not-ended",
        FRESH,
        (
            has.writes_are_watched,
            has.no_write_changed_the_key,
            has.store_kept_the_old_id,
            has.payloads_follow_the_store,
            has.payloads_never_changed,
            has.store_never_rotated,
        ),
        excludes=("session-restored", "id-constant", "stale-state", "late-rotation"),
        decides="reload",
    ),
    Rule(
        "session-not-ended",
        FRESH,
        (
            has.after_new_chat,
            from_memory.the_address_holds_the_id,
            from_memory.nothing_is_stored,
            has.payloads_went_on_with_what_was_sent,
        ),
        excludes=("stale-state", "id-constant", "late-rotation"),
        decides="reload",
        variant="address",
    ),
    Rule(
        "late-rotation",
        (STORED, *PAYLOAD),
        (has.first_payload_carried_the_previous_id, has.rotation_came_after_the_first_payload),
        excludes=("stale-state", "stale-closure"),
        decides="slow-network",
    ),
    Rule(
        "stale-closure",
        (SENT, EQUAL, *SCENARIOS),
        (has.store_let_go_of_the_old_id, has.payloads_are_one_behind),
        excludes=("stale-state", "split-session"),
        decides="reload",
    ),
    Rule(
        "stale-state",
        (STORED, SENT, EQUAL, *SCENARIOS),
        (has.store_let_go_of_the_old_id, has.payloads_went_on_with_what_was_sent),
        excludes=("session-not-ended", "late-rotation", "stale-closure"),
        decides="reload",
    ),
    Rule(
        "ended-on-leave",
        ("rotation.reload", "rotation.back_forward"),
        (has.leaving_ended_the_session,),
        excludes=("over-rotation", "restored-on-load", "split-session"),
        decides="reload",
    ),
    Rule(
        "stale-state",
        (SENT, *SCENARIOS),
        (has.messages_were_fresh, has.another_request_went_on_with_an_old_id),
        excludes=("session-not-ended", "late-rotation", "split-session"),
        decides="reload",
        variant="besides",
    ),
    Rule(
        "split-session",
        (EQUAL, ONE, *SCENARIOS),
        (has.first_payload_differed_from_the_store, has.two_fresh_ids_in_all),
        excludes=("over-rotation", "late-rotation"),
    ),
    Rule(
        "over-rotation",
        (ONE, EQUAL, *SCENARIOS),
        (has.several_fresh_ids_were_sent, has.it_happens_undisturbed),
        excludes=("late-rotation", "tab-bleed", "session-unbound", "restored-on-load"),
    ),
    Rule(
        "tab-bleed",
        ("rotation.two_tabs",),
        (has.sent_follows_the_other_tab,),
        excludes=("over-rotation", "session-unbound"),
        decides="new-context",
    ),
    Rule(
        "tab-bleed",
        ("rotation.two_tabs",),
        (has.provider_follows_the_other_tab,),
        excludes=("provider-flaps",),
        variant="provider",
    ),
    Rule(
        "session-unbound",
        ("rotation.return_to_chat",),
        (has.older_chat_sends_a_newer_id,),
        excludes=("over-rotation", "tab-bleed"),
    ),
    Rule(
        "restored-on-load",
        ("rotation.reload", "rotation.back_forward"),
        (has.loading_brought_an_ended_id_back,),
        excludes=("session-not-ended", "session-restored", "over-rotation"),
        decides="reload",
    ),
    Rule(
        "split-session",
        (EQUAL, *SCENARIOS),
        (has.one_fresh_id_was_sent, has.another_fresh_id_was_stored),
        excludes=("stale-state", "stale-closure", "over-rotation"),
    ),
    Rule(
        "late-stream",
        ("rotation.mid_stream", EMPTY, LABEL),
        (has.late_text_is_on_the_screen,),
        excludes=("history-bleed", "label-stale"),
        decides="slow-network",
    ),
    Rule(
        "history-bleed",
        (EMPTY, *SCENARIOS),
        (has.payload_had_text_of_an_earlier_chat,),
        excludes=("late-stream",),
    ),
    Rule(
        "cached-reply", (LIVE,), (has.a_cache_answered,), excludes=("provider-pinned",), decides="cache-off"
    ),
    Rule(
        "label-stale",
        (LABEL,),
        (has.wrong_labels_name_earlier_providers,),
        excludes=("provider-flaps",),
    ),
)
