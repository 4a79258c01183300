"""The interactive charts in a real browser: texts for pointer and keyboard, both themes, accessibility, no network."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from e2e.analysis.model.run import assemble
from e2e.selftest.unit.builders import judge_run, make_run
from e2e.selftest.unit.report_samples import example_history
from reports.charts.charts import chart_set, provider_distribution
from reports.charts.page import charts_page
from reports.charts.structure import id_structure
from reports.history.chart import history_chart

KINDS = ("provider-distribution", "lanes-strip", "timeline", "history")


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("charts")
    charts = chart_set(judge_run("stale-state"), folder)
    history = history_chart(example_history(random.Random(1), pinned_from=21), 0.02)
    assert history is not None
    path = folder / "charts.html"
    path.write_text(charts_page("Charts", [*charts, history]), encoding="utf-8")
    return path


@pytest.fixture(params=[("light", 1200), ("dark", 420)], ids=["light-wide", "dark-narrow"])
def opened(request: pytest.FixtureRequest, browser: Browser, page_file: Path) -> Iterator[Page]:
    """The page without a network; an error in its script fails the test."""
    scheme, width = request.param
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900}, offline=True)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(page_file.as_uri())
    page.wait_for_selector("html[data-marks]")
    yield page
    context.close()
    assert errors == []


def test_every_chart_has_marks_a_description_and_a_table(opened: Page) -> None:
    for kind in KINDS:
        chart = opened.locator(f".chart.{kind}")
        assert chart.locator(".mark[aria-label]").count() > 3, kind
        assert chart.locator("svg[aria-label]").count() == 1, kind
    assert min(len(text) for text in opened.locator("figcaption").all_inner_texts()) > 40
    assert opened.locator("details table tbody tr").count() > 30


def test_the_page_has_no_accessibility_violation(opened: Page) -> None:
    found = Axe().run(opened)
    assert [(v["id"], [n["html"][:120] for n in v["nodes"][:2]]) for v in found.response["violations"]] == []


def test_the_ground_follows_the_theme(opened: Page) -> None:
    dark = opened.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    ground = opened.evaluate("getComputedStyle(document.querySelector('.chart svg path')).fill")
    assert ground == ("rgb(27, 28, 33)" if dark else "rgb(255, 255, 255)")


def test_arrow_keys_move_between_marks_and_show_their_texts(opened: Page) -> None:
    chart = opened.locator(".chart.lanes-strip")
    chart.locator(".mark[tabindex='0']").focus()
    assert opened.locator("#tip").inner_text().startswith("lane 0, chat 0: sent ")
    opened.keyboard.press("ArrowRight")
    assert opened.locator("#tip").inner_text().startswith("lane 0, chat 1: sent ")
    assert chart.locator(".mark[tabindex='0']").count() == 1
    opened.keyboard.press("Escape")
    assert opened.locator("#tip").is_hidden()


def test_tables_open_with_the_keyboard(opened: Page) -> None:
    opened.locator("summary").first.focus()
    opened.keyboard.press("Enter")
    assert opened.locator("details[open] table").count() == 1


def test_pointing_at_a_provider_shows_its_numbers(browser: Browser, page_file: Path) -> None:
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    page.goto(page_file.as_uri())
    page.wait_for_selector("html[data-marks]")
    page.locator(".chart.provider-distribution .mark").first.hover()
    assert "95 % of healthy runs" in page.locator("#tip").inner_text()
    page.close()


def test_without_scripts_the_charts_and_their_texts_are_there(browser: Browser, page_file: Path) -> None:
    """Allure shows attachments without scripts: the browser's own tooltip shows the titles."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(page_file.as_uri())
    for kind in KINDS:
        assert page.locator(f".chart.{kind} svg .mark > title").count() > 3, kind
    context.close()


def test_the_page_loads_nothing(page_file: Path) -> None:
    text = re.sub(r"<script>.*?</script>", "", page_file.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert re.findall(r"<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)=", text) == []


def test_a_provider_name_cannot_inject_markup() -> None:
    chart = provider_distribution(assemble([make_run(providers=("</script><b>x", "Tin drum"))]))
    assert chart is not None
    assert "</script><b>x" not in charts_page("Charts", [chart])


def test_the_history_chart_lists_the_runs_beyond_the_limit() -> None:
    chart = history_chart(example_history(random.Random(2), pinned_from=21), 0.02)
    assert chart is not None
    assert "beyond the limit of 4.3: 10, from" in chart.alt
    assert history_chart([], 0.02) is None
    assert history_chart(example_history(random.Random(2), pinned_from=99)[:1], 0.02) is not None


def test_there_is_no_structure_chart_without_recorded_ids() -> None:
    assert id_structure(judge_run()) is None
