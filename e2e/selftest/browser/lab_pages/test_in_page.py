"""Pages of the lab, watched by the script in the page: the verdicts are those of Chromium's protocol, or say what was not seen."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any, ClassVar

import pytest
from playwright.sync_api import Browser, Playwright

from e2e.selftest.browser.lab_pages.lab_runs import CHATS, LabRun, failed, record_pages, selected
from e2e.selftest.browser.lab_pages.watched import watched_page
from e2e.selftest.lab.pages import WITH_ID

NOT_SEEN = {
    "cookie-httponly": "the browser did not report which cookies the request carried",
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

LOOKS = """async () => {
  const same = Function.prototype.toString;
  const frame = document.body.appendChild(document.createElement("iframe"));
  const theirs = frame.contentWindow.Function.prototype.toString;
  const functions = [fetch, WebSocket, Worker, EventSource, XMLHttpRequest, XMLHttpRequest.prototype.send, navigator.sendBeacon,
    ReadableStream.prototype.cancel, ReadableStream.prototype.tee, Response.prototype.clone, Function.prototype.toString,
    URL.createObjectURL, Storage.prototype.setItem, Storage.prototype.clear, localStorage.setItem, StorageEvent, addEventListener,
    Document.prototype.open, Document.prototype.write, Document.prototype.writeln,
    Object.getOwnPropertyDescriptor(Storage.prototype, "length").get, Object.getOwnPropertyDescriptor(window, "localStorage").get];
  const failing = [() => fetch(), () => fetch("http://["), () => fetch("/", {body: "a"}), () => new fetch(), () => WebSocket("ws://a"),
    () => new WebSocket("ws://a", ["b", "b"]), () => new Worker(), () => new EventSource(), () => new XMLHttpRequest().send(),
    () => XMLHttpRequest.prototype.send.call({}), () => navigator.sendBeacon(), () => localStorage.setItem("a"), () => same.call({}),
    () => fetch("/", {signal: AbortSignal.abort("reason")})];
  const errors = [];
  for (const call of failing) {
    try {
      await call();
      errors.push("none");
    } catch (error) {
      errors.push(`${error?.name} ${error?.message ?? error}`);
    }
  }
  const unhandled = [];
  addEventListener("unhandledrejection", (event) => unhandled.push(event.reason?.name) && event.preventDefault());
  fetch("http://127.0.0.1:1/");
  await fetch("http://127.0.0.1:1/").catch(() => {});
  while (!unhandled.length) await new Promise((done) => setTimeout(done, 10));
  return [
    functions.map((f) => [f.name, f.length, String(f), same.call(f), theirs.call(f), Object.getOwnPropertyNames(f).sort().join(),
      f.prototype === undefined || f.prototype.constructor === f, typeof f.prototype]),
    errors,
    unhandled,
    [localStorage.setItem === Storage.prototype.setItem, localStorage.constructor === Storage, same.call(frame.contentWindow.fetch),
      ReadableStream.prototype.values === ReadableStream.prototype[Symbol.asyncIterator]],
  ];
}"""
"""What a page can look at to find out whether a function is the browser's own, and what its own mistakes bring."""

CUTS = """async () => {
  const over = async (path, stop) => stop((await fetch("/endless?" + path)));
  const broken = {write() { throw new Error("broken"); }};
  await over("reader", async (reply) => { const reader = reply.body.getReader(); await reader.read(); await reader.cancel(); });
  await over("tee", async (reply) => Promise.all(reply.body.tee().map((branch) => branch.cancel())));
  await over("clone", async (reply) => { const copy = reply.clone(); await Promise.all([reply.body.cancel(), copy.body.cancel()]); });
  await over("pipe", async (reply) => reply.body.pipeTo(new WritableStream(broken)).catch(() => {}));
  await over("through", async (reply) => {
    const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
    await reader.read();
    await reader.cancel();
  });
  await over("iterator", async (reply) => { for await (const chunk of reply.body) break; });
}"""
"""Ways in which a page may stop reading a reply that goes on and on."""


WORKER = b"fetch('/endless?worker').then((reply) => postMessage(reply.status))"
END_WORKER = """async () => {
  const worker = new Worker("/worker.js");
  await new Promise((done) => worker.addEventListener("message", done));
  worker.terminate();
}"""
"""The page ends its worker with the reply: the worker cannot report how its request ended."""


@pytest.fixture(scope="module")
def runs(
    playwright: Playwright,
    own_browser: Browser,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> dict[str, LabRun]:
    return record_pages(
        playwright, own_browser, tmp_path_factory.mktemp("in_page"), names=selected(request), wire="in-page"
    )


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", NAMES)
def test_a_healthy_page_passes_or_names_what_was_not_seen(name: str, runs: dict[str, LabRun]) -> None:
    run, received = runs[name]
    assert failed(run) == set()
    if name in NOT_SEEN:
        assert any(NOT_SEEN[name] in problem for problem in run.problems["what"])
        assert not run.messages["sent_seen"].any()
        return
    assert not run.partial, run.partial_reasons
    assert run.messages["sent"].nunique() == len(set(received)) == CHATS
    assert (run.messages["label_provider"] == run.messages["reply_provider"]).all()


def test_a_page_cannot_notice_that_it_is_watched(own_browser: Browser) -> None:
    context = own_browser.new_context()
    try:
        pages = [
            context.new_page(),
            *(watched_page(context, in_page=wanted).page for wanted in (False, True)),
        ]
        for page in pages:
            page.route("http://lab.test/", lambda route: route.fulfill(body="<p>", content_type="text/html"))
            page.goto("http://lab.test/")
        plain, *watched = [page.evaluate(LOOKS) for page in pages]
        assert watched == [plain, plain]
    finally:
        context.close()


class Endless(BaseHTTPRequestHandler):
    """Replies that end when nobody reads them any more; ``over`` has those that did."""

    over: ClassVar[set[str]] = set()
    all_over: ClassVar[Event] = Event()

    def do_GET(self) -> None:
        self.send_response(200)
        is_script = self.path == "/worker.js"
        self.send_header("Content-Type", "text/javascript" if is_script else "text/html")
        self.end_headers()
        if not self.path.startswith("/endless"):
            self.wfile.write(WORKER if is_script else b"<p>")
            return
        try:
            while True:
                self.wfile.write(b"x" * 64)
                sleep(0.01)
        except OSError:
            self.over.add(self.path.partition("?")[2])
            if len(self.over) == CUTS.count("over(") + 1:
                self.all_over.set()

    def log_message(self, *_: Any) -> None:
        """Nobody reads it."""


@pytest.mark.long
def test_a_page_that_stops_reading_stops_its_backend(own_browser: Browser) -> None:
    """The source reads replies too: it must not keep one going that the page has given up."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Endless)
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    context = own_browser.new_context()
    try:
        seen: list[dict[str, Any]] = []
        page = watched_page(context, in_page=True, seen=seen).page
        page.goto(f"http://127.0.0.1:{server.server_port}/")
        page.evaluate(CUTS)
        page.evaluate(END_WORKER)
        deadline = monotonic() + 10
        while not any(record.get("error") == "the worker has ended" for record in seen):
            assert monotonic() < deadline
            page.evaluate("() => new Promise(requestAnimationFrame)")
        assert Endless.all_over.wait(20), Endless.over
    finally:
        context.close()
        server.shutdown()
        server.server_close()
