"""Guards the freshness of what is built and installed: a stale build tests yesterday's frontend."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from e2e.errors import HarnessError
from e2e.setup import frontend, node, venv
from e2e.setup.places import REPO
from fixtures.reference_chat import paths


def built(sources: Path) -> Path:
    return sources.parent / "build" / "dist"


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small frontend, with npm replaced by a builder that writes one page."""
    folder = tmp_path / "frontend"
    (folder / "src").mkdir(parents=True)
    (folder / "package.json").write_text("{}")
    (folder / "package-lock.json").write_text("{}")
    (folder / "src" / "main.ts").write_text("let a = 1;")
    monkeypatch.setattr(frontend, "FRONTEND", folder)
    monkeypatch.setattr(frontend, "BUILT", built(folder))
    monkeypatch.setattr(frontend, "_SEAL", built(folder).parent / "built-from")
    monkeypatch.setattr(node, "NODE_HOME", tmp_path / "node")

    def build(*arguments: str, cwd: Path) -> str:
        if "build" in arguments:
            out = Path(arguments[arguments.index("--outDir") + 1])
            out.mkdir(parents=True)
            (out / "index.html").write_text((cwd / "src" / "main.ts").read_text())
        else:
            (cwd / "node_modules").mkdir(exist_ok=True)
        return ""

    monkeypatch.setattr(frontend, "npm", build)
    monkeypatch.setattr(node, "npm", build)
    return folder


class TestBuild:
    def test_it_is_built_once(self, sources: Path) -> None:
        assert [frontend.build_frontend(), frontend.build_frontend()] == [True, False]

    @pytest.mark.parametrize("name", ["src/main.ts", "src/new.css", "package.json", "vite.config.ts"])
    def test_a_changed_source_builds_it_again(self, sources: Path, name: str) -> None:
        frontend.build_frontend()
        (sources / name).write_text("let a = 2;")
        assert frontend.build_frontend()

    def test_what_is_no_source_does_not(self, sources: Path) -> None:
        frontend.build_frontend()
        for name in (
            "dist/x.js",
            ".dist-1/x.js",
            "coverage/x.html",
            "src/main.test.ts",
            "tsconfig.tsbuildinfo",
        ):
            (sources / name).parent.mkdir(exist_ok=True)
            (sources / name).write_text("x")
        assert not frontend.build_frontend()

    def test_a_new_time_alone_does_not(self, sources: Path) -> None:
        frontend.build_frontend()
        (sources / "src" / "main.ts").touch()
        assert not frontend.build_frontend()

    def test_a_build_that_was_removed_is_made_again(self, sources: Path) -> None:
        frontend.build_frontend()
        (built(sources) / "index.html").unlink()
        assert frontend.build_frontend()

    def test_a_failed_build_leaves_the_old_one_and_no_draft(
        self, sources: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        frontend.build_frontend()
        (sources / "src" / "main.ts").write_text("let a = ;")

        def fails(*arguments: str, cwd: Path) -> str:
            Path(arguments[arguments.index("--outDir") + 1]).mkdir()
            raise HarnessError("syntax error")

        monkeypatch.setattr(frontend, "npm", fails)
        with pytest.raises(HarnessError, match="syntax error"):
            frontend.build_frontend()
        assert (built(sources) / "index.html").read_text() == "let a = 1;"
        assert sorted(p.name for p in built(sources).parent.iterdir()) == ["built-from", "dist"]
        assert not list(sources.glob(".dist-*"))
        assert not frontend.is_built(frontend.fingerprint(sources))


class TestPackages:
    def test_they_are_installed_again_when_the_lock_changes(self, sources: Path) -> None:
        done = [frontend.install_frontend_packages(), frontend.install_frontend_packages()]
        (sources / "package-lock.json").write_text('{"lockfileVersion": 3}')
        assert [*done, frontend.install_frontend_packages()] == [True, False, True]

    def test_the_tree_gets_a_link_only(self, sources: Path, tmp_path: Path) -> None:
        frontend.install_frontend_packages()
        link = sources / "node_modules"
        assert link.is_symlink()
        assert link.resolve() == tmp_path / "node" / "frontend" / "node_modules"

    def test_a_folder_that_somebody_made_is_kept(self, sources: Path) -> None:
        (sources / "node_modules").mkdir()
        assert frontend.install_frontend_packages()
        assert not (sources / "node_modules").is_symlink()

    def test_a_missing_lock_is_a_clear_error(self, sources: Path) -> None:
        (sources / "package-lock.json").unlink()
        with pytest.raises(HarnessError, match=r"package-lock\.json is not there"):
            frontend.install_frontend_packages()

    def test_npms_reason_is_in_the_error(self, tmp_path: Path) -> None:
        with pytest.raises(HarnessError, match="can only install with an existing package-lock"):
            node.npm("ci", cwd=tmp_path)


class TestDist:
    @pytest.fixture
    def places(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
        monkeypatch.delenv("CHAT_E2E_FRONTEND_DIST", raising=False)
        monkeypatch.setattr(paths, "FRONTEND", tmp_path / "frontend")
        monkeypatch.setattr(paths, "BUILT", tmp_path / "built")
        return paths.BUILT, tmp_path / "frontend" / "dist"

    def test_without_any_build_it_is_the_place_of_make_setup(self, places: tuple[Path, Path]) -> None:
        assert paths.frontend_dist() == places[0]

    @pytest.mark.parametrize("newer", [0, 1])
    def test_the_newer_build_counts(self, places: tuple[Path, Path], newer: int) -> None:
        for number, folder in enumerate(places):
            folder.mkdir(parents=True)
            (folder / "index.html").touch()
            os.utime(folder / "index.html", (1000, 2000 if number == newer else 1000))
        assert paths.frontend_dist() == places[newer]

    def test_the_environment_decides(
        self, places: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CHAT_E2E_FRONTEND_DIST", "/elsewhere")
        assert paths.frontend_dist() == Path("/elsewhere")


class TestVenv:
    def test_a_missing_ensurepip_names_the_way_out(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        monkeypatch.setattr("os.geteuid", lambda: 1000, raising=False)
        with pytest.raises(HarnessError, match="ensurepip is missing") as raised:
            venv.ensure_venv(tmp_path / "venv")
        assert "python3-venv" in raised.value.way_out

    def test_the_lock_is_installed_again_only_when_it_changed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(venv, "LOCK", tmp_path / "lock")
        monkeypatch.setattr(venv, "STAMP", tmp_path / "stamp")
        (tmp_path / "lock").write_text("a")
        python = Path("/bin/true")
        done = [venv.install_lock(python), venv.install_lock(python)]
        (tmp_path / "lock").write_text("b")
        assert [*done, venv.install_lock(python)] == [True, False, True]

    def test_a_failed_installation_is_not_remembered(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(venv, "LOCK", tmp_path / "lock")
        monkeypatch.setattr(venv, "STAMP", tmp_path / "stamp")
        (tmp_path / "lock").write_text("a")
        with pytest.raises(HarnessError, match="pip ended with 1"):
            venv.install_lock(Path("/bin/false"))
        assert not (tmp_path / "stamp").exists()


def test_the_set_up_imports_the_standard_library_only() -> None:
    """It runs before anything is installed, and browser.py is imported at each start of pytest."""
    modules = "e2e.setup.venv, e2e.setup.browser, e2e.setup.frontend, e2e.setup.allure"
    code = f"import sys; sys.path.insert(0, {str(REPO)!r}); import {modules}"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
