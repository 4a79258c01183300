"""Where the IDs are that no rule and no store has shown: what is looked for, in which order, and how it is reported."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from playwright.sync_api import Error

from e2e.capture.network.bodies.encodings import body_of, lost
from e2e.capture.network.traffic import Seen, Traffic
from e2e.capture.run import misplaced_ids
from e2e.capture.session_ids.redaction import Redactor
from e2e.profile.profile import Profile, load

ID, OTHER = "session_1763860060000_k3j9x0a1b", "session_1763860060000_zzzzzzzzz"
CHAT = "http://127.0.0.1:8765/api/chat"
JSON = {"Content-Type": "application/json"}


def profile(**session: Any) -> Profile:
    known = load("reference").model_dump(by_alias=True, exclude_none=True)
    known["session"] = {"store": "localStorage", "key": "chat_session"} | session
    if session.get("store") == "none":
        known["session"] = {"store": "none"}
    return Profile.model_validate(known)


PROFILE = profile()
RULE = PROFILE.wire[0].name


class Lane:
    """A lane at its end: what it stored, sent, and shows."""

    def __init__(
        self, *traffic: Seen, stored: tuple[str, ...] = (ID,), sent: tuple[str, ...] = (), found: bool = False,
        address: str = "", cookies: Any = (),
    ) -> None:  # fmt: skip
        self.reported: list[tuple[str, dict[str, Any]]] = []
        seen = Traffic()
        for one in traffic:
            seen.add(one)
        self.frames: list[Any] = []

        def cookies_of() -> Any:
            if isinstance(cookies, Exception):
                raise cookies
            return list(cookies)

        self.window: Any = SimpleNamespace(
            context=SimpleNamespace(cookies=cookies_of), page=SimpleNamespace(page=SimpleNamespace(url=address, frames=self.frames))
        )  # fmt: skip
        self.recorder = SimpleNamespace(
            store=SimpleNamespace(minted=[(float(n), raw) for n, raw in enumerate(stored)]), sent_ids=list(sent),
            chats=SimpleNamespace(found={RULE: found}, traffic=seen), note=lambda kind, **data: self.reported.append((kind, data)),
        )  # fmt: skip


def looked(*lanes: Lane, of: Profile = PROFILE) -> list[tuple[str, str, str]]:
    every: Any = lanes
    return [(e.what, e.where, e.hint) for e in misplaced_ids.look(of, every, Redactor(key="k"))]


def sent(value: str, url: str = CHAT, method: str = "POST", **headers: str) -> Seen:
    return Seen(method, url, {**JSON, **headers}, body_of(value, JSON))


class TestTraffic:
    def test_an_id_elsewhere_in_the_chats_own_request(self) -> None:
        lane = Lane(sent(f'{{"meta": {{"sid": "{ID}"}}}}'))
        ((what, where, hint),) = looked(lane)
        assert what.startswith("the session ID is in ")
        assert what.endswith(f", the profile says {misplaced_ids._places(PROFILE.wire[0])}")
        assert "meta.sid" in what
        assert where == f"[[wire]] {RULE}: session"
        assert hint.startswith("session = ")
        assert "meta.sid" in hint
        ((kind, data),) = lane.reported
        assert (kind, data["layer"], data["rule"], data["searched"], data["unread"]) == (
            "sighting",
            "sent",
            RULE,
            1,
            0,
        )
        assert (ID in data["session"], data["session"] != "", data["place"] != "") == (False, True, True)

    def test_an_id_in_another_request_is_named_with_what_to_do(self) -> None:
        lane = Lane(sent("{}"), sent(f'{{"sid": "{ID}"}}', url="http://127.0.0.1:8765/api/else?token=x"))
        ((what, _, hint),) = looked(lane)
        assert " of http://127.0.0.1:8765/api/else" in what
        assert "token" not in what
        assert hint.endswith("; in a rule that names that request, where it carries the chat's messages")
        assert lane.reported[0][1]["url"] == "http://127.0.0.1:8765/api/else"

    def test_its_own_request_comes_before_others(self) -> None:
        lane = Lane(sent(f'{{"a": "{ID}"}}', url="http://127.0.0.1:8765/x"), sent(f'{{"b": "{ID}"}}'))
        ((what, _, _),) = looked(lane)
        assert " of " not in what.partition(", the profile")[0]

    def test_a_cookie_that_the_browser_adds(self) -> None:
        lane = Lane(sent("{}"), cookies=[{"name": "Theme", "value": "dark"}, {"name": "Sid", "value": ID}])
        ((what, _, hint),) = looked(lane)
        assert what.startswith("the session ID is in cookie Sid, the profile says")
        assert hint == 'session = { cookie = "Sid" }'

    def test_the_pages_address(self) -> None:
        ((what, _, hint),) = looked(Lane(sent("{}"), address=f"http://127.0.0.1:8765/c/{ID}"))
        assert what.startswith("the session ID is in the page's address (")
        assert hint.startswith("session = { page =")

    @pytest.mark.parametrize(
        ("body", "unread"),
        [(None, 1), (lost("gone"), 1), (body_of(b"\xff\xfe\x00", {}), 1), (body_of("{}", JSON), 0)],
    )
    def test_one_that_is_nowhere_is_reported_with_what_could_not_be_read(
        self, body: Any, unread: int
    ) -> None:
        lane = Lane(Seen("POST", CHAT, JSON, body), stored=(OTHER, ID))
        assert looked(lane) == []
        ((_, data),) = lane.reported
        assert (data["place"], data["url"], data["form"], data["searched"], data["unread"]) == (
            "",
            "",
            "",
            1,
            unread,
        )

    def test_the_newest_twelve_are_looked_for(self) -> None:
        names = [f"session_{n:013}_abcdefghi" for n in range(14)]
        every: Any = Lane(stored=(*names, names[0]))
        assert misplaced_ids._stored(every) == [names[0], *reversed(names[3:])]

    def test_a_rule_that_found_ids_in_any_lane_is_right(self) -> None:
        wrong = Lane(sent(f'{{"sid": "{ID}"}}'))
        assert looked(wrong, Lane(found=True)) == []
        assert wrong.reported == []
        assert len(looked(wrong, Lane(sent(f'{{"sid": "{ID}"}}')))) == 2

    def test_with_nothing_stored_nothing_is_looked_for(self) -> None:
        assert looked(Lane(sent(f'{{"sid": "{ID}"}}'), stored=())) == []
        assert looked(Lane(sent(f'{{"sid": "{ID}"}}')), of=profile(store="none")) == []

    def test_a_browser_that_is_gone_has_no_cookies(self) -> None:
        lane = Lane(sent("{}"), cookies=Error("closed"))
        assert looked(lane) == []
        lane.window = None
        assert looked(lane) == []


class TestStores:
    def frame(self, **stores: dict[str, str]) -> Any:
        return SimpleNamespace(evaluate=lambda script: stores)

    def lane(self, *frames: Any, **more: Any) -> Lane:
        lane = Lane(stored=(), sent=(ID,), found=True, **more)
        lane.frames.extend(frames)
        return lane

    def test_an_id_that_is_sent_and_stored_elsewhere(self) -> None:
        lane = self.lane(self.frame(localStorage={"x": "y"}), self.frame(sessionStorage={"sid": ID}))
        ((what, where, hint),) = looked(lane)
        assert what.startswith("the session ID that is sent is stored in sessionStorage")
        assert what.endswith(", the profile says localStorage 'chat_session'")
        assert where == "[session]"
        assert "sessionStorage" in hint
        ((kind, data),) = lane.reported
        assert (kind, data["layer"], data["rule"], data["searched"], data["unread"]) == (
            "sighting",
            "stored",
            "",
            0,
            0,
        )

    def test_a_cookie_is_a_store_too(self) -> None:
        ((what, _, hint),) = looked(self.lane(cookies=[{"name": "sid", "value": ID}]))
        assert "stored in cookie" in what
        assert "cookie" in hint

    def test_one_that_is_stored_nowhere_is_no_error(self) -> None:
        assert looked(self.lane(self.frame(localStorage={"sid": OTHER}))) == []
        assert looked(Lane(stored=(), sent=(), found=True)) == []
        assert looked(Lane(stored=(), sent=(ID,), found=False)) == []

    def test_a_page_that_is_gone_is_searched_as_far_as_it_was_read(self) -> None:
        def gone(script: str) -> Any:
            raise Error("closed")

        lane = self.lane(self.frame(localStorage={"sid": ID}), SimpleNamespace(evaluate=gone))
        assert len(looked(lane)) == 1

    @pytest.mark.parametrize("lie", [None, "text", [1], {"sid": None, "n": 7}, {"sid": {}}])
    def test_a_page_with_stores_of_its_own_is_no_error(self, lie: Any) -> None:
        """What it returns may be anything: a function becomes None."""
        lane = self.lane(self.frame(localStorage=lie, sessionStorage={"sid": ID}))
        ((what, _, _),) = looked(lane)
        assert "stored in sessionStorage" in what
        assert looked(self.lane(SimpleNamespace(evaluate=lambda script: lie))) == []

    def test_an_id_that_is_stored_where_the_profile_says_is_not_misplaced(self) -> None:
        """A page that stores by another frame's functions is not seen to do so."""
        assert looked(self.lane(self.frame(localStorage={"chat_session": ID}))) == []
