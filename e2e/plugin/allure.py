"""What Allure shows of a check: its place in the report, one step per chat, and attachments."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import allure
import pytest

from e2e.plugin.browsers.environments import PARAMETER, label_of, run_of, runs_of
from e2e.plugin.settings.options import SETTINGS
from e2e.plugin.verdicts import check_of

if TYPE_CHECKING:  # pandas is for judging, not for a collection
    from e2e.analysis.model.check import Check
    from e2e.analysis.model.run import Run
    from e2e.analysis.model.verdict import Cause, Verdict
    from e2e.profile.parts.policy import Owners
    from e2e.records.records import CodePlace

_HARNESS = ("The run", "Completeness", "Every planned chat was observed")
_SEVERITY = {"critical": "blocker", "high": "critical", "medium": "normal", "low": "minor"}
_SVG = allure.attachment_type.SVG
_TITLED = pytest.StashKey[set[str]]()
"""Causes that a title of this session has explained."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Order the specs as the report does, and label each by its check."""
    if SETTINGS not in config.stash or config.getoption("collectonly"):
        return
    from e2e.analysis.checks.registry import CHECKS

    checks = {check.name: check for check in CHECKS}
    order = {name: number for number, name in enumerate(checks)}
    # The tests of one environment stay together: a change to the next one closes its browser.
    places = {one.environment.label: number for number, one in enumerate(runs_of(config))}
    items.sort(
        key=lambda item: (places.get(label_of(item) or "", 0), order.get(check_of(item) or "", len(order)))
    )
    for item in items:
        function = getattr(item, "function", None)
        if function is not None:
            function.__allure_display_name__ = _title(item)
        check = checks.get(check_of(item) or "")
        epic, feature, story = (*check.group, check.story) if check else _HARNESS
        severity = "critical" if check is None or not check.statistical else "normal"
        for kind, value in (("epic", epic), ("feature", feature), ("story", story), ("severity", severity)):
            _label(item, kind, value)
        _label(item, "owner", _owner(config.stash[SETTINGS].profile.owners, check))
        for name, url in config.stash[SETTINGS].profile.links.items():
            item.add_marker(pytest.mark.allure_link(url, name=name, link_type="link"))


@pytest.hookimpl
def pytest_chat_verdict(item: pytest.Item, run: Run, verdict: Verdict) -> None:
    """Show the verdict in the report."""
    _label_by(item, verdict, run)
    if verdict.outcome == "fail" and verdict.causes:
        set_title: Any = allure.dynamic.title  # allure gives it no types
        set_title(
            f"{_title(item)}: {_cause_text(verdict.causes[0], item.config.stash.setdefault(_TITLED, set()))}"
        )
    _show(run, verdict, item)


@pytest.fixture(autouse=True)
def _labelled_by_run(request: pytest.FixtureRequest) -> Iterator[None]:
    settings = request.config.stash.get(SETTINGS, None)
    mine = None if settings is None else run_of(request.node)
    yield
    if settings is None or mine is None:
        return
    if mine.run is not None:  # recorded evidence has the target and browser of its own run
        _label(request.node, "target", mine.run.metas[0].target)
        _label(request.node, "browser", browser_of(mine.run))
    else:
        _label(request.node, "target", settings.profile.name)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Name the environment before the run is asked for: a browser that cannot be started ends the test in its set-up."""
    label = label_of(item)
    if label is None or SETTINGS not in item.config.stash:
        return
    _label(item, "target", item.config.stash[SETTINGS].profile.name)
    _label(item, "browser", label)
    # Allure shows one test in several environments side by side only if its parameters are equal in all of them.
    parameter: Any = allure.dynamic.parameter  # allure gives it no types
    parameter(PARAMETER, label, excluded=True)


def _label(item: pytest.Item, kind: str, value: str | None) -> None:
    """Add a label. Of a label that a result has once, Allure takes the last one."""
    if value:
        item.add_marker(pytest.mark.allure_label(value, label_type=kind), append=False)


def _owner(owners: Owners, check: Check | None) -> str | None:
    if check is None:
        return owners.suite
    return owners.backend if check.layer == "backend" else owners.frontend


def _label_by(item: pytest.Item, verdict: Verdict, run: Run) -> None:
    """Severity, owner and links of a failure follow from its causes: the owner is that of the faulty layer."""
    if verdict.outcome != "fail" or not verdict.causes:
        return
    from e2e.analysis.diagnosis.known_issues import accepted
    from reports.summary.recommendations import most_urgent, recommendation

    worst = most_urgent(verdict.causes)[0]
    _label(item, "severity", _SEVERITY[recommendation(worst.name).priority])
    owners = max(run.metas, key=lambda meta: meta.started).owners
    _label(item, "owner", owners.get("backend" if worst.layer == "backend" else "frontend"))
    known = accepted(run)
    for cause in verdict.causes:
        if cause.name in known and (link := known[cause.name].link):
            item.add_marker(pytest.mark.allure_link(link, name=cause.name, link_type="issue"))


def browser_of(run: Run) -> str:
    """The browsers of the run's evidence, without their versions."""
    return ", ".join(sorted({m.browser for m in run.metas} - {""}))


def _title(item: pytest.Item) -> str:
    """The test's name as a sentence: it states the outcome."""
    words = getattr(item, "originalname", item.name).removeprefix("test_").replace("_", " ")
    return words[:1].upper() + re.sub(r"\bid\b", "ID", words[1:])


def _cause_text(cause: Cause, titled: set[str]) -> str:
    """The cause for a test's title; with code location and hint in the first title that has it.

    The report opens on the titles, so the overall verdict is visible without a click.
    """
    if cause.name in titled:
        return cause.name
    titled.add(cause.name)
    where = f" at {cause.where[0]}" if cause.where else ""
    return f"{cause.name} ({cause.layer}){where}. Hint: {cause.advice}"


def _show(run: Run, verdict: Verdict, item: pytest.Item) -> None:
    from reports.charts.charts import chat_timeline, lanes_strip, provider_distribution
    from reports.summary.tables import observations_html

    if verdict.name.startswith("rotation."):
        _steps(run, verdict)
        if (strip := lanes_strip(run)) is not None:
            allure.attach(strip.svg, strip.title, _SVG)
        allure.attach(observations_html(run), "Observations", allure.attachment_type.HTML)
    if _has_provider_chart(verdict) and (chart := provider_distribution(run)) is not None:
        allure.attach(chart.svg, chart.title, _SVG)
    if verdict.detection_limit:
        allure.attach(verdict.detection_limit, "Detection limit", allure.attachment_type.TEXT)
    if verdict.warning:
        _tag("warning")
    allure.attach(json.dumps(dict(verdict.numbers), indent=1), "Numbers", allure.attachment_type.JSON)
    if verdict.outcome == "fail":
        for cause in verdict.causes:
            _tag(cause.name)
            allure.attach(
                "\n".join((cause.explanation, *cause.evidence)),
                f"Cause: {cause.name}",
                allure.attachment_type.TEXT,
            )
            if code := _code(cause.code):
                allure.attach(code, "Code evidence", allure.attachment_type.TEXT)
        if verdict.chats and (timeline := chat_timeline(run, verdict.chats[0])) is not None:
            allure.attach(timeline.svg, timeline.title, _SVG)
        _trace(verdict, item)


def _has_provider_chart(verdict: Verdict) -> bool:
    from e2e.analysis.checks.registry import CHECKS

    return any(check.name == verdict.name and check.provider_chart for check in CHECKS)


_SHOWN_STEPS = 200


def _steps(run: Run, verdict: Verdict) -> None:
    """One step per chat: "chat 7, lane 2: session_…3f9a -> session_…b1c2, Big hat"."""
    from e2e.analysis.checks.registry import SCENARIO_OF
    from e2e.analysis.model.schema import ChatRow, TransitionRow
    from e2e.analysis.model.wording import key_of
    from reports.summary.tables import short

    bad = set(verdict.chats)
    scenario = SCENARIO_OF.get(verdict.name, "plain")
    judged = (t for t in run.every(TransitionRow) if t.scenario == scenario)
    every = sorted(judged, key=lambda t: key_of(t) not in bad)  # failures first: the list may be cut
    shown = {key_of(t) for t in every[:_SHOWN_STEPS]}
    providers = {key_of(chat): chat.provider for chat in run.every(ChatRow) if key_of(chat) in shown}
    for row in sorted(every[:_SHOWN_STEPS], key=key_of):
        before, after = ("nothing" if s is None else short(s) for s in (row.sent_before, row.sent))
        provider = providers.get(key_of(row))
        title = f"chat {row.chat}, lane {row.lane}: {before} -> {after}" + (
            f", {provider}" if provider else ""
        )
        if key_of(row) in bad:
            _failed_step(f"{title}: {verdict.headline}")
        else:
            with allure.step(title):
                pass
    if len(every) > _SHOWN_STEPS:
        with allure.step(f"… and {len(every) - _SHOWN_STEPS} more chats"):
            pass


def _failed_step(title: str) -> None:
    """A step shown as failed, without ending the test: one verdict covers all chats."""
    try:
        with allure.step(title):
            raise AssertionError(title)
    except AssertionError:
        return


def _tag(name: str) -> None:
    tag: Any = allure.dynamic.tag  # allure gives it no types
    tag(name)


def _code(places: tuple[CodePlace, ...]) -> str:
    """Code locations of the product with their source lines."""
    parts = []
    for place in places:
        if place.context:
            lines = [f"{'>' if n == place.line else ' '} {n:4d}  {text}" for n, text in place.context]
            parts.append("\n".join((f"{place.source}:{place.line} {place.function}", *lines)))
    return "\n\n".join(parts)


def _trace(verdict: Verdict, item: pytest.Item) -> None:
    """Keep the trace of the first failing lane; show it only when IDs may be shown."""
    settings, mine = item.config.stash[SETTINGS], run_of(item)
    folders = [] if mine is None else mine.folders
    folder = next((f for f in folders if verdict.chats and f.name == verdict.chats[0].run_id), None)
    if folder is None:
        return
    kept = folder / f"trace-lane-{verdict.chats[0].lane}.zip"
    if not kept.is_file():
        return
    if settings.show_ids:
        attach_file: Any = allure.attach.file  # allure gives it no types
        attach_file(str(kept), "Playwright trace", "application/vnd.allure.playwright-trace", "zip")
    else:
        text = f"{kept.name} in {folder.name}, beside the evidence. It contains session IDs in the clear; --show-ids attaches it."
        allure.attach(text, "Path of the Playwright trace", allure.attachment_type.TEXT)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Keep the trace of the first failing lane only."""
    settings = session.config.stash.get(SETTINGS, None)
    if settings is None or settings.from_evidence:
        return
    from e2e.analysis.judge import judge
    from e2e.capture.lane.traces import keep_trace

    for one in runs_of(session.config):
        if one.run is None:
            continue
        failing = [v.chats[0] for v in judge(one.run).verdicts if v.outcome == "fail" and v.chats]
        for folder in one.folders:
            lanes = [key.lane for key in failing if key.run_id == folder.name and key.lane >= 0]
            keep_trace(folder, min(lanes) if lanes else None)
