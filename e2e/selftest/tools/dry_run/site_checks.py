"""Checks the published site in a real browser: index, page of the failed run, Allure report, charts, links."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urldefrag, urljoin

from playwright.sync_api import Error, Page, sync_playwright

from e2e.selftest.tools.dry_run.runs import DryRun, SimulatedRun
from e2e.setup.browser import find_browser, launch_options
from reports.allure.serving import served


class Result(NamedTuple):
    """One expectation, and what was found."""

    name: str
    ok: bool
    actual: str


def check_all(dry_run: DryRun, runs: Sequence[SimulatedRun]) -> list[Result]:
    """Check the runs, their notifications and the site."""
    *healthy, faulty = runs
    only_cause = faulty.outcome == "fail" and faulty.causes == (faulty.fault,)
    pooled = all(run.shards == dry_run.shards and run.chats == dry_run.chats for run in runs)
    posted = faulty.notifications
    complete = len(posted) == 1 and faulty.fault in posted[0] and faulty.code_location in posted[0]
    results = [
        Result(
            "the healthy runs pass",
            all(run.outcome == "pass" and not run.causes for run in healthy),
            ", ".join(run.outcome for run in healthy),
        ),
        Result(
            "the faulty run fails, and its fault is the only cause",
            only_cause,
            f"{faulty.outcome}: {', '.join(faulty.causes)}",
        ),
        Result("all shards are judged together", pooled, f"{faulty.shards} shards, {faulty.chats} chats"),
        Result(
            "a healthy run sends no notification",
            not any(run.notifications for run in healthy),
            f"{sum(len(run.notifications) for run in healthy)} notifications",
        ),
        Result(
            "the change sends one notification, with cause and code location",
            complete,
            "; ".join(posted) or "no notification",
        ),
    ]
    with served(dry_run.site) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(**launch_options(find_browser()))
        try:
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            errors: list[str] = []
            page.on("pageerror", lambda error: errors.append(str(error)))
            results += _check_index(page, url, runs)
            results += _check_run_page(page, url, faulty)
            results.append(_check_links(page, url))
            results.append(Result("no page has a script error", not errors, "; ".join(errors[:3]) or "none"))
        finally:
            browser.close()
    return results


def _check_index(page: Page, url: str, runs: Sequence[SimulatedRun]) -> list[Result]:
    faulty, before = runs[-1], runs[-2]
    page.goto(url)
    note = page.locator(".note").first.inner_text() if page.locator(".note").count() else ""
    since = page.locator(".note a").first.get_attribute("href") if note else ""
    rows = page.locator("table tbody tr")
    newest = rows.first.inner_text() if rows.count() else ""
    earlier = page.locator(f"tr[id='{before.run_id}']").inner_text() if rows.count() > 1 else ""
    return [
        Result("the index lists every run", rows.count() == len(runs), f"{rows.count()} rows"),
        Result(
            "the index names the first failing run", since == f"#{faulty.run_id}", f"{since}: {note[:120]}"
        ),
        Result("the index names the cause", faulty.fault in note, note[:160]),
        Result(
            "the index names the code location",
            faulty.code_location.split(" ")[0] in newest,
            newest.replace("\n", " ")[:160],
        ),
        Result(
            "the index marks the change",
            "changed" in newest and "changed" not in earlier,
            newest.replace("\n", " ")[:80],
        ),
    ]


def _check_run_page(page: Page, url: str, faulty: SimulatedRun) -> list[Result]:
    folder = f"{url}runs/{faulty.run_id}/"
    page.goto(f"{folder}index.html")
    text = page.locator("main").inner_text()
    heading = page.locator("h1").inner_text()
    complete = "Code evidence" in text and "Session flow" in text
    results = [
        Result("the run's page begins with the cause", faulty.fault in heading, heading),
        Result("the run's page has code evidence and session flow", complete, f"{len(text)} characters"),
    ]  # fmt: skip
    page.goto(f"{folder}allure-report/awesome/index.html")
    page.get_by_text("Categories").first.click()
    category = f"Cause: {faulty.fault}"
    try:
        page.get_by_text(category).first.wait_for(timeout=10_000)
        found = category
    except Error:
        found = page.locator("body").inner_text()[:200]
    results.append(Result("the Allure report has the cause as a category", found == category, found))
    page.goto(f"{folder}charts/charts.html")
    page.wait_for_selector("html[data-marks]")
    charts = page.locator(".chart svg").count()
    results.append(Result("the interactive charts are drawn", charts >= 4, f"{charts} charts"))
    return results


def _check_links(page: Page, url: str) -> Result:
    """Follow every link within the site, from page to page."""
    todo, known, broken = [url], {url}, []
    while todo:
        address = todo.pop()
        answer = page.request.get(address)
        if not answer.ok:
            broken.append(f"{address.removeprefix(url)} ({answer.status})")
            continue
        if not address.endswith(("/", "/index.html")) or "/allure-report/" in address:
            continue  # a single-page application: its links are routes of its own
        page.goto(address)
        for href in page.eval_on_selector_all("a[href]", "links => links.map(a => a.getAttribute('href'))"):
            target, fragment = urldefrag(urljoin(address, href))
            if fragment and target == address and page.locator(f"[id='{fragment}']").count() != 1:
                broken.append(f"#{fragment}")
            if target.startswith(url) and target not in known:
                known.add(target)
                todo.append(target)
    return Result("every link works", not broken, "; ".join(broken[:5]) or f"{len(known)} addresses")
