"""What a lane's browser context is given, what the script in its page is given, and how dialogs are answered."""

from __future__ import annotations

from functools import partialmethod
from types import SimpleNamespace
from typing import Any

import pytest
from playwright.sync_api import Error

from e2e.capture.code.stacks import OWN_SCRIPT
from e2e.capture.lane import window as module
from e2e.capture.lane.window import Window
from e2e.capture.network.sources import IN_PAGE
from e2e.errors import HarnessError
from e2e.profile.profile import Profile, load


def profile(**parts: dict[str, Any]) -> Profile:
    known = load("reference").model_dump(by_alias=True, exclude_none=True)
    for part, keys in parts.items():
        known[part] = {k: v for k, v in {**known.get(part, {}), **keys}.items() if v is not None}
    return Profile.model_validate(known)


class Opened:
    """A window, and what its context was made of."""

    def __init__(
        self,
        of: Profile,
        *,
        lane: int = 0,
        args: Any = None,
        changes: Any = None,
        fails: Exception | None = None,
    ) -> None:
        self.made: dict[str, Any] = {}
        self.watched = 0

        def new_context(**args: Any) -> Any:
            if fails is not None:
                raise fails
            self.made = args
            return SimpleNamespace(close=lambda: self.made.setdefault("closed", True))

        def watch() -> Any:
            self.watched += 1
            return lambda: "gone"

        self.run: Any = SimpleNamespace(
            profile=of, browser=SimpleNamespace(new_context=new_context), context_args=args or {}, open_contexts=[],
            network_service=SimpleNamespace(watch=watch), wire="cdp", full=True, wraps_workers=False, traceparent=None, rules=(),
        )  # fmt: skip
        self.chats = SimpleNamespace(lost_sight=None)
        recorder: Any = SimpleNamespace(chats=self.chats)
        run: Any = self.run
        self.window = Window(run, recorder, lane, changes)


class TestContext:
    def test_what_every_context_has(self) -> None:
        one = Opened(profile(where={"viewport": [800, 600], "locale": "de-DE", "timezone": "UTC"}))
        assert one.made == {
            "viewport": {"width": 800, "height": 600}, "reduced_motion": "reduce", "locale": "de-DE", "timezone_id": "UTC",
        }  # fmt: skip
        assert one.run.open_contexts == [one.window.context]
        assert (one.watched, one.chats.lost_sight()) == (1, "gone")

    def test_what_the_profile_asks_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SECRET", "s3cret")
        where = {
            "headers": {"X-A": "${SECRET}"}, "user_agent": "an agent", "permissions": ["clipboard-read"],
            "ignore_https_errors": True, "http_credentials": {"username": "anna", "password": "${SECRET}"},
        }  # fmt: skip
        made = Opened(profile(where=where)).made
        assert made["extra_http_headers"] == {"X-A": "s3cret"}
        assert (made["user_agent"], made["permissions"], made["ignore_https_errors"]) == (
            "an agent",
            ["clipboard-read"],
            True,
        )
        assert made["http_credentials"] == {"username": "anna", "password": "s3cret"}

    def test_arguments_of_the_run_come_before_and_an_experiments_before_all(self) -> None:
        of = profile(where={"user_agent": "a profile", "locale": "de-DE"})
        made = Opened(
            of, args={"user_agent": "a device", "locale": "fr"}, changes={"user_agent": "an experiment"}
        ).made
        assert (made["user_agent"], made["locale"]) == ("an experiment", "fr")

    def test_a_saved_login_that_cannot_be_used_is_named(self) -> None:
        for error in (OSError("no such file"), ValueError("no JSON")):
            with pytest.raises(HarnessError) as raised:
                Opened(load("reference"), fails=error)
            assert raised.value.what == f"the saved login cannot be used: {error}"
            assert (raised.value.where, raised.value.hint) == (
                "login of the profile",
                "`make login TARGET=…`",
            )

    def test_closing_lets_go_first_and_once(self) -> None:
        one = Opened(load("reference"))
        order: list[str] = []
        one.window._closing.append(lambda: order.append("let go"))
        one.window.close()
        assert (order, one.made["closed"], one.run.open_contexts) == (["let go"], True, [])

        def gone() -> None:
            raise Error("closed")

        one.window._closing[:] = [gone]
        one.window.close()


class TestUsers:
    ACCOUNTS = ({"storage_state": "a.json"}, {"storage_state": "b.json"})

    def state(self, login: dict[str, Any] | None, lane: int) -> str | None:
        of = load("reference") if login is None else profile(login=login)
        found: str | None = Opened(of, lane=lane).made.get("storage_state")
        return found and found.rsplit("/", 1)[-1]

    def test_lanes_take_the_accounts_in_turn(self) -> None:
        login = {"accounts": list(self.ACCOUNTS)}
        assert [self.state(login, lane) for lane in range(3)] == ["a.json", "b.json", "a.json"]

    def test_a_single_state_serves_all(self) -> None:
        assert [self.state({"storage_state": "one.json"}, lane) for lane in range(2)] == ["one.json"] * 2
        assert self.state(None, 0) is None


class TestScript:
    def config(self, **parts: dict[str, Any]) -> dict[str, Any]:
        signals: Any = SimpleNamespace(config=lambda: {"name": "n"})
        return dict(Opened(profile(**parts)).window._config(signals))

    def test_where_the_session_is(self) -> None:
        found = self.config(session={"store": "localStorage", "key": "chat", "id": None})
        assert (found["name"], found["store"], found["key"], found["keyPart"]) == (
            "n",
            "localStorage",
            "chat",
            None,
        )
        assert (found["database"], found["objectStore"], found["depth"]) == (None, None, 0)
        assert (found["full"], found["workers"]) == (True, False)
        wire = load("reference").wire
        assert len(found["urls"]) == sum(rule.direction == "sent" for rule in wire)
        assert len(found["replies"]) == len(wire)

    def test_a_key_that_differs_by_chat_and_an_address(self) -> None:
        found = self.config(
            session={"store": "localStorage", "key": None, "key_pattern": "^chat:", "id": None}
        )
        assert (found["key"], found["keyPart"]) == (None, "chat:")
        address = self.config(session={"store": "url", "key": None, "id": None, "regex": "/c/(.+)"})
        assert (address["store"], address["key"]) == ("url", "address")

    @pytest.mark.parametrize(
        ("session", "pattern"),
        [
            ({"store": "cookie", "key": "s.id", "id": None}, "^s\\.id$"),
            ({"store": "cookie", "key": None, "key_pattern": "^s", "id": None}, "^s"),
            ({"store": "localStorage", "key": "s", "id": None}, None),
        ],
    )
    def test_cookies_that_servers_set(self, session: dict[str, Any], pattern: str | None) -> None:
        found = module._cookie_names(profile(session=session))
        assert (found is None) is (pattern is None)
        if found is not None:
            assert bool(found.search("s.id"))
            assert bool(found.search("sXid")) is (pattern == "^s")


class TestDialogs:
    @pytest.mark.parametrize("answer", ["accept", "dismiss"])
    def test_they_are_answered_as_the_profile_says(self, answer: str) -> None:
        called: list[str] = []
        dialog: Any = SimpleNamespace(
            accept=lambda: called.append("accept"), dismiss=lambda: called.append("dismiss")
        )
        Opened(profile(where={"dialogs": answer})).window._answer(dialog)
        assert called == [answer]

    def test_a_page_that_went_away_needs_no_answer(self) -> None:
        def gone() -> None:
            raise Error("closed")

        dialog: Any = SimpleNamespace(accept=gone, dismiss=gone)
        Opened(load("reference")).window._answer(dialog)


@pytest.mark.parametrize(
    ("ready", "current", "sockets", "expected"),
    [
        ({"stored": True}, "s-1", {}, True),
        ({"stored": True}, None, {"1": "ws://a/ws"}, False),
        ({"socket": "ws"}, None, {"1": "ws://a/ws"}, True),
        ({"socket": "ws"}, "s-1", {"1": "ws://a/other"}, False),
        ({"socket": "else"}, None, {"1": "ws://a/ws"}, False),
    ],
)
def test_a_page_may_be_ready_without_an_element(
    ready: dict[str, Any], current: str | None, sockets: dict[str, str], expected: bool
) -> None:
    known: dict[str, Any] = {"stored": False, "socket": None}
    of: Any = SimpleNamespace(where=SimpleNamespace(ready=SimpleNamespace(**known | ready)))
    recorder: Any = SimpleNamespace(store=SimpleNamespace(current=current))
    rule = SimpleNamespace(name="ws", names_url=lambda url: url.endswith("/ws"))
    wire: Any = SimpleNamespace(exchanges=SimpleNamespace(rules=(rule,)), sockets=sockets)
    assert module._is_ready(of, recorder, wire) is expected


def test_a_trace_context_is_that_of_the_chat_under_way() -> None:
    one = Opened(load("reference"))
    chat = SimpleNamespace(number=4)
    recorder: Any = SimpleNamespace(lane=2, chat=None)
    assert one.window._trace_context(recorder) is None
    one.run.traceparent = lambda lane, number: f"{lane}-{number}"
    found = one.window._trace_context(recorder)
    assert found is not None
    assert found._value() is None
    recorder.chat = chat
    assert found._value() == "2-4"


class TestTab:
    """One page of the context: what listens to it, what runs in it, and what the lane gets to act with."""

    def opened(self, monkeypatch: pytest.MonkeyPatch, of: Profile | None = None, **run: Any) -> Any:
        scripts: list[Any] = []
        monkeypatch.setattr(
            module, "recorder_script", lambda config, name, *, in_page: (dict(config), name, in_page)
        )
        one = Opened(of or profile())
        page = SimpleNamespace(
            listeners={},
            add_init_script=scripts.append,
            close=lambda: "closed",
            url="http://a/",
            viewport_size=None,
        )
        page.on = page.listeners.__setitem__
        one.window.context = SimpleNamespace(new_page=lambda: page)  # type: ignore[assignment]
        crashed: list[str] = []
        known = {
            "waiter": SimpleNamespace(guarded=lambda handler: handler, calls="calls"), "crashed": crashed.append, "wire": "cdp",
            "url": "http://a/", "backend": "a backend", "pace": "a pace", "habits": "habits",
        }  # fmt: skip
        vars(one.run).update(known | run)
        watched: list[Any] = []

        def watch(self: Any, page: Any, recorder: Any, signals: Any, watching: Any, *, name: str) -> str:
            watched.append((name, watching))
            return "wire"

        for name in ("_watched_in_page", "_watched_by_protocol"):
            monkeypatch.setattr(Window, name, partialmethod(watch, name=name))
        return one, page, scripts, crashed, watched

    @pytest.mark.parametrize(
        ("wire", "how", "in_page"),
        [("cdp", "_watched_by_protocol", False), (IN_PAGE, "_watched_in_page", True)],
    )
    def test_the_page_is_watched_by_the_source_of_the_run(
        self, monkeypatch: pytest.MonkeyPatch, wire: str, how: str, in_page: bool
    ) -> None:
        where = {"blocked_hosts": ["ads.example"], "frame": ["#a", "#b"]}
        signs = [
            {"kind": "captcha", "status": [403]},
            {"kind": "login-wall", "url": "/login"},
            {"kind": "rate-limited", "answer": "code"},
        ]
        of = Profile.model_validate(
            profile(where=where).model_dump(by_alias=True, exclude_none=True) | {"blocked": signs}
        )
        one, page, scripts, crashed, watched = self.opened(monkeypatch, of, wire=wire)
        one.window._recorder.chats.traffic = "traffic"
        context = one.window.open()
        ((name, watching),) = watched
        assert name == how
        assert [refusal.kind for refusal in watching.pop("refusals")] == ["captcha", "rate-limited"]
        assert watching == {
            "reading": True, "cookies": None, "blocked_hosts": ("ads.example",), "frame_depth": 2, "traffic": "traffic",
        }  # fmt: skip
        ((config, script, found),) = scripts
        assert (config["store"], script, found) == ("localStorage", OWN_SCRIPT, in_page)
        assert (context.wire, context.backend, context.pace, context.habits) == (
            "wire",
            "a backend",
            "a pace",
            "habits",
        )
        assert one.window.page is context.page
        page.listeners["crash"](None)
        assert crashed == ["the page of lane 0 crashed"]
        page.listeners["dialog"](SimpleNamespace(accept=lambda: None, dismiss=lambda: None))
        assert one.window.dialogs == 1

    @pytest.mark.parametrize(
        ("full", "policy", "session", "rotates"),
        [
            (True, {"rotation": "on_click"}, {}, True),
            (False, {"rotation": "on_click"}, {}, False),
            (True, {"rotation": "on_first_reply"}, {}, False),
            (True, {"rotation": "on_click"}, {"store": "none", "key": None, "id": None}, False),
        ],
    )
    def test_a_rotation_is_waited_for_where_new_chat_is_to_write_one(
        self,
        monkeypatch: pytest.MonkeyPatch,
        full: bool,
        policy: dict[str, Any],
        session: dict[str, Any],
        rotates: bool,
    ) -> None:
        one, page, *_ = self.opened(monkeypatch, profile(policy=policy, session=session), full=full)
        one.window._recorder.chats.traffic = None
        context = one.window.open()
        assert (context.waits_for_rotation, context.watches) == (rotates, full)
        assert ("pageerror" in page.listeners) is full

    @pytest.mark.parametrize(("args", "touch"), [({}, False), ({"has_touch": True}, True)])
    def test_a_phone_is_touched(
        self, monkeypatch: pytest.MonkeyPatch, args: dict[str, Any], touch: bool
    ) -> None:
        one, *_ = self.opened(monkeypatch, context_args=args)
        one.window._recorder.chats.traffic = None
        assert one.window.open().page.touch is touch

    def test_another_tab_has_a_recorder_beside_the_first_and_is_closed_alone(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        one, *_ = self.opened(monkeypatch)
        beside = SimpleNamespace(chats=SimpleNamespace(traffic=None), place="lane 0, tab 1")
        one.window._recorder.chats.traffic = None
        one.window._recorder.beside = lambda: beside
        other = one.window.open().open_tab()
        assert other.recorder is beside
        assert other.close() == "closed"

    def test_a_problem_of_a_chat_is_reported_with_its_place(self, monkeypatch: pytest.MonkeyPatch) -> None:
        raised: list[Any] = []
        one, *_ = self.opened(monkeypatch, problem=lambda error, place: raised.append((error, place)))
        one.window._recorder.chats.traffic = None
        one.window._recorder.place = "lane 0, chat 1"
        one.window.open().rejected("an error")
        assert raised == [("an error", "lane 0, chat 1")]


@pytest.mark.parametrize(
    ("kind", "bound"), [("page", True), ("iframe", True), ("worker", False), ("service_worker", False)]
)
@pytest.mark.parametrize("traced", [False, True])
def test_pages_and_frames_report_through_a_binding_and_every_target_gets_the_trace(
    monkeypatch: pytest.MonkeyPatch, kind: str, bound: bool, traced: bool
) -> None:
    prepared: list[Any] = []

    class Target:
        def __init__(self, *_: Any) -> None:
            self.kind, self.handlers, self.commands = kind, {}, []  # type: ignore[var-annotated]
            made.append(self)

        def on(self, event: str, handler: Any) -> None:
            self.handlers[event] = handler

        def ask(self, method: str, params: Any = None) -> None:
            self.commands.append((method, params))

    made: list[Target] = []
    traces = SimpleNamespace(
        by_protocol=lambda channel, document, guard: prepared.append((channel, document(), guard))
    )
    monkeypatch.setattr(module, "PageChannel", Target)
    monkeypatch.setattr(module, "CdpWire", lambda *args, **more: more)
    monkeypatch.setattr(Window, "_watch_shared_workers", lambda self, wire: None)
    monkeypatch.setattr(Window, "_trace_context", lambda self, recorder: traces if traced else None)
    one = Opened(load("reference"))
    one.run.waiter = SimpleNamespace(guarded=lambda handler: handler)
    one.window.context = SimpleNamespace(new_cdp_session=lambda page: "session")  # type: ignore[assignment]
    got: list[Any] = []
    recorder: Any = SimpleNamespace(on_signals=got.append)
    signals: Any = SimpleNamespace(binding="report", read=lambda payload: [payload])
    page: Any = SimpleNamespace(url="http://a/")
    wire: Any = one.window._watched_by_protocol(page, recorder, signals, {"reading": True})
    assert (wire["page"], wire["reading"]) == (page, True)
    (target,) = made
    assert ("Runtime.addBinding", {"name": "report"}) in target.commands or not bound
    assert [name for name, _ in target.commands] == (
        ["Runtime.enable", "Runtime.addBinding"] if bound else []
    )
    if bound:
        for name in ("report", "of the page"):
            target.handlers["Runtime.bindingCalled"]({"name": name, "payload": "a record"})
        assert got == [["a record"]]
    assert [(channel, url) for channel, url, _ in prepared] == ([(target, "http://a/")] if traced else [])
