"""Pages of the lab, watched by the script in the page: the verdicts are those of Chromium's protocol, or say what was not seen."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Playwright

from e2e.capture.in_page import recorder_script
from e2e.capture.in_page.signals import PageSignals
from e2e.selftest.browser.lab_pages.lab_runs import CHATS, LabRun, failed, record_pages
from e2e.selftest.lab.pages import WITH_ID

NOT_SEEN = {
    "cookie-httponly": "the browser did not tell which cookies the request carried",
    "shared-worker": "a shared worker (",
}
"""Pages of which this source cannot see the session, with what the run says of it."""
ALWAYS = (
    "fetch-sse",
    "xhr-json",
    "eventsource",
    "beacon",
    "multipart",
    "ws-binary",
    "worker",
    "worker-ws",
    *NOT_SEEN,
)
NAMES = [pytest.param(name, marks=() if name in ALWAYS else pytest.mark.long) for name in WITH_ID]

LOOKS = """() => [fetch, WebSocket, Worker, EventSource, XMLHttpRequest.prototype.send, navigator.sendBeacon,
  ReadableStream.prototype.cancel, Function.prototype.toString, URL.createObjectURL].map((f) => [
    f.name, f.length, String(f), Function.prototype.toString.call(f), Object.getOwnPropertyNames(f).sort().join(),
    f.prototype === undefined || f.prototype.constructor === f, typeof f.prototype])"""
"""What a page can look at to find out whether a function is the browser's own."""


@pytest.fixture(scope="module")
def runs(
    playwright: Playwright,
    own_browser: Browser,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> dict[str, LabRun]:
    tests = [item.name for item in request.session.items if item.path == request.path]
    selected = {test.rpartition("[")[2].removesuffix("]").removeprefix("chromium-") for test in tests}
    names = [name for name in WITH_ID if name in selected]
    return record_pages(
        playwright, own_browser, tmp_path_factory.mktemp("in_page"), names=names, wire="in-page"
    )


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", NAMES)
def test_a_healthy_page_passes_or_says_what_was_not_seen(name: str, runs: dict[str, LabRun]) -> None:
    run, received = runs[name]
    assert failed(run) == set()
    if name in NOT_SEEN:
        assert any(NOT_SEEN[name] in problem for problem in run.problems["what"])
        assert not run.messages["sent_seen"].any()
        return
    assert not run.partial, run.partial_reasons
    assert run.messages["sent"].nunique() == len(set(received)) == CHATS
    assert (run.messages["label_provider"] == run.messages["reply_provider"]).all()


def test_wrapped_functions_look_like_the_browsers_own(own_browser: Browser) -> None:
    context = own_browser.new_context()
    try:
        plain, watched = context.new_page(), context.new_page()
        signals = PageSignals()
        watched.expose_binding(signals.binding, lambda *_: None)
        config = {
            **signals.config(), "store": "none", "key": None, "keyPart": None, "depth": 0,
            "urls": [""], "replies": [""], "full": True, "workers": True,
        }  # fmt: skip
        watched.add_init_script(recorder_script(config, "suite", in_page=True))
        for page in (plain, watched):
            page.route("http://lab.test/", lambda route: route.fulfill(body="<p>", content_type="text/html"))
            page.goto("http://lab.test/")
        assert watched.evaluate("(name) => name in globalThis", signals.name)
        assert watched.evaluate(LOOKS) == plain.evaluate(LOOKS)
    finally:
        context.close()
