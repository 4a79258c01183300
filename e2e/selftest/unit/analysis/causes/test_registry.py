"""Every cause is one complete definition; the order of the rules decides which cause explains a chat."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from string import Formatter

import pytest

import e2e.analysis.causes.other
from e2e.analysis.causes import registry
from e2e.analysis.causes.definition import (
    CauseDefinition,
    CauseFollows,
    CheckFollows,
    RunCauseFollows,
)
from e2e.analysis.causes.registry import chat_rules, definition, definitions, run_rules
from e2e.analysis.diagnosis import experiments
from e2e.analysis.judge import CHECKS
from e2e.analysis.model.verdict import PRIORITIES, UNEXPLAINED

CHAT_RULES = [
    (10, "late-stream", "session"),
    (20, "late-stream", "session"),
    (30, "message-lost", ""),
    (40, "stale-state", "retried"),
    (50, "id-never-sent", ""),
    (60, "id-shared", ""),
    (70, "id-shared", ""),
    (80, "stale-state", "published"),
    (90, "stale-state", "unstored"),
    (100, "id-collision", ""),
    (110, "id-collision", ""),
    (120, "id-constant", ""),
    (130, "id-constant", ""),
    (140, "session-restored", ""),
    (150, "session-not-ended", ""),
    (155, "session-not-ended", ""),
    (160, "session-not-ended", "address"),
    (170, "late-rotation", ""),
    (180, "stale-closure", ""),
    (190, "stale-state", ""),
    (200, "ended-on-leave", ""),
    (210, "stale-state", "besides"),
    (220, "split-session", ""),
    (230, "over-rotation", ""),
    (235, "over-rotation", "stored"),
    (240, "tab-bleed", ""),
    (250, "tab-bleed", "provider"),
    (260, "session-unbound", ""),
    (270, "restored-on-load", ""),
    (275, "over-rotation", "load"),
    (280, "split-session", ""),
    (290, "late-stream", ""),
    (300, "history-bleed", ""),
    (310, "cached-reply", ""),
    (320, "label-stale", ""),
    (330, "context-bleed", ""),
    (335, "context-bleed", ""),
    (340, "context-lost", ""),
    (350, "context-lost", "held"),
    (360, "screen-not-cleared", ""),
]
RUN_RULES = [
    (10, "provider-cycles"),
    (20, "provider-sticky"),
    (30, "provider-pinned"),
    (40, "provider-skewed"),
    (50, "provider-flaps"),
    (60, "id-guessable"),
    (70, "session-leaked"),
]
TAKES_OLD_MESSAGES = [
    "session-restored",
    "session-not-ended",
    "restored-on-load",
    "stale-state",
    "stale-closure",
    "late-rotation",
    "id-constant",
    "id-collision",
    "id-shared",
]
CHECK_NAMES = {check.name for check in CHECKS}
CAUSES = pytest.mark.parametrize("cause", definitions().values(), ids=lambda cause: cause.name)


def test_rules_about_chats_keep_their_order() -> None:
    found = [(one.rule.order, one.cause.name, one.rule.variant) for one in chat_rules()]
    assert found == CHAT_RULES


def test_rules_about_the_run_keep_their_order() -> None:
    assert [(one.rule.order, one.cause.name) for one in run_rules()] == RUN_RULES


def test_causes_that_keep_an_old_session_take_its_old_messages_in_order() -> None:
    takes = [(one.order, c.name) for c in definitions().values() for one in c.consequences
             if isinstance(one, CheckFollows) and one.check == "chat.starts_empty"]  # fmt: skip
    assert [name for _, name in sorted(takes)] == TAKES_OLD_MESSAGES


@CAUSES
def test_a_cause_has_all_its_texts(cause: CauseDefinition) -> None:
    texts = (cause.explanation, cause.hint, cause.impact, cause.immediate, cause.verify)
    assert all(text and not text.endswith(".") for text in texts)
    assert cause.priority in PRIORITIES
    for text in (cause.explanation, *(v.explanation for v in cause.variants.values())):
        assert {field for _, field, _, _ in Formatter().parse(text) if field} <= {"change", "send", "write"}


@CAUSES
def test_a_cause_names_what_exists(cause: CauseDefinition) -> None:
    for rule in cause.chat_rules:
        assert rule.when
        assert set(rule.explains) <= CHECK_NAMES
        assert set(rule.excludes) <= set(definitions()) - {cause.name}
        assert rule.decides in ("", *experiments.NAMES)
        assert rule.variant in ("", *cause.variants)
    if cause.run_rule is not None:
        assert set(cause.run_rule.excludes) <= set(definitions()) - {cause.name}
        assert cause.run_rule.decides in ("", *experiments.NAMES)
        assert 0 < cause.run_rule.confidence <= 1
    for one in cause.consequences:
        if isinstance(one, CauseFollows | RunCauseFollows):
            assert one.cause in definitions()
        if not isinstance(one, CauseFollows):
            assert one.check in CHECK_NAMES


@CAUSES
def test_a_variant_is_used_by_a_rule(cause: CauseDefinition) -> None:
    assert set(cause.variants) == {rule.variant for rule in cause.chat_rules} - {""}


@CAUSES
def test_no_experiment_outcome_supports_and_contradicts_a_cause(cause: CauseDefinition) -> None:
    assert set(cause.supported_by).isdisjoint(cause.contradicted_by)


@CAUSES
def test_a_cause_is_found_by_something(cause: CauseDefinition) -> None:
    found_by = (cause.chat_rules, cause.run_rule, cause.problems)
    assert any(found_by) is (cause.name != UNEXPLAINED)


def test_an_unknown_name_is_treated_as_unexplained() -> None:
    assert definition("no-such-cause") is definition(UNEXPLAINED)


# -- what the registry refuses

DUMMY = """
from dataclasses import replace
from e2e.analysis.causes.other.label_stale import CAUSE as TEMPLATE

CAUSE = replace(TEMPLATE, name={name!r}, chat_rules=(replace(TEMPLATE.chat_rules[0], order={order}),))
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder whose modules count as causes beside those of ``causes/other``."""
    monkeypatch.setattr(
        e2e.analysis.causes.other, "__path__", [*e2e.analysis.causes.other.__path__, str(tmp_path)]
    )
    memos = (registry.definitions, registry.chat_rules, registry.run_rules)
    for memo in memos:
        memo.cache_clear()
    yield tmp_path
    for memo in memos:
        memo.cache_clear()


def test_a_new_file_is_a_new_cause(folder: Path) -> None:
    (folder / "new_cause.py").write_text(DUMMY.format(name="new-cause", order=175))
    assert definitions()["new-cause"].layer == "presentation"
    assert [one.cause.name for one in chat_rules() if 170 <= one.rule.order <= 180] == [
        "late-rotation",
        "new-cause",
        "stale-closure",
    ]


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("no_cause", "", "no_cause: no cause; hint: CAUSE = CauseDefinition"),
        (
            "misnamed",
            DUMMY.format(name="other-name", order=175),
            "hint: name the cause as its file, 'misnamed'",
        ),
        (
            "same_order",
            DUMMY.format(name="same-order", order=170),
            "order 170 is used by rules of .*late-rotation",
        ),
    ],
)
def test_a_file_that_is_no_proper_cause_is_refused(folder: Path, file: str, text: str, message: str) -> None:
    (folder / f"{file}.py").write_text(text)
    with pytest.raises(ValueError, match=message):
        chat_rules()


def test_definitions_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        definitions()["new"] = replace(definition(UNEXPLAINED), name="new")  # type: ignore[index]
