"""The published site: index, run pages, links, interrupted writes; and the messages on a change of state."""

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
from e2e.selftest.unit.report_samples import example_history, write_run, write_session
from reports.allure import build as allure_build
from reports.allure.config import AllureRun
from reports.history.store import History, Store
from reports.publish import site as publish_module
from reports.publish.branch import pull, push
from reports.publish.github import Repository, comment, status
from reports.publish.nightly import by_series, judge_series, nightly
from reports.publish.notify import messages, notify
from reports.publish.site import publish, write_index

START = 1_763_860_000.0


@pytest.fixture(autouse=True)
def no_allure(monkeypatch: pytest.MonkeyPatch) -> list[AllureRun]:
    """Stands in for Allure, which has tests of its own."""
    built: list[AllureRun] = []

    def build(results: Path, report: Path, run: AllureRun) -> Path:
        built.append(run)
        for page in ("awesome", "dashboard"):
            (report / page).mkdir(parents=True, exist_ok=True)
            (report / page / "index.html").write_text("<html lang=en>", encoding="utf-8")
        return report / "awesome" / "index.html"

    monkeypatch.setattr(allure_build, "build_allure", build)
    return built


def recorded(tmp_path: Path, number: int, *faults: str, **meta: Any) -> Path:
    """An output folder with one run."""
    records = make_run(*faults, run_id=f"run-{number:03}", seed=number, chats=8, lanes=2)
    out = tmp_path / f"out-{number}"
    folder = write_run(out, with_meta(records, started=START + 86_400 * number, **meta))
    write_session(out, [folder])
    return out


def links(page: Path) -> list[str]:
    return re.findall(r'href="([^"#]+)', page.read_text(encoding="utf-8"))


class TestPublish:
    def test_the_index_lists_every_run_and_all_links_resolve(self, tmp_path: Path) -> None:
        site = tmp_path / "site"
        publish(recorded(tmp_path, 1), site)
        publish(recorded(tmp_path, 2, "stale-state"), site)
        index = (site / "index.html").read_text(encoding="utf-8")
        assert index.index("run-002") < index.index("run-001")
        assert "stale-state" in index
        for page in (site / "index.html", *site.glob("runs/*/index.html")):
            assert [link for link in links(page) if not (page.parent / link).exists()] == []

    def test_the_run_is_there_with_all_that_belongs_to_it(self, tmp_path: Path) -> None:
        site, out = tmp_path / "site", recorded(tmp_path, 1)
        publish(out, site)
        run = site / "runs" / "run-001"
        for name in ("summary.md", "summary.json", "allure-report/awesome/index.html"):
            assert (run / name).read_bytes() == (out / name).read_bytes()
        charts = sorted(path.name for path in (out / "charts").iterdir())
        assert charts
        assert sorted(path.name for path in (run / "charts").iterdir()) == charts

    def test_the_index_dates_an_alarm_and_lists_what_changed(self, tmp_path: Path) -> None:
        site = tmp_path / "site"
        publish(recorded(tmp_path, 1, environment={"browser": "chromium 155"}), site)
        publish(recorded(tmp_path, 2, "stale-state", environment={"browser": "chromium 156"}), site)
        text = re.sub(r"<[^>]+>|\s+", " ", (site / "index.html").read_text(encoding="utf-8"))
        assert re.search(r"Since\s+2025-11-25 01:06", text)
        assert "browser: chromium 155 -&gt; chromium 156" in text

    def test_the_summary_of_a_run_dates_its_alarm(self, tmp_path: Path) -> None:
        site = tmp_path / "site"
        publish(recorded(tmp_path, 1), site)
        assert "By the run history" not in (site / "runs" / "run-001" / "summary.md").read_text(
            encoding="utf-8"
        )
        publish(recorded(tmp_path, 2, "stale-state"), site)
        text = (site / "runs" / "run-002" / "summary.md").read_text(encoding="utf-8")
        assert "By the run history:\n\n- since 2025-11-25 01:06 (run-002)" in text
        assert "last run without it: 2025-11-24" in text

    def test_publishing_a_run_again_replaces_it(self, tmp_path: Path) -> None:
        site, out = tmp_path / "site", recorded(tmp_path, 1)
        publish(out, site)
        publish(out, site)
        assert [p.name for p in (site / "runs").iterdir()] == ["run-001"]

    def test_old_reports_are_removed_and_stay_listed(self, tmp_path: Path) -> None:
        site = tmp_path / "site"
        for n in (1, 2, 3):
            publish(recorded(tmp_path, n), site, keep_reports=2)
        assert sorted(p.name for p in (site / "runs").iterdir()) == ["run-002", "run-003"]
        index = (site / "index.html").read_text(encoding="utf-8")
        assert 'id="run-001"' in index
        assert "runs/run-001" not in index

    def test_allures_history_links_to_the_site(self, tmp_path: Path, no_allure: list[AllureRun]) -> None:
        publish(recorded(tmp_path, 1), tmp_path / "site", url="https://reports.example.org/chats/")
        assert no_allure[0].base_url == "https://reports.example.org/chats/runs/run-001/allure-report"
        assert no_allure[0].history == tmp_path / "site" / "history" / "_allure.jsonl"

    def test_an_unmasked_run_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(HarnessError, match="in the clear"):
            publish(recorded(tmp_path, 1, masked=False), tmp_path / "site")
        assert not (tmp_path / "site").exists()

    def test_a_full_disk_leaves_the_site_unchanged(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        site = tmp_path / "site"
        publish(recorded(tmp_path, 1), site)
        before = (site / "index.html").read_bytes()
        monkeypatch.setattr(publish_module, "run_page", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))
        with pytest.raises(HarnessError, match="could not be put on the site") as error:
            publish(recorded(tmp_path, 2), site)
        assert "free disk space" in error.value.hint
        assert (site / "index.html").read_bytes() == before
        assert [p.name for p in (site / "runs").iterdir()] == ["run-001"]

    def test_an_unreadable_history_file_is_listed_on_the_index(self, tmp_path: Path) -> None:
        site = tmp_path / "site"
        publish(recorded(tmp_path, 1), site)
        (site / "history" / "run-000.parquet").write_bytes(b"PAR1 half")
        write_index(site, 0.02)
        assert "run-000.parquet of the history cannot be read" in (site / "index.html").read_text(
            encoding="utf-8"
        )

    def test_the_folder_of_earlier_versions_is_renamed(self, tmp_path: Path) -> None:
        site = tmp_path / "site"
        publish(recorded(tmp_path, 1), site)
        (site / "runs").rename(site / "nights")
        publish(recorded(tmp_path, 2), site)
        assert sorted(p.name for p in (site / "runs").iterdir()) == ["run-001", "run-002"]
        assert not (site / "nights").exists()

    def test_a_title_cannot_inject_a_script(self, tmp_path: Path) -> None:
        out = recorded(tmp_path, 1, title="<script>alert(1)</script>")
        publish(out, tmp_path / "site")
        for page in tmp_path.glob("site/**/index.html"):
            assert "<script>alert" not in page.read_text(encoding="utf-8")


class TestNightly:
    def test_evidence_is_grouped_by_target_and_browser(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def put(place: str, records: RunRecords) -> None:
            write_run(tmp_path / place, records)

        put("a/deep", make_run(run_id="one"))
        put("b", with_meta(make_run(run_id="two"), environment={"browser": "chromium 156"}))
        put("c", with_meta(make_run(run_id="three"), target="other"))
        (tmp_path / "d").mkdir()
        (tmp_path / "d" / "run.json").write_text("{half", encoding="utf-8")
        found = {key: [f.name for f in folders] for key, folders in by_series(tmp_path).items()}
        assert found == {("reference", "chromium"): ["one", "two"], ("other", "chromium"): ["three"]}
        assert "left out" in capsys.readouterr().err

    def test_an_error_with_one_target_does_not_affect_the_others(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        write_run(tmp_path / "incoming" / "1", make_run(run_id="one", chats=8, lanes=2))
        for name in ("two", "again"):  # one run twice would count double
            records = with_meta(make_run(run_id="two", chats=8, lanes=2), target="other")
            write_run(tmp_path / "incoming" / name, records)
        ended = nightly(tmp_path / "incoming", tmp_path / "site", tmp_path / "out")
        assert [one.target for one in ended.judged] == ["reference"]
        (error,) = ended.wrong
        assert error.startswith("other, chromium: its evidence could not be judged")
        assert (tmp_path / "site" / "runs" / "one" / "index.html").is_file()

    @pytest.mark.parametrize("code", [0, 1, 4])
    def test_judging_has_all_folders_no_variable_of_a_shard_and_pytests_exit_code(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
    ) -> None:
        called: list[tuple[list[str], dict[str, str]]] = []

        def run(command: list[str], *, env: dict[str, str], **_: Any) -> Any:
            called.append((command, env))
            return subprocess.CompletedProcess(command, code)

        monkeypatch.setattr(subprocess, "run", run)
        monkeypatch.setenv("CHAT_E2E_SHARD", "1/2")
        monkeypatch.setenv("CHAT_E2E_OTHER", "stays")
        folders = [tmp_path / "one", tmp_path / "two"]
        assert judge_series(folders, tmp_path / "out", ["--show-ids"]) == code
        ((command, env),) = called
        given = [command[n + 1] for n, part in enumerate(command) if part == "--from-evidence"]
        assert given == [str(folder) for folder in folders]
        assert command[command.index("--out") + 1] == str(tmp_path / "out")
        assert command[-1] == "--show-ids"
        assert ("CHAT_E2E_SHARD" in env, env["CHAT_E2E_OTHER"]) == (False, "stays")


class TestNotify:
    def history(self, n: int) -> History:
        return History(tuple(example_history(random.Random(1), pinned_from=21)[:n]))

    def kept(self, place: Path, n: int) -> Store:
        store = Store(place)
        for entry in self.history(n).entries:
            store.add(entry)
        return store

    def test_only_a_change_of_state_sends_a_message(self) -> None:
        changed = [n for n in range(1, 31) if messages(self.history(n))]
        assert changed == [21]

    def test_a_recovery_is_a_change(self) -> None:
        bad, good = (
            example_history(random.Random(1), pinned_from=1)[0],
            example_history(random.Random(1), pinned_from=99)[1],
        )
        (text,) = messages(History((bad, good))).values()
        assert "fail -> pass" in text

    def test_the_message_has_the_date_and_a_link(self) -> None:
        (text,) = messages(self.history(21), "https://reports.example.org/").values()
        assert "pass -> fail" in text
        assert "since 2026-10-12" in text
        assert text.endswith("https://reports.example.org/runs/run-021/")

    def test_other_causes_and_an_alarm_of_passing_runs_are_changes(self) -> None:
        *before, last = self.history(22).entries
        other = replace(last, causes={"sticky-provider": 3})
        (text,) = messages(History((*before, other))).values()
        assert "fail, cause now sticky-provider (before: provider-pinned)" in text
        quiet = [replace(n, outcome="pass", causes={}, checks={}, where={}) for n in self.history(21).entries]
        (text,) = messages(History(tuple(quiet))).values()
        assert "pass; the run history raises an alarm" in text
        assert "since 2026-10-12 14:13: the sessions do not fit the expected shares" in text

    def test_the_webhook_receives_text(
        self, tmp_path: Path, listener: tuple[str, list[tuple[str, str, Any]]]
    ) -> None:
        url, received = listener
        assert notify(self.kept(tmp_path, 21), f"{url}/hook")
        (request,) = received
        assert request[:2] == ("POST", "/hook")
        assert "pass -> fail" in request[2]["text"]

    def test_a_run_of_another_target_repeats_no_message(
        self, tmp_path: Path, listener: tuple[str, list[tuple[str, str, Any]]]
    ) -> None:
        url, received = listener
        store = self.kept(tmp_path, 21)
        notify(store, url)
        assert len(received) == 1
        store.add(replace(self.history(20).entries[-1], run_id="elsewhere", target="other"))
        assert notify(store, url) == []
        assert len(received) == 1

    def test_a_message_is_sent_again_after_a_failed_webhook_whose_address_stays_secret(
        self, tmp_path: Path, listener: tuple[str, list[tuple[str, str, Any]]]
    ) -> None:
        url, received = listener
        store = self.kept(tmp_path, 21)
        with pytest.raises(HarnessError) as error:
            notify(store, "http://127.0.0.1:9/secret-path")
        assert "secret-path" not in str(error.value)
        assert notify(store, url)
        assert len(received) == 1

    def test_an_unreadable_note_of_sent_states_is_ignored(self, tmp_path: Path) -> None:
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
    received: list[tuple[str, str, Any]] = []
    ours = [{"id": 1, "body": "hello"}, {"id": 42, "body": "<!-- chat-session-e2e -->\nold"}]

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.command != "GET":
                received.append((self.command, self.path, json.loads(body)))
            content: Any = (
                (ours if "/issues/7/" in self.path else [])
                if self.command == "GET"
                else {"html_url": "there"}
            )
            data = json.dumps(content).encode()
            self.send_response(403 if "/forbidden/" in self.path else 200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = _answer  # noqa: N815 - the base class's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", received
        server.shutdown()


class TestGitHub:
    def test_one_comment_is_written_anew(self, listener: tuple[str, list[tuple[str, str, Any]]]) -> None:
        url, received = listener
        comment(Repository(url, "owner/name", "t"), 7, "news")
        (request,) = received
        assert request[:2] == ("PATCH", "/repos/owner/name/issues/comments/42")
        assert request[2]["body"].endswith("news")

    def test_the_first_comment_is_made(self, listener: tuple[str, list[tuple[str, str, Any]]]) -> None:
        url, received = listener
        comment(Repository(url, "owner/name", "t"), 8, "x" * 70_000)
        (request,) = received
        assert request[:2] == ("POST", "/repos/owner/name/issues/8/comments")
        assert len(request[2]["body"]) < 65_536

    def test_a_status_is_set(self, listener: tuple[str, list[tuple[str, str, Any]]]) -> None:
        url, received = listener
        status(Repository(url, "owner/name", "t"), "abc", "failure", "no", "https://r.example.org")
        assert received == [
            ("POST", "/repos/owner/name/statuses/abc", {"state": "failure", "context": "chat sessions", "description": "no", "target_url": "https://r.example.org"})
        ]  # fmt: skip

    @pytest.mark.parametrize("length", [139, 140, 141, 300])
    def test_a_status_has_the_140_characters_that_github_takes(
        self, listener: tuple[str, list[tuple[str, str, Any]]], length: int
    ) -> None:
        url, received = listener
        status(Repository(url, "owner/name", "t"), "abc", "success", "x" * length)
        assert received[0][2]["description"] == "x" * min(length, 140)
        assert "target_url" not in received[0][2]

    def test_a_refusal_names_which_permission(self, listener: tuple[str, list[tuple[str, str, Any]]]) -> None:
        with pytest.raises(HarnessError, match="403") as error:
            comment(Repository(listener[0], "forbidden/name", "t"), 7, "news")
        assert "pull-requests: write" in error.value.hint

    def test_without_a_token_nothing_is_tried(self) -> None:
        with pytest.raises(HarnessError, match="GITHUB_TOKEN"):
            Repository.of({"GITHUB_REPOSITORY": "owner/name"})


class TestBranch:
    def test_the_site_comes_back_and_the_branch_has_one_commit(self, tmp_path: Path) -> None:
        remote, site = tmp_path / "remote.git", tmp_path / "site"
        subprocess.run(["git", "init", "--quiet", "--bare", str(remote)], check=True)
        for _ in range(2):  # the second time the folder is there
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

    def test_an_address_that_fails_is_reported_without_its_token(self, tmp_path: Path) -> None:
        (tmp_path / "index.html").write_text("x", encoding="utf-8")
        with pytest.raises(HarnessError) as error:
            push("http://user:verysecret@127.0.0.1:9/x.git", "gh-pages", tmp_path)
        assert "verysecret" not in str(error.value)

    def test_without_a_site_nothing_is_pushed(self, tmp_path: Path) -> None:
        with pytest.raises(HarnessError, match="no site"):
            push("nowhere", "gh-pages", tmp_path)
