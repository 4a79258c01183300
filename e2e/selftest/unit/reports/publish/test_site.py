"""The site: every night in the index, its page and its links, and nothing half written; who is told of what, and when."""

from __future__ import annotations

import json
import random
import re
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from e2e.errors import HarnessError
from e2e.records.records import RunRecords
from e2e.selftest.unit.builders import make_run, with_meta
from e2e.selftest.unit.report_samples import drawn_nights, write_run, write_session
from reports.allure import build as allure_build
from reports.allure.config import AllureRun
from reports.history.store import History, Store
from reports.publish import site as publish_module
from reports.publish.branch import pull, push
from reports.publish.github import Repository, comment, status
from reports.publish.nightly import _by_series, nightly
from reports.publish.notify import messages, notify
from reports.publish.site import publish, write_index

START = 1_763_860_000.0


@pytest.fixture(autouse=True)
def no_allure(monkeypatch: pytest.MonkeyPatch) -> list[AllureRun]:
    """Stands in for Allure, which has tests of its own."""
    asked: list[AllureRun] = []

    def build(results: Path, report: Path, run: AllureRun) -> Path:
        asked.append(run)
        for page in ("awesome", "dashboard"):
            (report / page).mkdir(parents=True, exist_ok=True)
            (report / page / "index.html").write_text("<html lang=en>", encoding="utf-8")
        return report / "awesome" / "index.html"

    monkeypatch.setattr(allure_build, "build_allure", build)
    return asked


def recorded(tmp_path: Path, number: int, *faults: str, **meta: Any) -> Path:
    """An output folder with the run of one night."""
    records = make_run(*faults, run_id=f"run-{number:03}", seed=number, chats=8, lanes=2)
    out = tmp_path / f"out-{number}"
    folder = write_run(out, with_meta(records, started=START + 86_400 * number, **meta))
    write_session(out, [folder])
    return out


def links(page: Path) -> list[str]:
    return re.findall(r'href="([^"#]+)', page.read_text(encoding="utf-8"))


class TestPublish:
    def test_each_night_is_in_the_index_and_every_link_leads_somewhere(self, tmp_path: Path) -> None:
        site = tmp_path / "site"
        publish(recorded(tmp_path, 1), site)
        publish(recorded(tmp_path, 2, "stale-state"), site)
        index = (site / "index.html").read_text(encoding="utf-8")
        assert index.index("run-002") < index.index("run-001")
        assert "stale-state" in index
        for page in (site / "index.html", *site.glob("nights/*/index.html")):
            assert [link for link in links(page) if not (page.parent / link).exists()] == []

    def test_the_index_says_since_when_and_what_changed(self, tmp_path: Path) -> None:
        site = tmp_path / "site"
        publish(recorded(tmp_path, 1, environment={"browser": "chromium 155"}), site)
        publish(recorded(tmp_path, 2, "stale-state", environment={"browser": "chromium 156"}), site)
        text = re.sub(r"<[^>]+>|\s+", " ", (site / "index.html").read_text(encoding="utf-8"))
        assert re.search(r"Since\s+2025-11-25 01:06", text)
        assert "browser: chromium 155 -&gt; chromium 156" in text

    def test_the_nights_own_summary_says_since_when_too(self, tmp_path: Path) -> None:
        site = tmp_path / "site"
        publish(recorded(tmp_path, 1), site)
        assert "Since when" not in (site / "nights" / "run-001" / "summary.md").read_text(encoding="utf-8")
        publish(recorded(tmp_path, 2, "stale-state"), site)
        text = (site / "nights" / "run-002" / "summary.md").read_text(encoding="utf-8")
        assert "Since when, by the history:\n\n- since 2025-11-25 01:06 (run-002)" in text
        assert "last without it 2025-11-24" in text

    def test_the_same_night_again_replaces_itself(self, tmp_path: Path) -> None:
        site, out = tmp_path / "site", recorded(tmp_path, 1)
        publish(out, site)
        publish(out, site)
        assert [p.name for p in (site / "nights").iterdir()] == ["run-001"]

    def test_old_reports_go_and_their_nights_stay_in_the_index(self, tmp_path: Path) -> None:
        site = tmp_path / "site"
        for n in (1, 2, 3):
            publish(recorded(tmp_path, n), site, keep_reports=2)
        assert sorted(p.name for p in (site / "nights").iterdir()) == ["run-002", "run-003"]
        index = (site / "index.html").read_text(encoding="utf-8")
        assert 'id="run-001"' in index
        assert "nights/run-001" not in index

    def test_links_of_the_history_lead_to_the_site(self, tmp_path: Path, no_allure: list[AllureRun]) -> None:
        publish(recorded(tmp_path, 1), tmp_path / "site", url="https://nights.example.org/chats/")
        assert no_allure[0].base_url == "https://nights.example.org/chats/nights/run-001/allure-report"
        assert no_allure[0].history == tmp_path / "site" / "history" / "_allure.jsonl"

    def test_what_shows_ids_is_not_published(self, tmp_path: Path) -> None:
        with pytest.raises(HarnessError, match="in the clear"):
            publish(recorded(tmp_path, 1, masked=False), tmp_path / "site")
        assert not (tmp_path / "site").exists()

    def test_a_full_disk_leaves_the_site_as_it_was(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        site = tmp_path / "site"
        publish(recorded(tmp_path, 1), site)
        before = (site / "index.html").read_bytes()
        monkeypatch.setattr(
            publish_module, "night_page", lambda *_: (_ for _ in ()).throw(OSError(28, "full"))
        )
        with pytest.raises(HarnessError, match="could not be put on the site") as told:
            publish(recorded(tmp_path, 2), site)
        assert "make room" in told.value.hint
        assert (site / "index.html").read_bytes() == before
        assert [p.name for p in (site / "nights").iterdir()] == ["run-001"]

    def test_a_torn_night_of_the_history_is_named_on_the_index(self, tmp_path: Path) -> None:
        site = tmp_path / "site"
        publish(recorded(tmp_path, 1), site)
        (site / "history" / "run-000.parquet").write_bytes(b"PAR1 half")
        write_index(site, 0.02)
        assert "run-000.parquet of the history cannot be read" in (site / "index.html").read_text(
            encoding="utf-8"
        )

    def test_a_name_cannot_bring_a_script_into_the_page(self, tmp_path: Path) -> None:
        out = recorded(tmp_path, 1, title="<script>alert(1)</script>")
        publish(out, tmp_path / "site")
        for page in tmp_path.glob("site/**/index.html"):
            assert "<script>alert" not in page.read_text(encoding="utf-8")


class TestNightly:
    def test_evidence_is_found_by_target_and_browser_wherever_it_lies(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def put(place: str, records: RunRecords) -> None:
            write_run(tmp_path / place, records)

        put("a/deep", make_run(run_id="one"))
        put("b", with_meta(make_run(run_id="two"), environment={"browser": "chromium 156"}))
        put("c", with_meta(make_run(run_id="three"), target="other"))
        (tmp_path / "d").mkdir()
        (tmp_path / "d" / "run.json").write_text("{half", encoding="utf-8")
        found = {key: [f.name for f in folders] for key, folders in _by_series(tmp_path).items()}
        assert found == {("reference", "chromium"): ["one", "two"], ("other", "chromium"): ["three"]}
        assert "left out" in capsys.readouterr().err

    def test_one_target_that_cannot_be_judged_keeps_no_other_from_its_verdict(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        write_run(tmp_path / "incoming" / "1", make_run(run_id="one", chats=8, lanes=2))
        for name in ("two", "again"):  # one run twice would count double
            records = with_meta(make_run(run_id="two", chats=8, lanes=2), target="other")
            write_run(tmp_path / "incoming" / name, records)
        ended = nightly(tmp_path / "incoming", tmp_path / "site", tmp_path / "out")
        assert [one.target for one in ended.judged] == ["reference"]
        (said,) = ended.wrong
        assert said.startswith("other, chromium: its evidence could not be judged")
        assert (tmp_path / "site" / "nights" / "one" / "index.html").is_file()


class TestNotify:
    def nights(self, n: int) -> History:
        return History(tuple(drawn_nights(random.Random(1), pinned_from=21)[:n]))

    def kept(self, place: Path, n: int) -> Store:
        store = Store(place)
        for night in self.nights(n).nights:
            store.add(night)
        return store

    def test_only_a_change_of_state_is_told(self) -> None:
        told = [bool(messages(self.nights(n))) for n in range(1, 31)]
        assert [n for n, was in enumerate(told, 1) if was] == [21]

    def test_the_way_back_is_a_change_too(self) -> None:
        bad, good = (
            drawn_nights(random.Random(1), pinned_from=1)[0],
            drawn_nights(random.Random(1), pinned_from=99)[1],
        )
        (said,) = messages(History((bad, good))).values()
        assert "fail -> pass" in said

    def test_it_says_since_when_and_where_to_look(self) -> None:
        (said,) = messages(self.nights(21), "https://nights.example.org/").values()
        assert "pass -> fail" in said
        assert "since 2026-10-12" in said
        assert said.endswith("https://nights.example.org/nights/run-021/")

    def test_other_causes_are_a_change_and_so_is_an_alarm_of_nights_that_each_pass(self) -> None:
        *before, last = self.nights(22).nights
        other = replace(last, causes={"sticky-provider": 3})
        (said,) = messages(History((*before, other))).values()
        assert "fail, now for sticky-provider (before: provider-pinned)" in said
        quiet = [replace(n, outcome="pass", causes={}, checks={}, where={}) for n in self.nights(21).nights]
        (said,) = messages(History(tuple(quiet))).values()
        assert "pass, but the nights together raise an alarm" in said
        assert "since 2026-10-12 14:13: the sessions do not fit the expected shares" in said

    def test_the_webhook_gets_it_as_text(
        self, tmp_path: Path, listener: tuple[str, list[tuple[str, str, Any]]]
    ) -> None:
        url, heard = listener
        assert notify(self.kept(tmp_path, 21), f"{url}/hook")
        (told,) = heard
        assert told[:2] == ("POST", "/hook")
        assert "pass -> fail" in told[2]["text"]

    def test_what_was_told_is_not_told_again_when_another_target_has_its_night(
        self, tmp_path: Path, listener: tuple[str, list[tuple[str, str, Any]]]
    ) -> None:
        url, heard = listener
        store = self.kept(tmp_path, 21)
        notify(store, url)
        assert len(heard) == 1
        store.add(replace(self.nights(20).nights[-1], run_id="elsewhere", target="other"))
        assert notify(store, url) == []
        assert len(heard) == 1

    def test_a_webhook_that_is_down_is_an_error_without_its_address_and_is_told_later(
        self, tmp_path: Path, listener: tuple[str, list[tuple[str, str, Any]]]
    ) -> None:
        url, heard = listener
        store = self.kept(tmp_path, 21)
        with pytest.raises(HarnessError) as told:
            notify(store, "http://127.0.0.1:9/secret-path")
        assert "secret-path" not in str(told.value)
        assert notify(store, url)
        assert len(heard) == 1

    def test_a_torn_note_of_what_was_told_costs_nothing(self, tmp_path: Path) -> None:
        store = self.kept(tmp_path, 20)
        (tmp_path / "_told.json").write_text('{"half', encoding="utf-8")
        assert notify(store, "") == []
        assert json.loads((tmp_path / "_told.json").read_text(encoding="utf-8"))

    def test_without_a_webhook_a_change_is_not_swallowed(self, tmp_path: Path) -> None:
        with pytest.raises(HarnessError, match="no webhook"):
            notify(self.kept(tmp_path, 21), "")


@pytest.fixture
def listener() -> Iterator[tuple[str, list[tuple[str, str, Any]]]]:
    """A server that writes down what it is sent; it has one comment of ours on pull request 7 and none on 8."""
    heard: list[tuple[str, str, Any]] = []
    ours = [{"id": 1, "body": "hello"}, {"id": 42, "body": "<!-- chat-session-e2e -->\nold"}]

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.command != "GET":
                heard.append((self.command, self.path, json.loads(body)))
            said: Any = (
                (ours if "/issues/7/" in self.path else [])
                if self.command == "GET"
                else {"html_url": "there"}
            )
            data = json.dumps(said).encode()
            self.send_response(403 if "/forbidden/" in self.path else 200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = _answer  # noqa: N815 - the base class's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", heard
        server.shutdown()


class TestGitHub:
    def test_one_comment_is_written_anew(self, listener: tuple[str, list[tuple[str, str, Any]]]) -> None:
        url, heard = listener
        comment(Repository(url, "owner/name", "t"), 7, "news")
        (told,) = heard
        assert told[:2] == ("PATCH", "/repos/owner/name/issues/comments/42")
        assert told[2]["body"].endswith("news")

    def test_the_first_comment_is_made(self, listener: tuple[str, list[tuple[str, str, Any]]]) -> None:
        url, heard = listener
        comment(Repository(url, "owner/name", "t"), 8, "x" * 70_000)
        (told,) = heard
        assert told[:2] == ("POST", "/repos/owner/name/issues/8/comments")
        assert len(told[2]["body"]) < 65_536

    def test_a_status_is_set(self, listener: tuple[str, list[tuple[str, str, Any]]]) -> None:
        url, heard = listener
        status(Repository(url, "owner/name", "t"), "abc", "failure", "no", "https://r.example.org")
        assert heard == [
            ("POST", "/repos/owner/name/statuses/abc", {"state": "failure", "context": "chat sessions", "description": "no", "target_url": "https://r.example.org"})
        ]  # fmt: skip

    def test_a_refusal_says_which_permission(self, listener: tuple[str, list[tuple[str, str, Any]]]) -> None:
        with pytest.raises(HarnessError, match="403") as told:
            comment(Repository(listener[0], "forbidden/name", "t"), 7, "news")
        assert "pull-requests: write" in told.value.hint

    def test_without_a_token_nothing_is_tried(self) -> None:
        with pytest.raises(HarnessError, match="GITHUB_TOKEN"):
            Repository.of({"GITHUB_REPOSITORY": "owner/name"})


class TestBranch:
    def test_the_site_comes_back_and_the_branch_has_one_commit(self, tmp_path: Path) -> None:
        remote, site = tmp_path / "remote.git", tmp_path / "site"
        subprocess.run(["git", "init", "--quiet", "--bare", str(remote)], check=True)
        assert pull(str(remote), "gh-pages", site) is False
        for text in ("first", "second"):
            (site / "index.html").write_text(text, encoding="utf-8")
            push(str(remote), "gh-pages", site)
        again = tmp_path / "again"
        assert pull(str(remote), "gh-pages", again) is True
        assert (again / "index.html").read_text(encoding="utf-8") == "second"
        assert not (again / ".git").exists()
        count = subprocess.run(
            ["git", "-C", str(remote), "rev-list", "--count", "gh-pages"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert count.stdout.strip() == "1"

    def test_an_address_that_fails_is_told_without_its_token(self, tmp_path: Path) -> None:
        (tmp_path / "index.html").write_text("x", encoding="utf-8")
        with pytest.raises(HarnessError) as told:
            push("http://user:verysecret@127.0.0.1:9/x.git", "gh-pages", tmp_path)
        assert "verysecret" not in str(told.value)

    def test_without_a_site_nothing_is_pushed(self, tmp_path: Path) -> None:
        with pytest.raises(HarnessError, match="no site"):
            push("nowhere", "gh-pages", tmp_path)
