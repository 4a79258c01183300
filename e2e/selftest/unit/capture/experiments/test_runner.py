"""Which experiments are made, within which budget, in which lanes; and what the request without a browser reports."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from playwright.sync_api import Error

from e2e.capture.experiments import direct, runner
from e2e.capture.experiments.catalogue import EXPERIMENTS, MESSAGES, Experiment
from e2e.capture.experiments.runner import NAMES, ExperimentRunner
from e2e.capture.network.replay import Request
from e2e.capture.network.wire_rules import Rule
from e2e.capture.session_ids.redaction import Redactor
from e2e.errors import HarnessError
from e2e.profile.profile import load
from e2e.records.records import SIDE_LANE

USED_UP = "the run's budget of messages is used up (limits.messages)"
NO_ID = "this chat sends no session ID"
ALL = [e.name for e in EXPERIMENTS]


class Journal:
    def __init__(self) -> None:
        self.events: list[tuple[int, Any, str, dict[str, Any]]] = []

    def event(self, t: float, lane: int, chat: int | None, kind: str, data: dict[str, Any]) -> None:
        self.events.append((lane, chat, kind, dict(data)))


def made(
    *, request: Any = "a request", budget: int | None = None, profile: Any = None, pace: Any = None
) -> ExperimentRunner:
    context: Any = SimpleNamespace(profile=profile or load("reference"), pace=pace)
    journal: Any = Journal()
    return ExperimentRunner(context, journal, Redactor(key="k"), request, budget, lambda: None)


def without_ids() -> Any:
    return SimpleNamespace(sends_id=False, login=SimpleNamespace(accounts=[1, 2]))


class TestPlan:
    def test_they_are_named(self) -> None:
        assert (direct.NAME, *ALL) == NAMES

    def test_four_lanes_take_them_in_turn(self) -> None:
        lanes, left_out = made().plan(NAMES)
        assert list(lanes) == [SIDE_LANE + n for n in range(4)]
        assert left_out == {"user": "the profile names no second account (login.accounts)"}

    def test_each_is_played_once_in_a_lane_of_its_own_number(self, monkeypatch: pytest.MonkeyPatch) -> None:
        played: list[tuple[str, int]] = []

        def play(self: Any, experiment: Any, lane: int) -> Any:
            played.append((experiment.name, lane))
            yield from ()

        monkeypatch.setattr(ExperimentRunner, "_in_browser", play)
        wanted = [name for name in ALL if name != "user"]
        for steps in made().plan(wanted)[0].values():
            list(steps)
        assert sorted(played, key=lambda one: one[1]) == [(n, SIDE_LANE + i) for i, n in enumerate(wanted)]
        assert made().plan(["reload"])[0].keys() == {SIDE_LANE}

    def test_only_what_is_wanted_is_made(self) -> None:
        assert made().plan([]) == ({}, {})
        assert made().plan(["of another version"]) == ({}, {})

    def test_without_a_request_there_is_none_to_send_again(self) -> None:
        lanes, left_out = made(request=None).plan([direct.NAME])
        assert lanes == {}
        assert left_out[direct.NAME].startswith("no message has the ID in its body, its address or a frame")

    @pytest.mark.parametrize(
        ("budget", "out"),
        [
            (direct.REQUESTS + 2 * MESSAGES, []),
            (direct.REQUESTS + 2 * MESSAGES - 1, ["slow-network"]),
            (direct.REQUESTS, ["reload", "slow-network"]),
            (0, [direct.NAME, "reload", "slow-network"]),
        ],
    )
    def test_the_budget_is_spent_in_their_order(self, budget: int, out: list[str]) -> None:
        one = made(budget=budget)
        _, left_out = one.plan(["slow-network", "reload", direct.NAME])
        assert left_out == dict.fromkeys(out, USED_UP)
        assert one.budget is not None
        assert one.budget >= 0

    def test_a_chat_without_ids_has_no_experiment_about_them(self) -> None:
        lanes, left_out = made(profile=without_ids()).plan(NAMES)
        assert len(lanes) == 1
        assert left_out == {name: NO_ID for name in NAMES if name != "cache-off"}


class TestDirect:
    """The requests without a browser."""

    def played(
        self, monkeypatch: pytest.MonkeyPatch, *replies: Any, at: float = 0.0
    ) -> tuple[list[Any], list[Any], list[Any]]:
        sent: list[Any] = []
        answers = iter(replies)

        def send(request: Any, timeout: float, *, verify: bool) -> Any:
            sent.append((request, timeout, verify))
            answer = next(answers)
            if isinstance(answer, Exception):
                raise answer
            return answer

        monkeypatch.setattr(direct, "send", send)
        profile = load("reference")
        providers = profile.providers.model_copy(update={"map": {"prov_1": "Big hat"}})
        pace = SimpleNamespace(book=lambda: at)
        one = made(profile=profile.model_copy(update={"providers": providers}), pace=pace)
        waits = []
        for wait in one._direct(SIDE_LANE):
            waits.append(wait)
            while not wait.until():
                pass
        journal: Any = one.journal
        assert {(lane, chat, kind) for lane, chat, kind, _ in journal.events} == {
            (SIDE_LANE, None, "experiment")
        }
        first, *others = [data for *_, data in journal.events]
        assert first == {"name": direct.NAME, "question": direct.QUESTION}
        assert {data.pop("name") for data in others} <= {direct.NAME}
        return sent, others, waits

    def reply(self, n: int, provider: str | None = "prov_1", **more: Any) -> Any:
        known: dict[str, Any] = {
            "session": f"session-{n}-abcdef",
            "provider": provider,
            "status": 200,
            "failed": False,
        }
        return SimpleNamespace(**known | more)

    def test_each_reply_is_reported_with_a_masked_id_and_a_known_name(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        names = ["prov_1", "other", None] + ["other"] * direct.REQUESTS
        replies = [self.reply(n, names[n]) for n in range(direct.REQUESTS)]
        sent, reported, waits = self.played(monkeypatch, *replies)
        timeout = load("reference").timeouts.reply
        assert sent == [("a request", timeout, True)] * direct.REQUESTS
        assert [t["provider"] for t in reported] == [
            "Big hat",
            "other",
            None,
            *["other"] * (direct.REQUESTS - 3),
        ][: direct.REQUESTS]
        assert {t["status"] for t in reported} == {200}
        assert all("abcdef" not in t["session"] for t in reported)
        assert len({t["session"] for t in reported}) == direct.REQUESTS
        assert {wait.timeout for wait in waits} == {timeout * 2 + 5}
        late = waits[0].late()
        assert isinstance(late, HarnessError)
        assert late.what == "the backend did not respond to the request that was sent without the browser"

    @pytest.mark.parametrize(
        ("answer", "reported"),
        [
            (OSError("a secret address"), {"why": "OSError"}),
            (SimpleNamespace(failed=True), {"why": "the reply to a fresh ID reports a failure"}),
        ],
    )
    def test_a_failure_ends_it(
        self, monkeypatch: pytest.MonkeyPatch, answer: Any, reported: dict[str, str]
    ) -> None:
        sent, events, _ = self.played(monkeypatch, self.reply(0), answer)
        assert (len(sent), events[1:]) == (2, [reported])

    @pytest.mark.parametrize(("status", "sent"), [(399, direct.REQUESTS), (400, 1), (503, 1)])
    def test_a_refusal_is_reported_and_ends_it(
        self, monkeypatch: pytest.MonkeyPatch, status: int, sent: int
    ) -> None:
        replies = [self.reply(n, status=status) for n in range(direct.REQUESTS)]
        requests, reported, _ = self.played(monkeypatch, *replies)
        assert (len(requests), [t["status"] for t in reported]) == (sent, [status] * sent)

    def test_the_pace_of_the_profile_is_kept(self, monkeypatch: pytest.MonkeyPatch) -> None:
        moments = iter([5.0, 5.0, *range(6, 1000)])
        monkeypatch.setattr(
            runner, "time", SimpleNamespace(monotonic=lambda: next(moments), time=lambda: 0.0)
        )
        replies: Sequence[Any] = [self.reply(n) for n in range(direct.REQUESTS)]
        _, _, waits = self.played(monkeypatch, *replies, at=7.0)
        assert (waits[0].timeout, waits[0].poll) == (62.0, pytest.approx(2.002))
        assert runner._is_past(5000.0) is False


class TestInBrowser:
    """Two chats in a window of their own; whatever fails there is reported, and the window closed."""

    def played(
        self,
        monkeypatch: pytest.MonkeyPatch,
        name: str = "reload",
        fails: Exception | None = None,
        opens: bool = True,
    ) -> tuple[list[Any], list[Any], Any]:
        done: list[Any] = []
        recorder: Any = SimpleNamespace(end_chat=lambda *why: done.append(("end", *why)))

        class Window:
            def __init__(self, *args: Any) -> None:
                done.append(("window", *args[2:]))
                if not opens:
                    raise Error("the browser is gone")

            def open(self) -> str:
                return "a context"

            def close(self) -> None:
                done.append("closed")

        def play(self: Any, context: Any) -> Any:
            done.append((self.name, context))
            if fails is not None:
                raise fails
            yield from ()

        made_for: list[Any] = []

        def recorder_of(*args: Any) -> Any:
            made_for.append(args[0])
            return recorder

        monkeypatch.setattr(runner, "Window", Window)
        monkeypatch.setattr(runner, "LaneRecorder", recorder_of)
        monkeypatch.setattr(Experiment, "play", play)
        one = made()
        (experiment,) = [e for e in EXPERIMENTS if e.name == name]
        assert list(one._in_browser(experiment, SIDE_LANE)) == []
        journal: Any = one.journal
        assert made_for == [SIDE_LANE]
        assert (recorder.scenario, recorder.experiment) == ("experiment", name)
        return done, [(lane, data) for lane, _, _, data in journal.events], experiment

    @pytest.mark.parametrize(("name", "user"), [("reload", 0), ("user", 1), ("user-agent", 0)])
    def test_it_is_reported_played_and_closed(
        self, monkeypatch: pytest.MonkeyPatch, name: str, user: int
    ) -> None:
        done, reported, experiment = self.played(monkeypatch, name)
        assert done == [
            ("window", user, experiment.context), (name, "a context"), ("end", "lost", "the run ended"), "closed",
        ]  # fmt: skip
        assert reported == [(SIDE_LANE, {"name": name, "question": experiment.question})]

    @pytest.mark.parametrize("error", [HarnessError("no reply"), Error("no reply\nat a.js:1")])
    def test_what_failed_is_reported_in_one_line(
        self, monkeypatch: pytest.MonkeyPatch, error: Exception
    ) -> None:
        done, reported, experiment = self.played(monkeypatch, fails=error)
        assert done[2:] == [("end", "lost", "no reply"), ("end", "lost", "the run ended"), "closed"]
        assert reported[1:] == [(SIDE_LANE, {"name": experiment.name, "why": "no reply"})]

    def test_a_window_that_cannot_be_opened_has_none_to_close(self, monkeypatch: pytest.MonkeyPatch) -> None:
        done, reported, _ = self.played(monkeypatch, opens=False)
        assert done[1:] == [("end", "lost", "the browser is gone"), ("end", "lost", "the run ended")]
        assert [data["why"] for _, data in reported] == ["the browser is gone"]


class TestSend:
    """The request itself, by HTTP."""

    OLD = "session_0e8f1c5277aa4b6e"

    def sent(self, monkeypatch: pytest.MonkeyPatch, reply: httpx.Response, **request: Any) -> tuple[Any, Any]:
        seen: list[httpx.Request] = []
        options: list[Any] = []

        def answer(request: httpx.Request) -> httpx.Response:
            seen.append(request)
            return reply

        real = httpx.Client

        def client(**given: Any) -> httpx.Client:
            options.append(given)
            return real(transport=httpx.MockTransport(answer))

        monkeypatch.setattr(httpx, "Client", client)
        rule = Rule(load("reference").wire[0])
        fields = {
            "method": "POST",
            "url": f"http://a/chat?s={self.OLD}",
            "headers": {},
            "body": "",
            "session": self.OLD,
        }
        found = direct.send(Request(rule, **(fields | request)), 7.0, verify=False)
        assert options == [{"timeout": 7.0, "verify": False, "trust_env": False}]
        (one,) = seen
        return found, one

    def test_a_fresh_id_takes_the_old_ones_place_everywhere(self, monkeypatch: pytest.MonkeyPatch) -> None:
        found, one = self.sent(
            monkeypatch, httpx.Response(207), body=f'{{"a": "{self.OLD}", "b": "{self.OLD}"}}',
            headers={"X-Session": self.OLD, "Accept": "*/*", "Cookie": "sid=1", "Host": "b", "Content-Length": "9", ":path": "/x"},
        )  # fmt: skip
        assert found.session != self.OLD
        assert (len(found.session), found.session[:8]) == (len(self.OLD), self.OLD[:8])
        assert str(one.url) == f"http://a/chat?s={found.session}"
        assert json.loads(one.content) == {"a": found.session, "b": found.session}
        assert (one.headers["x-session"], one.headers["accept"], one.headers["host"]) == (
            found.session,
            "*/*",
            "a",
        )
        assert "cookie" not in one.headers
        assert (found.status, found.provider, found.failed) == (207, None, False)
        assert abs(found.t - time.time()) < 60

    @pytest.mark.parametrize("cut", [1, 20, 500])
    def test_the_provider_of_its_reply_is_read(self, monkeypatch: pytest.MonkeyPatch, cut: int) -> None:
        events = b'data: {"provider": "prov_1"}\n\ndata: {"provider": "prov_2"}\n\n'
        pieces = [events[:cut], events[cut:]]
        reply = httpx.Response(200, headers={"Content-Type": "text/event-stream"}, stream=Pieces(pieces))
        assert self.sent(monkeypatch, reply)[0].provider == "prov_1"

    def test_a_body_that_is_one_value_is_read_at_its_end(self, monkeypatch: pytest.MonkeyPatch) -> None:
        reply = httpx.Response(200, json={"provider": "prov_1"})
        assert self.sent(monkeypatch, reply)[0].provider == "prov_1"


class Pieces(httpx.SyncByteStream):
    """A body that comes in pieces."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._pieces)
