"""When the frontend is built and packages are installed. A stale build would test an old frontend."""

from __future__ import annotations

import os
import re
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
    """A small frontend. npm is replaced by a function that builds one page."""
    folder = tmp_path / "frontend"
    (folder / "src").mkdir(parents=True)
    (folder / "package.json").write_text("{}")
    (folder / "package-lock.json").write_text("{}")
    (folder / "src" / "main.ts").write_text("let a = 1;")
    monkeypatch.setattr(frontend, "FRONTEND", folder)
    monkeypatch.setattr(frontend, "BUILT", built(folder))
    monkeypatch.setattr(frontend, "_FINGERPRINT_FILE", built(folder).parent / "built-from")
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
    def test_second_build_does_nothing(self, sources: Path) -> None:
        assert [frontend.build_frontend(), frontend.build_frontend()] == [True, False]

    @pytest.mark.parametrize("name", ["src/main.ts", "src/new.css", "package.json", "vite.config.ts"])
    def test_changed_source_is_built_again(self, sources: Path, name: str) -> None:
        frontend.build_frontend()
        (sources / name).write_text("let a = 2;")
        assert frontend.build_frontend()

    def test_file_that_is_no_source_does_not_cause_a_build(self, sources: Path) -> None:
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

    def test_new_modification_time_does_not_cause_a_build(self, sources: Path) -> None:
        frontend.build_frontend()
        (sources / "src" / "main.ts").touch()
        assert not frontend.build_frontend()

    def test_removed_build_is_made_again(self, sources: Path) -> None:
        frontend.build_frontend()
        (built(sources) / "index.html").unlink()
        assert frontend.build_frontend()

    def test_failed_build_keeps_the_old_one_and_removes_its_files(
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
    def test_packages_are_installed_again_when_the_lock_changes(self, sources: Path) -> None:
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

    def test_missing_lock_is_an_error(self, sources: Path) -> None:
        (sources / "package-lock.json").unlink()
        with pytest.raises(HarnessError, match=r"package-lock\.json does not exist"):
            frontend.install_frontend_packages()

    def test_error_contains_the_reason_of_npm(self, tmp_path: Path) -> None:
        with pytest.raises(HarnessError, match="can only install with an existing package-lock"):
            node.npm("ci", cwd=tmp_path)


class TestDist:
    @pytest.fixture
    def folders(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
        monkeypatch.delenv("CHAT_E2E_FRONTEND_DIST", raising=False)
        monkeypatch.setattr(paths, "FRONTEND", tmp_path / "frontend")
        monkeypatch.setattr(paths, "BUILT", tmp_path / "built")
        return paths.BUILT, tmp_path / "frontend" / "dist"

    def test_without_a_build_it_is_the_folder_of_make_setup(self, folders: tuple[Path, Path]) -> None:
        assert paths.frontend_dist() == folders[0]

    @pytest.mark.parametrize("newer", [0, 1])
    def test_newer_build_is_served(self, folders: tuple[Path, Path], newer: int) -> None:
        for number, folder in enumerate(folders):
            folder.mkdir(parents=True)
            (folder / "index.html").touch()
            os.utime(folder / "index.html", (1000, 2000 if number == newer else 1000))
        assert paths.frontend_dist() == folders[newer]

    def test_environment_variable_overrides_every_build(
        self, folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CHAT_E2E_FRONTEND_DIST", "/elsewhere")
        assert paths.frontend_dist() == Path("/elsewhere")


LOCKED = """\
urllib3==2.8.0 \\
    --hash=sha256:aaaa
    # via requests
uv==0.13.9 \\
    --hash=sha256:bbbb \\
    --hash=sha256:cccc
    # via suite (pyproject.toml)
zipp==1.0 \\
    --hash=sha256:dddd
"""


@pytest.mark.skipif(os.name != "posix", reason="the stubs are shell scripts")
class TestVenv:
    """With stubs for the environment's Python and uv, which record their arguments."""

    @pytest.fixture
    def python(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setattr(venv, "LOCK", tmp_path / "requirements.lock")
        monkeypatch.setattr(venv, "STAMP", tmp_path / "stamp")
        venv.LOCK.write_text(LOCKED)
        (tmp_path / "bin").mkdir()
        python = tmp_path / "bin" / "python"
        # The last argument is the requirements file: pip brings uv when that is what it installs.
        self.script(
            python, 'for last; do :; done; cat "$last" > bin/requirements; cp bin/new-uv bin/uv', "pip"
        )
        self.script(tmp_path / "bin" / "new-uv", "", "uv")
        return python

    def script(self, path: Path, commands: str, name: str) -> None:
        folder = path.parents[1]
        path.write_text(f'#!/bin/sh\ncd {folder}\necho {name} "$@" >> calls\n{commands}\n')
        path.chmod(0o755)

    def calls(self, python: Path) -> list[str]:
        return (python.parents[1] / "calls").read_text().splitlines()

    def test_pip_installs_uv_as_locked_and_uv_the_rest(self, python: Path) -> None:
        assert venv.install_lock(python)
        pip, uv = self.calls(python)
        assert "--require-hashes" in pip
        requirements = (python.parent / "requirements").read_text()
        assert requirements.startswith("uv==0.13.9 ")
        assert re.findall(r"sha256:(\w+)", requirements) == ["bbbb", "cccc"]
        assert uv == f"uv pip sync --quiet --require-hashes --python {python} {venv.LOCK}"

    def test_uv_of_the_environment_is_used_as_it_is(self, python: Path) -> None:
        self.script(python.with_name("uv"), "", "old-uv")
        venv.install_lock(python)
        assert [call.split()[0] for call in self.calls(python)] == ["old-uv"]

    @pytest.mark.parametrize("uv", ["exit 2", None])
    def test_pip_installs_the_lock_when_uv_cannot(
        self, python: Path, uv: str | None, capsys: pytest.CaptureFixture[str]
    ) -> None:
        if uv is None:
            venv.LOCK.write_text("zipp==1.0 --hash=sha256:dddd")
        else:
            self.script(python.with_name("new-uv"), uv, "uv")
        assert venv.install_lock(python)
        assert self.calls(python)[-1].endswith(f"--require-hashes -r {venv.LOCK}")
        assert "trying pip" in capsys.readouterr().out

    def test_lock_is_installed_again_only_when_it_has_changed(self, python: Path) -> None:
        done = [venv.install_lock(python), venv.install_lock(python)]
        venv.LOCK.write_text(LOCKED.replace("zipp==1.0", "zipp==1.1"))
        assert [*done, venv.install_lock(python)] == [True, False, True]

    def test_failed_installation_is_not_recorded(self, python: Path) -> None:
        self.script(python, "exit 1", "pip")
        with pytest.raises(HarnessError, match="pip ended with 1"):
            venv.install_lock(python)
        assert not venv.STAMP.exists()

    def test_uv_is_in_the_lock(self) -> None:
        entry = venv._UV.search(venv.LOCK.read_text(encoding="utf-8"))
        assert entry is not None
        assert entry.group().count("--hash=sha256:") > 5
        assert entry.group().count("==") == 1

    def test_missing_ensurepip_is_an_error_with_a_hint(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        monkeypatch.setattr("os.geteuid", lambda: 1000, raising=False)
        with pytest.raises(HarnessError, match="ensurepip is missing") as raised:
            venv.ensure_venv(tmp_path / "venv")
        assert "python3-venv" in raised.value.hint


def test_setup_imports_only_the_standard_library() -> None:
    """It runs before anything is installed, and each start of pytest imports browser.py."""
    modules = "e2e.setup.venv, e2e.setup.browser, e2e.setup.frontend, e2e.setup.allure"
    code = f"import sys; sys.path.insert(0, {str(REPO)!r}); import {modules}"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
