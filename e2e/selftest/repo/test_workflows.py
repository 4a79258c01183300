"""Workflows: each step calls an existing make target, each action is pinned, each job has the least permissions."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from e2e.plugin.settings.values import BROWSERS
from e2e.setup.places import REPO

WORKFLOWS = sorted((REPO / ".github" / "workflows").glob("*.yml"))
ACTIONS = sorted((REPO / ".github" / "actions").glob("*/action.yml"))
TARGETS = set(re.findall(r"^([a-z][a-z0-9-]*):", (REPO / "Makefile").read_text(encoding="utf-8"), re.M))


def read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return content


def jobs(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = read(path)["jobs"]
    return found


def steps(path: Path) -> list[dict[str, Any]]:
    content = read(path)
    return (
        [step for job in content["jobs"].values() for step in job["steps"]]
        if "jobs" in content
        else content["runs"]["steps"]
    )


def test_the_workflows_are_there() -> None:
    assert {p.stem for p in WORKFLOWS} == {"ci", "nightly", "regression", "self-tests"}


@pytest.mark.parametrize("path", [*WORKFLOWS, *ACTIONS], ids=lambda p: f"{p.parent.name}/{p.name}")
def test_each_step_calls_one_make_target(path: Path) -> None:
    for step in steps(path):
        if "run" in step:
            command = re.fullmatch(r"make ([a-z0-9-]+)", step["run"].strip())
            assert command, step["run"]
            assert command[1] in TARGETS


@pytest.mark.parametrize("path", [*WORKFLOWS, *ACTIONS], ids=lambda p: f"{p.parent.name}/{p.name}")
def test_each_action_is_pinned_to_a_commit_with_its_version_as_comment(path: Path) -> None:
    for line in path.read_text(encoding="utf-8").splitlines():
        uses = re.search(r"^\s+(?:- )?uses: (\S+)(.*)", line)
        if uses and not uses[1].startswith("./") and "OWNER/" not in uses[1]:
            assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", uses[1]), line
            assert re.search(r"# v\d", uses[2]), line


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.name)
def test_each_job_has_a_time_limit_and_least_permissions(path: Path) -> None:
    assert read(path)["permissions"] == {}
    for name, job in jobs(path).items():
        assert job["timeout-minutes"] <= 60, name
        assert "permissions" in job, name
    writers = {n for n, j in jobs(path).items() if any(v == "write" for v in j["permissions"].values())}
    assert writers <= {"judge", "regression"}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.name)
def test_each_workflow_has_a_concurrency_group(path: Path) -> None:
    assert read(path)["concurrency"]["group"]


def test_ci_gate_needs_every_job() -> None:
    found = jobs(next(p for p in WORKFLOWS if p.stem == "ci"))
    assert set(found["gate"]["needs"]) == set(found) - {"gate"}
    assert found["gate"]["if"] == "always()"


def test_all_shards_are_listed_and_judged_even_after_a_failure() -> None:
    found = jobs(next(p for p in WORKFLOWS if p.stem == "nightly"))
    shards = found["shard"]["strategy"]["matrix"]["shard"]
    assert shards == [f"{n}/{len(shards)}" for n in range(1, len(shards) + 1)]
    assert found["shard"]["strategy"]["fail-fast"] is False
    assert "cancelled" in found["judge"]["if"]


def test_each_night_has_every_browser() -> None:
    """What `make shard` installs and records follows from the variable."""
    shard = jobs(next(p for p in WORKFLOWS if p.stem == "nightly"))["shard"]
    assert tuple(shard["strategy"]["matrix"]["browser"]) == BROWSERS
    assert shard["env"]["CHAT_E2E_BROWSER"] == "${{ matrix.browser }}"


def test_a_release_takes_browsers_and_devices_and_keeps_the_junit_file() -> None:
    path = next(p for p in WORKFLOWS if p.stem == "regression")
    inputs = read(path)[True]["workflow_call"]["inputs"]  # type: ignore[index] # "on" is true in YAML 1.1
    job = jobs(path)["regression"]
    assert {"browsers", "devices"} <= set(inputs)
    assert job["env"]["CHAT_E2E_BROWSER"] == "${{ inputs.browsers }}"
    assert job["env"]["CHAT_E2E_DEVICE"] == "${{ inputs.devices }}"
    file = job["env"]["PYTEST_ADDOPTS"].removeprefix("--junit-xml=")
    kept = next(s["with"]["path"] for s in job["steps"] if "upload-artifact" in s.get("uses", ""))
    assert f"suite/{file}" in kept.split()


def test_secrets_reach_a_step_through_its_environment_only() -> None:
    for path in WORKFLOWS:
        for step in steps(path):
            assert "secrets." not in step.get("run", "")
            assert "${{" not in step.get("run", "")


def test_each_action_has_the_same_commit_everywhere() -> None:
    commits: dict[str, set[str]] = {}
    for path in (*WORKFLOWS, *ACTIONS):
        for action, commit in re.findall(
            r"uses: ([\w.-]+/[\w./-]+)@([0-9a-f]{40})", path.read_text(encoding="utf-8")
        ):
            commits.setdefault(action, set()).add(commit)
    assert len(commits) >= 5
    assert {action: found for action, found in commits.items() if len(found) > 1} == {}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.name)
def test_checkout_persists_no_credentials(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("persist-credentials: false") == text.count("uses: actions/checkout@")
