"""A run in which everything that a target chooses is hostile, through all that is made of it: nothing executes, nothing is distorted."""

from __future__ import annotations

import csv
import io
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from markdown_it import MarkdownIt
from playwright.sync_api import Browser, Dialog, Page, Request

from e2e.records.evidence import read_run
from e2e.records.records import Problem, RunRecords
from e2e.selftest.unit.builders import make_run
from e2e.selftest.unit.report_samples import write_run
from e2e.setup.places import REPO
from reports.browsers.page import session_note
from reports.browsers.session import judge_session
from reports.history.store import Store
from reports.publish.notify import messages
from reports.publish.site import publish
from reports.summary.tables import observations_csv
from reports.traces.spans import spans_of

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]
EXECUTES = (
    "<script>window.pwned=1;alert(1)</script>",
    '<img src=x onerror="window.pwned=1;alert(1)">',
    '</script></style></svg></textarea><svg onload="window.pwned=1">',
    "[click](javascript:window.pwned=1) ![x](http://evil.example/p.png) <http://evil.example/q>",
    '"><iframe srcdoc="<script>parent.pwned=1</script>"></iframe>',
    "' onmouseover='window.pwned=1' x='",
)
DISTORTS = (
    "a|b|c\n\n# heading of a name\n| x |", "`code` **bold** ~~~\n~~~", "@someone #1 &lt;b&gt;", '=HYPERLINK("http://evil.example")', "+1+1",
    "\x1b[31mred\x1b]8;;http://evil.example\x07link", "\u202egnp.exe\u2066", "\x00nul\u2028line\u2029end\x85", "\ud800lone",
    "ü" * 1_000_000,
    "{{ 7 * 7 }} {% raw %} ${7*7}", "]]> <![CDATA[ <!-- --> &", "::error::x\n::set-output name=x::y", "%0A%0Aevil", "a\r\nSet-Cookie: x=1",
)  # fmt: skip
NAMES = (*EXECUTES, *DISTORTS)
CONTROL = "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029\ud800-\udfff]"


def hostile(records: RunRecords) -> RunRecords:
    """Names of providers, causes of trouble, title, address, environment, links, functions, files and events of a target."""
    chats = []
    for number, chat in enumerate(records.chats):
        name = NAMES[number % len(NAMES)]
        reported = tuple(
            replace(m, reply_provider=name, backend_provider=name, label_provider=name) for m in chat.messages
        )
        chats.append(replace(chat, messages=reported))
    for number, name in enumerate(NAMES[:6], 1):
        chats[-number] = replace(chats[-number], status="lost", reason=name * 3)
    events = tuple(
        replace(e, data=_with(e.data, NAMES[number % len(NAMES)])) for number, e in enumerate(records.events)
    )
    code = {
        key: replace(
            place, function=NAMES[n % 6], source=f"src/{NAMES[n % 6]}", context=((1, NAMES[n % len(NAMES)]),)
        )
        for n, (key, place) in enumerate(records.meta.code.items())
    }
    meta = replace(
        records.meta,
        title=EXECUTES[0],
        url=f"http://127.0.0.1/{EXECUTES[1]}",
        policy=replace(records.meta.policy, providers=None, provider_count=None, weights=None),
        problems=tuple(Problem("CaptureIncomplete", name, name, name) for name in NAMES),
        code=code,
        links={name: f"http://127.0.0.1/{n}" for n, name in enumerate(EXECUTES)},
        owners={"frontend": EXECUTES[1], "backend": EXECUTES[0]},
        environment={
            **records.meta.environment,
            **{f"fact {n}": name for n, name in enumerate(NAMES)},
            "target_version": EXECUTES[0],
        },
    )
    return replace(records, meta=meta, chats=tuple(chats), events=events)


def _with(data: Any, name: str) -> dict[str, Any]:
    """The texts of an event that a target chooses, replaced."""
    found = {**data}
    for key in ("provider", "error", "text", "what", "why", "event", "label"):
        if isinstance(found.get(key), str):
            found[key] = name
    if "stack" in found:
        found["stack"] = [{**frame, "function": name[:500]} for frame in found["stack"]]
    return found


@dataclass
class Made:
    """Everything that is made of the run."""

    out: Path
    site: Path
    printed: str
    opened: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    out, site = tmp_path_factory.mktemp("out"), tmp_path_factory.mktemp("site")
    write_run(out, hostile(make_run("stale-state", chats=48, lanes=2)))
    command = [sys.executable, "-m", "pytest", "e2e/specs", "-q", "--color=yes", "--from-evidence", str(out / "evidence"),
               "--out", str(out),
               f"--junit-xml={out / 'junit.xml'}"]  # fmt: skip
    environment = {**os.environ, "GITHUB_STEP_SUMMARY": str(out / "step.md")}
    ended = subprocess.run(command, cwd=REPO, capture_output=True, text=True, check=False, env=environment)
    assert ended.returncode == 1, ended.stdout[-3000:] + ended.stderr[-1000:]
    publish(out, site, url="http://127.0.0.1/site")
    return Made(out, site, ended.stdout + ended.stderr)


def visited(made: Made, page: Page, path: Path) -> str:
    """Open a page, and look for all that a name may have done to it. Returns its text."""
    trouble: list[str] = []

    def refuse(dialog: Dialog) -> None:
        trouble.append(dialog.message)
        dialog.dismiss()

    def requested(request: Request) -> None:
        if "evil.example" in request.url:
            trouble.append(request.url)

    page.on("dialog", refuse)
    page.on("request", requested)
    page.goto(path.as_uri())
    page.wait_for_load_state("networkidle")
    assert page.evaluate("window.pwned") is None
    for frame in page.frames:
        assert frame.evaluate("globalThis.pwned") is None
        assert (
            frame.evaluate(
                """() => [...document.querySelectorAll(
                  'img[src="x"], svg[onload], iframe[srcdoc*="pwned"], [onmouseover], [onerror]')].length
                + [...document.scripts].filter((s) => s.text.startsWith("window.pwned")).length
                + [...document.links].filter((a) => /^javascript:|evil\\.example/.test(a.href)).length"""
            )
            == 0
        )
    assert trouble == []
    made.opened.append(path.name)
    return page.inner_text("body")


def test_the_allure_report_shows_names_as_text(made: Made, browser: Browser) -> None:
    page = browser.new_page()
    try:
        report = made.site / "runs"
        [index] = report.glob("*/allure-report/awesome/index.html")
        text = visited(made, page, index)
        assert "stale-state" in text
        results = page.evaluate(
            "[...document.querySelectorAll('a')].map((a) => a.getAttribute('href')).filter((h) => h && h.startsWith('#'))"
        )
        for anchor in list(dict.fromkeys(results))[:40]:
            page.evaluate("(to) => { location.hash = to }", anchor)
            page.wait_for_load_state("networkidle")
            assert page.evaluate("window.pwned") is None
            assert page.locator('img[src="x"], svg[onload], [onerror]').count() == 0
        for attachment in sorted(index.parent.rglob("*.html"))[:40]:
            visited(made, page, attachment)
    finally:
        page.close()


def test_the_site_shows_names_as_text(made: Made, browser: Browser) -> None:
    page = browser.new_page()
    try:
        [run_page] = made.site.glob("runs/*/index.html")
        for path in (made.site / "index.html", run_page):
            text = visited(made, page, path)
            assert EXECUTES[0] in text, path.name
            assert not re.search(CONTROL, text)
    finally:
        page.close()


def test_markdown_for_github_has_no_element_link_or_mention_of_a_name(made: Made) -> None:
    session = judge_session(made.out)
    texts = {
        "summary.md": (made.out / "summary.md").read_text(encoding="utf-8"),
        "comment": session_note(session, "http://127.0.0.1/report"),
    }
    step = made.out / "step.md"
    if step.is_file():
        texts["step summary"] = step.read_text(encoding="utf-8")
    for name, markdown in texts.items():
        assert len(markdown) < 1_000_000, name
        page = MarkdownIt("commonmark", {"html": True}).enable("table").render(markdown)
        assert not set(re.findall(r"<([a-zA-Z][\w-]*)", page)) & {
            "script",
            "img",
            "svg",
            "iframe",
            "textarea",
            "style",
        }, name
        assert "heading of a name" not in "".join(re.findall(r"<h\d>.*?</h\d>", page)), name
        assert not re.search(r'(?:href|src)="(?:javascript:|[^"]*evil\.example)', page), name
        code = r"^~~~text\n.*?^~~~$|`[^`\n]*`"  # GitHub mentions nobody in code
        prose = re.sub(code, "", markdown, flags=re.DOTALL | re.MULTILINE)
        assert not re.search(r"(?<![\w\\])@someone", prose), name
        assert not re.search(CONTROL, markdown), name


def test_junit_is_valid_xml_without_control_characters(made: Made) -> None:
    tree = ET.parse(made.out / "junit.xml")
    assert len(list(tree.getroot().iter("testcase"))) > 10
    assert not re.search(CONTROL, (made.out / "junit.xml").read_text(encoding="utf-8"))


def test_no_table_has_a_formula(made: Made) -> None:
    [one] = judge_session(made.out).judged
    cells = [cell for row in csv.reader(io.StringIO(observations_csv(one.run))) for cell in row]
    assert len(cells) > 400
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@", "\t", "\r"))]


def test_the_terminal_obeys_no_name(made: Made) -> None:
    plain = re.sub(r"\x1b\[[0-9;]*m", "", made.printed)  # pytest's own colours
    assert not re.search(CONTROL, plain)
    assert not re.search(r"^::(error|set-output)", plain, re.MULTILINE)


def test_a_message_to_a_webhook_and_the_spans_are_utf8(made: Made) -> None:
    for text in messages(Store(made.out / "history").read()).values():
        assert text.encode()
        assert not re.search(CONTROL, text)
    [folder] = (made.out / "evidence").iterdir()
    spans = list(spans_of(read_run(folder)))
    assert spans
    for span in spans:
        assert span.name.encode()
        for value in (span.attributes or {}).values():
            assert str(value).encode()
