"""Image and Kubernetes manifests: they build, fit Kubernetes' schemas, and name what exists."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from e2e.cli.app import app
from e2e.cli.main import COMMANDS
from e2e.errors import HarnessError
from e2e.plugin.settings.fields import flag_of, variable_of
from e2e.plugin.settings.settings import Settings
from e2e.profile.profile import load
from e2e.selftest.tools.cluster.command import overlay
from e2e.selftest.tools.cluster.manifests import Manifest, build, find, job_spec, pod_spec
from e2e.setup.places import REPO

KUBERNETES = REPO / ".github" / "kubernetes"
CONTAINER = REPO / ".github" / "container"
FOLDERS = ("run", "nightly", "overlays/acme/run", "overlays/acme/nightly")
BUILDS = pytest.mark.parametrize("folder", FOLDERS)


@cache
def built(folder: str) -> list[Manifest]:
    return build(KUBERNETES / folder)


def jobs(folder: str) -> list[Manifest]:
    return [one for one in built(folder) if "Job" in one["kind"]]


def containers(folder: str) -> list[dict[str, Any]]:
    return [container for one in jobs(folder) for container in pod_spec(one)["containers"]]


class TestManifests:
    @pytest.mark.parametrize("version", ["1.33", "1.37"])  # 1.33 is the first with all that the Jobs use
    @BUILDS
    def test_they_fit_the_schemas_of_kubernetes(self, folder: str, version: str) -> None:
        assert {one["kind"] for one in built(folder)} >= {"ServiceAccount", "ConfigMap"}
        for one in built(folder):
            kubernetes_validate.validate(one, version, strict=True)

    @BUILDS
    def test_kubectl_builds_the_same(self, folder: str) -> None:
        """The builder of the self tests is not Kustomize; where there is one, both agree."""
        if shutil.which("kubectl") is None:
            pytest.skip("kubectl is not installed")
        done = subprocess.run(
            ["kubectl", "kustomize", str(KUBERNETES / folder)], capture_output=True, text=True, check=False
        )
        if "unknown command" in done.stderr:
            pytest.skip("this kubectl has no kustomize")
        assert done.returncode == 0, done.stderr
        unhashed = re.sub(
            r"(name: chat-e2e-(?:settings|profile)[\w-]*?)-[a-z0-9]{10}$", r"\1", done.stdout, flags=re.M
        )
        assert _sorted(yaml.safe_load_all(unhashed)) == _sorted(built(folder))

    @BUILDS
    def test_what_runs_is_limited_and_has_no_privileges(self, folder: str) -> None:
        for one in jobs(folder):
            pod = pod_spec(one)
            assert pod["restartPolicy"] == "Never"  # which the pod failure policy needs
            assert pod["automountServiceAccountToken"] is False
            assert pod["securityContext"]["runAsNonRoot"] is True
            assert pod["securityContext"]["runAsUser"] > 0
            assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in containers(folder):
            assert set(container["resources"]["limits"]) >= {"cpu", "memory", "ephemeral-storage"}
            assert set(container["resources"]["requests"]) == set(container["resources"]["limits"])
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "privileged": False,
                "capabilities": {"drop": ["ALL"]},
            }
            # pytest's cache, too, goes to what may be written
            assert {m["mountPath"] for m in container["volumeMounts"]} >= {"/tmp"}

    @BUILDS
    def test_one_setting_gives_the_number_of_shards(self, folder: str) -> None:
        settings = find(built(folder), "ConfigMap", "chat-e2e-settings")["data"]
        record = job_spec(next(one for one in jobs(folder) if "-record" in one["metadata"]["name"]))
        assert record["completions"] == record["parallelism"] == int(settings["SHARDS"])
        assert int(settings["CHAT_E2E_LANES"]) >= int(settings["SHARDS"])

    @BUILDS
    def test_commands_options_and_variables_exist(self, folder: str) -> None:
        options = {flag_of(name) for name in Settings.model_fields}
        variables = {variable_of(name) for name in Settings.model_fields}
        assert COMMANDS  # their import fills the tree
        commands = {command.callback.__name__ for command in app.registered_commands if command.callback}
        settings = find(built(folder), "ConfigMap", "chat-e2e-settings")["data"]
        assert {name for name in settings if name.startswith("CHAT_E2E_")} <= variables
        for container in containers(folder):
            used = {arg for arg in container["args"] if arg.startswith("--")}
            if container["name"] == "record":
                assert used <= options
            else:
                assert container["command"][-1] in commands
            text = " ".join(container["args"])
            assert set(re.findall(r"\$\((\w+)\)", text)) <= set(settings)

    @BUILDS
    def test_evidence_has_a_folder_of_its_own_for_each_run(self, folder: str) -> None:
        for container in containers(folder):
            assert "$(EVIDENCE)/{run}" in container["args"]
            assert {one["name"] for one in container["env"]} == {"JOB_NAME"}

    @pytest.mark.parametrize("name", ["record", "judge"])
    def test_the_nightly_jobs_are_those_of_one_run(self, name: str) -> None:
        once = find(built("run"), "Job", f"chat-e2e-{name}")
        nightly = find(built("nightly"), "CronJob", f"chat-e2e-{name}")
        assert job_spec(once) == job_spec(nightly)

    def test_both_cron_jobs_share_their_schedule(self) -> None:
        """Their Jobs' names then end in the same number, by which the judge finds the shards."""
        schedules = {(one["spec"]["schedule"], one["spec"]["timeZone"]) for one in jobs("nightly")}
        assert len(schedules) == 1

    def test_the_judge_outlives_its_wait(self) -> None:
        settings = find(built("run"), "ConfigMap", "chat-e2e-settings")["data"]
        assert (
            job_spec(find(built("run"), "Job", "chat-e2e-judge"))["activeDeadlineSeconds"]
            > int(settings["WAIT"]) + 600
        )

    def test_images_are_placeholders(self) -> None:
        assert {c["image"] for folder in ("run", "nightly") for c in containers(folder)} == {
            "chat-session-e2e"
        }
        hosts = {c["image"].split("/")[0] for c in containers("overlays/acme/run")}
        assert hosts == {"registry.example.org"}

    def test_the_profile_of_the_example_is_valid(self) -> None:
        assert load(str(KUBERNETES / "overlays" / "acme" / "target" / "acme.toml")).name == "acme"

    def test_what_the_builder_does_not_know_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "kustomization.yaml").write_text("kind: Kustomization\nvars: []\n")
        with pytest.raises(HarnessError, match="not known here: vars"):
            build(tmp_path)

    def test_an_overlay_of_the_local_runs_sets_the_shards(self, tmp_path: Path) -> None:
        objects = build(overlay(tmp_path, "x", {"SHARDS": 7}))
        assert job_spec(find(objects, "Job", "chat-e2e-record-x"))["completions"] == 7


class TestImage:
    text = (CONTAINER / "Containerfile").read_text(encoding="utf-8")

    def test_it_has_the_browsers_of_the_locked_playwright(self) -> None:
        lock = (REPO / "requirements.lock").read_text(encoding="utf-8")
        locked = re.search(r"^playwright==(\S+)", lock, re.M)
        assert locked is not None
        assert set(re.findall(r"playwright/python:v([\d.]+)", self.text)) == {locked[1]}

    def test_it_names_no_registry(self) -> None:
        """Nor a host: PLAYWRIGHT_IMAGE is given."""
        lines = [line for line in self.text.splitlines() if not line.startswith("#")]
        assert re.findall(r"[\w-]+\.[a-z]{2,}/", "\n".join(lines)) == []
        assert "FROM ${PLAYWRIGHT_IMAGE}" in lines

    def test_it_installs_the_lock_with_hashes_and_no_other_package(self) -> None:
        assert (
            "RUN python3 -m e2e.setup.venv" in self.text
        )  # which installs requirements.lock with --require-hashes
        assert re.findall(r"\b(?:pip|npm|apt-get|curl|wget)\b", self.text) == []

    def test_it_runs_as_a_user_without_privileges(self) -> None:
        users = re.findall(r"^USER (\S+)$", self.text, re.M)
        pods = {pod_spec(one)["securityContext"]["runAsUser"] for one in jobs("run")}
        assert [user.split(":")[0] for user in users] == [str(user) for user in pods]

    def test_it_is_stopped_as_by_ctrl_c(self) -> None:
        assert re.findall(r"^STOPSIGNAL (\w+)$", self.text, re.M) == ["SIGINT"]

    def test_what_it_copies_exists_and_is_not_ignored(self) -> None:
        ignore = (CONTAINER / "Containerfile.dockerignore").read_text(encoding="utf-8").splitlines()
        copied = [path for line in re.findall(r"^COPY (.*)$", self.text, re.M) for path in line.split()[:-1]]
        assert [path for path in copied if not (REPO / path).exists()] == []
        assert {path.split("/")[0] for path in copied} <= {
            line[1:] for line in ignore if line.startswith("!")
        }

    def test_all_that_pytest_needs_is_copied(self) -> None:
        configured = tomllib.loads((REPO / "pyproject.toml").read_text(encoding="utf-8"))
        assert configured["tool"]["pytest"]["ini_options"]["testpaths"] == ["e2e/specs"]
        assert {
            "COPY conftest.py ./",
            "COPY e2e e2e",
            "COPY fixtures fixtures",
            "COPY reports reports",
        } <= set(self.text.splitlines())

    def test_hadolint_finds_nothing(self) -> None:
        places = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # the lock has it
        hadolint = shutil.which("hadolint", path=places)
        if hadolint is None:
            pytest.skip("hadolint is not installed")
        done = subprocess.run(
            [hadolint, str(CONTAINER / "Containerfile")], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout) == (0, "")


def _sorted(objects: Any) -> list[Any]:
    return sorted(objects, key=lambda one: (one["kind"], one["metadata"]["name"]))
