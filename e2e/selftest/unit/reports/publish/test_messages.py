"""The texts that leave the suite: messages to a webhook, requests to GitHub, errors of Git. Without a server."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from e2e.errors import HarnessError
from reports.history.entry import HistoryEntry
from reports.history.store import History, Store
from reports.publish import branch, notify
from reports.publish.github import Repository, comment, status

BUDGET = 0.02
NAMES = ("Big hat", "Tin drum")
Answer = Callable[[httpx.Request], httpx.Response]


def entry(n: int, outcome: str = "pass", **more: Any) -> HistoryEntry:
    fields = {"target": "acme", "browser": "chromium", "headline": ""} | more
    return HistoryEntry(f"run-{n}", 1_790_000_000.0 + 86_400 * n, outcome=outcome, **fields)


def pinned(n: int, count: int = 40) -> HistoryEntry:
    """A run that passes, with all sessions on one of two providers."""
    return entry(n, providers={"Big hat": count, "Tin drum": 0}, shares=dict.fromkeys(NAMES, 0.5))


def messages(*entries: HistoryEntry, url: str = "", sent: dict[str, Any] | None = None) -> list[str]:
    return list(notify.messages(History(entries), url, BUDGET, sent).values())


class TestMessages:
    @pytest.mark.parametrize(
        ("entries", "text"),
        [
            ([entry(1)], None),
            ([entry(1, "fail")], "acme, chromium: first run -> fail"),
            ([entry(1, "broken", headline="no page")], "acme, chromium: first run -> broken. no page"),
            ([entry(1), entry(2, "fail", headline="a fault")], "acme, chromium: pass -> fail. a fault"),
            ([entry(1, "fail"), entry(2)], "acme, chromium: fail -> pass"),
            ([entry(1, "fail", causes={"a": 1}), entry(2, "fail", causes={"a": 9})], None),
            (
                [entry(1, "fail", causes={"b": 1, "a": 1}), entry(2, "fail", causes={"c": 1})],
                "acme, chromium: fail, cause now c (before: a, b)",
            ),
            (
                [entry(1, "fail"), entry(2, "fail", causes={"c": 1}, where={"c": "x.ts:1", "d": "y.ts:2"})],
                "acme, chromium: fail, cause now c (before: no cause)\nc at x.ts:1; d at y.ts:2",
            ),
            (
                [entry(1, "fail", causes={"c": 1}), entry(2, "fail")],
                "acme, chromium: fail, cause now no cause (before: c)",
            ),
        ],
    )
    def test_a_change_of_outcome_or_causes_is_one_message(
        self, entries: list[HistoryEntry], text: str | None
    ) -> None:
        assert messages(*entries) == ([] if text is None else [text])

    def test_an_alarm_begins_and_ends_with_a_message(self) -> None:
        healthy = entry(1, providers=dict.fromkeys(NAMES, 20), shares=dict.fromkeys(NAMES, 0.5))
        (text,) = messages(healthy, pinned(2))
        head, since = text.splitlines()
        assert head == "acme, chromium: pass; the run history raises an alarm"
        assert since.startswith(f"since {pinned(2).date}: the sessions do not fit the expected shares")
        over = {"acme, chromium": {"outcome": "pass", "causes": [], "alarm": True}}
        assert messages(healthy, sent=over) == ["acme, chromium: first run -> pass"]
        assert messages(healthy, healthy, sent=over) == [
            "acme, chromium: pass; the alarm of the run history is over"
        ]

    def test_what_changed_before_an_alarm_and_the_address_are_at_the_end(self) -> None:
        checks = {"smoke": "pass"}
        (text,) = messages(
            entry(1, checks=checks, facts={"browser": "chromium 1", "commit": "a"}),
            entry(2, "fail", checks={"smoke": "fail"}, facts={"browser": "chromium 2", "commit": "b"}),
            url="https://r.example.org//",
        )
        assert text.splitlines() == [
            "acme, chromium: pass -> fail",
            f"since {entry(2).date}; changed: browser: chromium 1 -> chromium 2, suite: a -> b",
            "https://r.example.org/runs/run-2/",
        ]

    def test_each_series_is_compared_with_what_was_sent_of_it(self) -> None:
        both = (entry(1, "fail"), entry(2, "fail"), entry(3, target="basic"))
        sent = {"acme, chromium": {"outcome": "pass", "causes": [], "alarm": False}}
        assert messages(*both, sent=sent) == ["acme, chromium: pass -> fail"]
        assert messages(*both) == []
        state = {"outcome": "fail", "causes": [], "alarm": False}
        assert notify.states(History(both)) == {
            "acme, chromium": state,
            "basic, chromium": state | {"outcome": "pass"},
        }


class TestWebhook:
    @pytest.fixture
    def posted(self, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
        posted: list[tuple[str, Any]] = []

        def post(url: str, *, json: Any, **_: Any) -> httpx.Response:
            posted.append((url, json))
            code = 500 if "basic" in json["text"] else 200
            return httpx.Response(code, request=httpx.Request("POST", url))

        monkeypatch.setattr(httpx, "post", post)
        return posted

    def test_what_was_sent_is_noted_message_by_message(
        self, tmp_path: Path, posted: list[tuple[str, Any]]
    ) -> None:
        store = Store(tmp_path)
        for one in (entry(1, "fail"), entry(2, "fail", target="basic"), entry(3, target="calm")):
            store.add(one)
        with pytest.raises(HarnessError) as error:
            notify.notify(store, "https://hook.example.org/secret", "https://r.example.org")
        assert error.value.what == "the message could not be sent to the webhook: HTTP status 500"
        assert error.value.hint == "check its address, and that it is up"
        assert [body["text"].splitlines() for _, body in posted] == [
            ["acme, chromium: first run -> fail", "https://r.example.org/runs/run-1/"],
            ["basic, chromium: first run -> fail", "https://r.example.org/runs/run-2/"],
        ]
        state = {"outcome": "fail", "causes": [], "alarm": False}
        assert store.notified() == {"acme, chromium": state, "calm, chromium": state | {"outcome": "pass"}}

    def test_an_address_that_is_none_is_an_error_without_it(self, tmp_path: Path) -> None:
        store = Store(tmp_path)
        store.add(entry(1, "fail"))
        with pytest.raises(HarnessError, match=r"webhook: (UnsupportedProtocol|InvalidURL)\n") as error:
            notify.notify(store, "secret")
        assert "secret" not in error.value.what

    def test_without_a_webhook_it_names_what_to_set(self, tmp_path: Path) -> None:
        store = Store(tmp_path)
        assert notify.notify(store, "") == []
        assert not (tmp_path / "_told.json").exists()
        store.add(entry(1, "fail"))
        with pytest.raises(HarnessError) as error:
            notify.notify(store, "")
        assert error.value.hint == "set CHAT_E2E_WEBHOOK or --webhook"


class TestGitHub:
    @pytest.fixture
    def requests(self, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, Any]]:
        """What GitHub got. Pull request n has n pages of comments of others, and ours last on the pages of 3."""
        requests: list[tuple[str, str, Any]] = []
        ours = {"id": 42, "body": "<!-- chat-session-e2e -->\nold"}

        def answer(request: httpx.Request) -> httpx.Response:
            body = json.loads(request.content) if request.content else None
            requests.append((request.method, str(request.url), body))
            assert request.headers["Authorization"] == "Bearer t"
            assert request.headers["Accept"] == "application/vnd.github+json"
            if request.method != "GET":
                return httpx.Response(201, json={"html_url": f"at {request.method}"})
            pull = int(request.url.path.split("/")[-2])
            page = int(request.url.params["page"])
            found: list[Any] = [{"id": n, "body": None} for n in range(100 if page < pull else 7)]
            return httpx.Response(200, json=[*found, ours] if pull == page == 3 else found)

        client = partial(httpx.Client, transport=httpx.MockTransport(answer))
        monkeypatch.setattr(httpx, "Client", client)
        return requests

    TO = Repository("https://api.example.org/", "owner/name", "t")
    BASE = "https://api.example.org/repos/owner/name"

    def test_our_comment_is_found_on_a_later_page_and_replaced(
        self, requests: list[tuple[str, str, Any]]
    ) -> None:
        assert comment(self.TO, 3, "news") == "at PATCH"
        pages = [f"{self.BASE}/issues/3/comments?per_page=100&page={n}" for n in (1, 2, 3)]
        assert [url for _, url, _ in requests[:-1]] == pages
        body = {"body": "<!-- chat-session-e2e -->\nnews"}
        assert requests[-1] == ("PATCH", f"{self.BASE}/issues/comments/42", body)

    @pytest.mark.parametrize(("pull", "pages"), [(1, 1), (2, 2), (50, 10)])
    def test_the_search_ends_with_the_last_page_or_the_tenth(
        self, requests: list[tuple[str, str, Any]], pull: int, pages: int
    ) -> None:
        assert comment(self.TO, pull, "news") == "at POST"
        assert len(requests) == pages + 1
        assert requests[-1][:2] == ("POST", f"{self.BASE}/issues/{pull}/comments")

    def test_a_text_that_is_too_long_is_cut_and_states_it(self, requests: list[tuple[str, str, Any]]) -> None:
        mark = "<!-- chat-session-e2e -->\n"
        longest = "x" * (65_000 - len(mark))
        comment(self.TO, 1, longest)
        assert requests[-1][2]["body"] == mark + longest
        comment(self.TO, 1, longest + "y")
        assert requests[-1][2]["body"] == mark + longest + "\n\n… the rest is in the report."

    def test_a_status_links_to_the_report(self, requests: list[tuple[str, str, Any]]) -> None:
        status(self.TO, "abc", "error", "broken")
        body = {"state": "error", "context": "chat sessions", "description": "broken"}
        assert requests == [("POST", f"{self.BASE}/statuses/abc", body)]

    def test_the_repository_is_that_of_the_workflow(self) -> None:
        known = {"GITHUB_REPOSITORY": "owner/name", "GITHUB_TOKEN": "t"}
        assert Repository.of(known) == Repository("https://api.github.com", "owner/name", "t")
        assert Repository.of(known | {"GITHUB_API_URL": "https://ghe"}).api == "https://ghe"
        with pytest.raises(HarnessError) as error:
            Repository.of({})
        assert error.value.what == "GITHUB_REPOSITORY and GITHUB_TOKEN must be set to write to GitHub"
        assert error.value.hint == "pass env: GITHUB_TOKEN: ${{ github.token }} in the workflow"
        with pytest.raises(HarnessError, match=r"^GITHUB_REPOSITORY must be set"):
            Repository.of({"GITHUB_TOKEN": "t"})

    def test_errors_name_the_request_and_no_query(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def answering(answer: Answer) -> None:
            client = partial(httpx.Client, transport=httpx.MockTransport(answer))
            monkeypatch.setattr(httpx, "Client", client)

        def unreachable(request: httpx.Request) -> httpx.Response:
            raise httpx.ConnectError("no route")

        client_class = httpx.Client
        answering(lambda _: httpx.Response(404))
        with pytest.raises(HarnessError) as error:
            comment(self.TO, 7, "news")
        assert error.value.what == "GitHub returned status 404 for GET issues/7/comments"
        monkeypatch.setattr(httpx, "Client", client_class)
        answering(unreachable)
        with pytest.raises(HarnessError, match=r"^GitHub could not be reached: ConnectError$"):
            comment(self.TO, 7, "news")


class TestGit:
    @pytest.mark.parametrize(
        ("output", "errors", "text"),
        [
            ("out", "one\ntwo: https://user:secret@host/x", "git commit failed: two: https://host/x"),
            ("only out", "", "git commit failed: only out"),
            ("", "", "git commit failed: exit code 128"),
        ],
    )
    def test_a_failed_command_is_named_with_its_last_line(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: str, errors: str, text: str
    ) -> None:
        def run(command: list[str], **_: Any) -> Any:
            code = 128 if "commit" in command else 0
            return subprocess.CompletedProcess(command, code, output, errors)

        monkeypatch.setattr(subprocess, "run", run)
        (tmp_path / "index.html").touch()
        with pytest.raises(HarnessError) as error:
            branch.push("https://host/x", "pages", tmp_path)
        assert error.value.what == text
        assert error.value.hint.endswith("(permissions: contents: write)")

    def test_without_git_it_names_what_to_install(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def run(*_: Any, **__: Any) -> Any:
            raise FileNotFoundError("git")

        monkeypatch.setattr(subprocess, "run", run)
        with pytest.raises(HarnessError, match=r"^git could not be run: git\n") as error:
            branch.pull("https://host/x", "pages", tmp_path)
        assert error.value.hint == "install git"

    def test_an_empty_folder_is_no_site(self, tmp_path: Path) -> None:
        with pytest.raises(HarnessError) as error:
            branch.push("https://host/x", "pages", tmp_path)
        assert (error.value.what, error.value.where) == (f"there is no site in {tmp_path}", str(tmp_path))
        assert error.value.hint == "`python -m e2e publish` creates one"
