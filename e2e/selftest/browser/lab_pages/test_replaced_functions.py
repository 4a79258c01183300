"""What a page replaces, or calls of Playwright's, does not keep the suite's scripts from reporting what is true."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Route

from e2e.selftest.browser.lab_pages.watched import Watched, watched_page

PAGE = "<button>New chat</button><input>"
URL = "http://lab.test/"

REPLACE = """() => {
  const {defineProperty} = Object;
  const own = {fetch, XMLHttpRequest, Promise, WebSocket: globalThis.WebSocket, then: Promise.prototype.then,
    text: Response.prototype.text, open: XMLHttpRequest.prototype.open, send: XMLHttpRequest.prototype.send, apply: Reflect.apply};
  globalThis.own = own;
  const refuse = () => { throw new TypeError("not here"); };
  const put = (owner, name, value) => { try { defineProperty(owner, name, {value, configurable: true, writable: true}); } catch {} };
  const each = (owner, value, ...names) => { for (let i = 0; i < names.length; i++) put(owner, names[i], value); };
  each(Map.prototype, refuse, "get", "set", "has", "delete");
  each(WeakMap.prototype, () => undefined, "get", "set", "has", "delete");
  each(Set.prototype, refuse, "add", "has", "delete", "forEach");
  each(String.prototype, () => "forged", "slice", "split", "indexOf", "trim", "toLowerCase", "toUpperCase", "charCodeAt");
  each(RegExp.prototype, () => null, "test", "exec");
  each(Object, refuse, "keys", "entries", "fromEntries", "defineProperty", "getPrototypeOf");
  put(Promise.prototype, "constructor", refuse);
  each(String, () => "x", "fromCharCode");
  each(JSON, () => "[]", "stringify", "parse");
  const hide = (owner, ...names) => {
    for (const name of names) defineProperty(owner, name, {configurable: true, get: refuse});
  };
  hide(Response.prototype, "status", "headers", "body", "url", "type");
  hide(XMLHttpRequest.prototype, "status", "responseURL", "readyState", "responseText");
  each(Response.prototype, refuse, "clone", "arrayBuffer");
  each(Headers.prototype, refuse, "get", "forEach");
  each(ReadableStream.prototype, refuse, "getReader");
  each(ReadableStreamDefaultReader.prototype, refuse, "read");
  each(XMLHttpRequest.prototype, () => "", "getAllResponseHeaders");
  each(globalThis, refuse, "btoa", "queueMicrotask", "URL", "Blob", "Headers", "Request", "Response", "TextEncoder", "URLSearchParams");
  each(Function.prototype, refuse, "call", "apply", "bind");
  each(Array.prototype, refuse, "push", "map", "filter", "forEach", "join", "slice", "includes", "indexOf", "some", "find");
  put(Array.prototype, Symbol.iterator, refuse);
  each(Reflect, refuse, "apply", "construct", "get", "set", "ownKeys", "defineProperty");
}"""
"""What it takes for its own requests, it takes before; Playwright's own code in the page is not asked for anything afterwards."""

ASK = """
  document.querySelector("button").addEventListener("click", () => {
    (0, own.fetch)("/api/chat", {method: "POST", body: '{"session":"a"}', headers: {"content-type": "application/json"}});
    const xhr = new own.XMLHttpRequest();
    xhr.open("POST", "/api/xhr");
    xhr.send('{"session":"b"}');
  }, {once: true});
"""


@pytest.fixture
def watched(own_browser: Browser, request: pytest.FixtureRequest) -> Iterator[Watched]:
    context = own_browser.new_context()
    try:
        found = watched_page(context, in_page=request.param)

        def answer(route: Route) -> None:
            api = "/api/" in route.request.url
            kind = "application/json" if api else "text/html"
            sandbox = "sandbox allow-scripts" if "sandboxed" in route.request.url else ""
            headers = {"content-type": kind, "content-security-policy": sandbox}
            route.fulfill(body='{"reply": "hello"}' if api else PAGE, headers=headers)

        context.route(f"{URL}**", answer)
        found.page.goto(URL)
        yield found
    finally:
        context.close()


both = pytest.mark.parametrize("watched", [False, True], indirect=True, ids=["cdp", "in-page"])
in_page = pytest.mark.parametrize("watched", [True], indirect=True, ids=["in-page"])


@in_page
def test_requests_and_replies_are_reported_by_the_browsers_own_functions(watched: Watched) -> None:
    page = watched.page
    page.evaluate(f"(() => {{ ({REPLACE})(); {ASK} }})()")
    with page.expect_response("**/api/chat"), page.expect_response("**/api/xhr"):
        page.mouse.click(20, 15)
    watched.until(lambda: len(watched.reported("wire", "finished")) == 2)
    requests = watched.reported("wire", "request")
    assert {(one["kind"], one["method"], one["text"]) for one in requests} == {
        ("Fetch", "POST", '{"session":"a"}'),
        ("XHR", "POST", '{"session":"b"}'),
    }
    assert {one["url"] for one in requests} == {f"{URL}api/chat", f"{URL}api/xhr"}
    assert {one["status"] for one in watched.reported("wire", "response")} == {200}
    assert {one["bytes"] for one in watched.reported("wire", "data")} == {"eyJyZXBseSI6ICJoZWxsbyJ9"}
    assert len(watched.reported("wire", "finished")) == 2
    assert [one["hits"] for one in watched.reported("click")] == [[]]


@in_page
def test_a_page_cannot_end_playwrights_driver(watched: Watched) -> None:
    """Nor can a frame or a popup of it: only what is a call of Playwright's reaches the driver."""
    page = watched.page
    assert page.evaluate("typeof __playwright__binding__") == "undefined"
    broken = """() => {
      const frame = document.body.appendChild(document.createElement("iframe"));
      const popup = window.open("about:blank");
      for (const window of [globalThis, frame.contentWindow, popup]) {
        for (const text of ["{", "null", "7", "[]", "{}", "", '{"name": 1}', undefined, {}]) {
          try { window.__playwright__binding__(text); } catch {}
        }
      }
      return typeof popup.__playwright__binding__;
    }"""
    with page.expect_popup():
        assert page.evaluate(broken) == "function"
    page.evaluate("fetch('/api/chat', {method: 'POST', body: 'later'}).then((reply) => reply.text())")
    assert [one["text"] for one in watched.reported("wire", "request")] == ["later"]


@both
def test_a_page_that_writes_its_document_anew_is_listened_to_as_before(watched: Watched) -> None:
    """`document.open` takes all listeners from the window."""
    page = watched.page
    page.evaluate(f"() => {{ document.open(); document.write('{PAGE}<p>new</p>'); document.close(); }}")
    page.locator("button").evaluate(
        "(button, [name, secret]) => globalThis[name](secret, 'mark', 'new_chat', button)",
        [watched.signals.name, watched.signals.secret],
    )
    page.click("button")
    page.evaluate("localStorage.sid = 'written'")
    assert [one["hits"] for one in watched.reported("click")] == [["new_chat"]]
    assert [one["value"] for one in watched.reported("storage")] == ["written"]


@both
def test_the_store_of_a_page_that_has_one_of_its_own_is_not_known(watched: Watched) -> None:
    own = "{value: {getItem: () => 'x', setItem() {}}, configurable: true}"
    watched.page.evaluate("localStorage.setItem('other', '1')")
    assert watched.verb("stored") == {}
    watched.page.evaluate(f"Object.defineProperty(window, 'localStorage', {own})")
    assert watched.verb("stored") is None


@both
def test_the_store_of_a_page_whose_storage_refuses_is_not_known(watched: Watched) -> None:
    refuse = "() => { throw new DOMException('denied', 'SecurityError'); }"
    watched.page.evaluate(f"() => {{ Storage.prototype.setItem = Storage.prototype.getItem = {refuse} }}")
    assert watched.verb("stored") is None


@both
def test_a_page_that_wraps_set_item_writes_to_the_browsers_store(watched: Watched) -> None:
    watched.page.evaluate("""() => {
      const {setItem} = Storage.prototype;
      Storage.prototype.setItem = function (...args) { return setItem.apply(this, args); };
    }""")
    assert watched.verb("stored") == {}
    watched.page.evaluate("localStorage.setItem('sid', 'wrapped')")
    assert watched.verb("stored") == {"sid": "wrapped"}
    watched.page.evaluate("Object.defineProperty(window, 'localStorage', {value: null})")
    assert watched.verb("stored") == {"sid": "wrapped"}


@both
def test_a_pages_address_is_made_a_text_once(watched: Watched) -> None:
    """An address may count how often it is used: the request goes where the page meant it to go."""
    page = watched.page
    counts = page.evaluate("""async () => {
      let count = 0;
      const address = {toString: () => `/api/chat?n=${++count}`};
      const after = [];
      await (await fetch(address, {method: "POST", body: "a"})).text();
      after.push(count);
      const xhr = new XMLHttpRequest();
      xhr.open("POST", address);
      await new Promise((done) => { xhr.onload = done; xhr.send("b"); });
      after.push(count);
      navigator.sendBeacon(address, "c");
      after.push(count);
      return after;
    }""")
    assert counts == [1, 2, 3]
    page.evaluate("() => new Promise(requestAnimationFrame)")
    assert [one["url"] for one in watched.reported("send")] == [f"{URL}api/chat?n={n}" for n in (1, 2, 3)]


@both
def test_what_a_page_computes_for_a_request_is_computed_once(watched: Watched) -> None:
    page = watched.page
    counts = page.evaluate("""async () => {
      const counts = {body: 0, headers: 0};
      const init = {
        method: "POST",
        get body() { return `${++counts.body}`; },
        get headers() { counts.headers += 1; return {"x-count": `${counts.headers}`}; },
      };
      await (await fetch("/api/chat", init)).text();
      return counts;
    }""")
    assert counts == {"body": 1, "headers": 1}


@both
def test_the_store_at_a_request_of_an_empty_frame_is_known(watched: Watched) -> None:
    """Its own address is no base for a relative one: the browser takes that of the page around it."""
    watched.page.evaluate("""async () => {
      localStorage.setItem("sid", "of the page");
      const frame = document.body.appendChild(document.createElement("iframe"));
      await (await frame.contentWindow.fetch("/api/chat", {method: "POST", body: "a"})).text();
    }""")
    watched.until(lambda: bool(watched.reported("send")))
    assert [(one["url"], one["stored"]) for one in watched.reported("send")] == [
        (f"{URL}api/chat", {"sid": "of the page"})
    ]


@both
def test_a_write_by_another_frames_functions_is_read_from_the_store(watched: Watched) -> None:
    watched.page.evaluate("""() => {
      const frame = document.body.appendChild(document.createElement("iframe"));
      const theirs = frame.contentWindow.Storage.prototype;
      for (const name of ["getItem", "setItem"]) {
        Storage.prototype[name] = function (...args) { return theirs[name].apply(this, args); };
      }
    }""")
    assert watched.verb("stored") is None
    watched.page.evaluate("localStorage.setItem('sid', 'theirs')")
    assert watched.verb("stored") == {"sid": "theirs"}


@in_page
def test_requests_of_a_sandboxed_page_are_reported_without_its_cookies(watched: Watched) -> None:
    """It has no storage, and an error where it looks at its cookies."""
    page = watched.page
    page.goto(f"{URL}sandboxed")
    page.evaluate(
        "fetch('/api/chat', {method: 'POST', body: 'a'}).then((reply) => reply.text()).catch(() => {})"
    )
    watched.until(lambda: bool(watched.reported("wire", "request")))
    assert [(one["text"], one["cookie"]) for one in watched.reported("wire", "request")] == [("a", None)]
    assert watched.verb("stored") is None
