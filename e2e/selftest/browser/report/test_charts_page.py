"""The charts to point at, opened in a real browser: drawn, legible without colour, read aloud, and alone in the world."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from e2e.analysis.model.run import Run, assemble
from e2e.errors import HarnessError
from e2e.selftest.unit.builders import judge_run, make_run
from e2e.selftest.unit.report_samples import drawn_nights
from reports import interactive
from reports.charts.structure import id_structure
from reports.history.chart import history_chart
from reports.interactive import interactive_page

KINDS = ("providers", "lanes", "timeline", "history")


@pytest.fixture(scope="module")
def stale() -> Run:
    return judge_run("stale-state")


@pytest.fixture(scope="module")
def page_file(stale: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("charts") / "charts.html"
    path.write_text(interactive_page(stale, drawn_nights(random.Random(1), pinned_from=21)), encoding="utf-8")
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
    page.wait_for_selector("html[data-drawn]")
    yield page
    context.close()
    assert errors == []


def test_every_chart_is_drawn_and_has_its_words_and_its_table(opened: Page) -> None:
    assert opened.locator("html").get_attribute("data-drawn") == str(len(KINDS))
    for kind in KINDS:
        chart = opened.locator(f".chart.{kind}")
        assert chart.locator("svg path, svg rect").count() > 3, kind
        assert len(chart.get_attribute("aria-label") or "") > 40
    assert opened.locator("details table tbody tr").count() > 30


def test_it_can_be_used_by_everybody(opened: Page) -> None:
    found = Axe().run(opened)
    assert [(v["id"], [n["html"][:120] for n in v["nodes"][:2]]) for v in found.response["violations"]] == []


def test_its_tables_open_with_the_keyboard_alone(opened: Page) -> None:
    summary = opened.locator("summary").first
    summary.focus()
    opened.keyboard.press("Enter")
    assert opened.locator("details[open] table").count() == 1


def test_pointing_at_a_provider_tells_its_numbers(browser: Browser, page_file: Path) -> None:
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    page.goto(page_file.as_uri())
    page.wait_for_selector("html[data-drawn]")
    box = page.locator(".chart.providers").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 130, box["y"] + 27)
    page.wait_for_function(
        "document.querySelector('.chart.providers').innerText.includes('95 % of healthy runs')"
    )
    page.close()


def test_where_no_script_may_run_the_charts_are_there_all_the_same(browser: Browser, page_file: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(page_file.as_uri())
    for kind in KINDS:
        assert page.locator(f".chart.{kind} svg").count() == 1, kind
    context.close()


def test_it_loads_nothing_from_anywhere(page_file: Path) -> None:
    text = re.sub(r"<script>.*?</script>", "", page_file.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert re.findall(r"<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)=", text) == []


def test_a_text_cannot_break_out_of_the_page() -> None:
    records = make_run(providers=("</script><b>x", "Tin drum"))
    text = interactive_page(assemble([records]))
    assert "</script><b>x" not in text


def test_without_its_library_it_says_how_to_get_it(stale: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interactive, "_LIBRARY", Path("nowhere.js"))
    with pytest.raises(HarnessError, match="not installed") as told:
        interactive_page(stale)
    assert told.value.hint == "make setup"


def test_the_history_chart_says_which_nights_are_beyond_the_limit() -> None:
    chart = history_chart(drawn_nights(random.Random(2), pinned_from=21))
    assert chart is not None
    assert "beyond the limit of 4.3: 10, from" in chart.alt
    assert history_chart([]) is None
    assert history_chart(drawn_nights(random.Random(2), pinned_from=99)[:1]) is not None


def test_there_is_no_structure_where_no_id_was_seen_being_made() -> None:
    assert id_structure(judge_run()) is None
