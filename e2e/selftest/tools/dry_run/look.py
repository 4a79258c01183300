"""Looks at the published site in a real browser, as somebody does who is told that last night was bad."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urldefrag, urljoin

from playwright.sync_api import Error, Page, sync_playwright

from e2e.selftest.tools.dry_run.nights import Played, Stage
from e2e.setup.browser import find_browser, launch_options
from reports.allure.serving import served


class Seen(NamedTuple):
    """One thing that was looked for."""

    name: str
    ok: bool
    saw: str


def look(stage: Stage, nights: Sequence[Played]) -> list[Seen]:
    """What the nights, the site and the webhook say."""
    *good, bad = nights
    alone = bad.outcome == "fail" and bad.causes == (bad.fault,)
    pooled = all(n.shards == stage.shards and n.chats == stage.chats for n in nights)
    told = len(bad.told) == 1 and bad.fault in bad.told[0] and bad.where in bad.told[0]
    outcomes = ", ".join(n.outcome for n in good)
    seen = [
        Seen("the healthy nights pass", all(n.outcome == "pass" and not n.causes for n in good), outcomes),
        Seen(
            "the last night fails for the planted cause alone",
            alone,
            f"{bad.outcome}: {', '.join(bad.causes)}",
        ),
        Seen("all shards are judged together", pooled, f"{bad.shards} shards, {bad.chats} chats"),
        Seen(
            "nobody is told of healthy nights",
            not any(n.told for n in good),
            f"{sum(len(n.told) for n in good)} messages",
        ),
        Seen("the change is told once, with cause and place", told, "; ".join(bad.told) or "nothing"),
    ]
    with served(stage.site) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(**launch_options(find_browser()))
        try:
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            errors: list[str] = []
            page.on("pageerror", lambda error: errors.append(str(error)))
            seen += _index(page, url, nights)
            seen += _night(page, url, bad)
            seen.append(_links(page, url))
            seen.append(
                Seen("no page has an error in its script", not errors, "; ".join(errors[:3]) or "none")
            )
        finally:
            browser.close()
    return seen


def _index(page: Page, url: str, nights: Sequence[Played]) -> list[Seen]:
    bad, before = nights[-1], nights[-2]
    page.goto(url)
    note = page.locator(".note").first.inner_text() if page.locator(".note").count() else ""
    since = page.locator(".note a").first.get_attribute("href") if note else ""
    rows = page.locator("table tbody tr")
    newest = rows.first.inner_text() if rows.count() else ""
    earlier = page.locator(f"tr[id='{before.run_id}']").inner_text() if rows.count() > 1 else ""
    return [
        Seen("the index has every night", rows.count() == len(nights), f"{rows.count()} rows"),
        Seen("it says since which night", since == f"#{bad.run_id}", f"{since}: {note[:120]}"),
        Seen("it names the cause", bad.fault in note, note[:160]),
        Seen(
            "it names the place in the code",
            bad.where.split(" ")[0] in newest,
            newest.replace("\n", " ")[:160],
        ),
        Seen(
            "it marks the change",
            "changed" in newest and "changed" not in earlier,
            newest.replace("\n", " ")[:80],
        ),
    ]


def _night(page: Page, url: str, bad: Played) -> list[Seen]:
    night = f"{url}nights/{bad.run_id}/"
    page.goto(f"{night}index.html")
    text = page.locator("main").inner_text()
    heading = page.locator("h1").inner_text()
    seen = [
        Seen("the night's page begins with the cause", bad.fault in heading, heading),
        Seen("it has the code and the session's flow", "Code evidence" in text and "Session flow" in text, f"{len(text)} characters"),
    ]  # fmt: skip
    page.goto(f"{night}allure-report/awesome/index.html")
    page.get_by_text("Categories").first.click()
    category = f"Cause: {bad.fault}"
    try:
        page.get_by_text(category).first.wait_for(timeout=10_000)
        found = category
    except Error:
        found = page.locator("body").inner_text()[:200]
    seen.append(Seen("the Allure report has the cause as a category", found == category, found))
    page.goto(f"{night}charts/charts.html")
    page.wait_for_selector("html[data-drawn]")
    drawn = page.locator("html").get_attribute("data-drawn") or "0"
    seen.append(Seen("the charts to point at are drawn", int(drawn) >= 4, f"{drawn} charts"))
    return seen


def _links(page: Page, url: str) -> Seen:
    """Follow every link of the site's own pages, and of those they lead to within it."""
    todo, known, broken = [url], {url}, []
    while todo:
        address = todo.pop()
        answer = page.request.get(address)
        if not answer.ok:
            broken.append(f"{address.removeprefix(url)} ({answer.status})")
            continue
        if not address.endswith(("/", "/index.html")) or "/allure-report/" in address:
            continue  # Allure's pages lead about within themselves
        page.goto(address)
        for href in page.eval_on_selector_all("a[href]", "links => links.map(a => a.getAttribute('href'))"):
            target, fragment = urldefrag(urljoin(address, href))
            if fragment and target == address and page.locator(f"[id='{fragment}']").count() != 1:
                broken.append(f"#{fragment}")
            if target.startswith(url) and target not in known:
                known.add(target)
                todo.append(target)
    return Seen("every link works", not broken, "; ".join(broken[:5]) or f"{len(known)} addresses")
