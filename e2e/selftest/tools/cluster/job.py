"""Runs a Kubernetes Job on this machine: its exact command as a local process for each completion index, by the Job's rules.

What is followed: completions and parallelism, ``backoffLimit`` and ``backoffLimitPerIndex``, and the pod failure policy
(https://kubernetes.io/docs/concepts/workloads/controllers/job/). Each attempt has a ``/tmp`` of its own, as in the cluster.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from e2e.selftest.tools.cluster.manifests import Manifest, find, job_spec, pod_spec
from e2e.setup.places import REPO

Action = Literal["Count", "Ignore", "FailIndex", "FailJob"]
Wrap = Callable[[Sequence[str], Path], Sequence[str]]
"""Wraps a command (a container runtime would), with the attempt's ``/tmp``."""

_LOOK_EVERY = 0.05  # seconds; a process can only be looked at


@dataclass(slots=True)
class Attempt:
    """One pod of the Job."""

    index: int
    number: int
    """0 is the first attempt of its index."""
    tmp: Path
    process: subprocess.Popen[bytes]
    began: float
    code: int | None = None
    """Exit code as Kubernetes reports it: 137 for a process that was killed."""
    disrupted: bool = False
    """The machine was taken away: the pod has the condition DisruptionTarget."""

    @property
    def log(self) -> str:
        return (self.tmp / "log.txt").read_text(encoding="utf-8", errors="replace")


@dataclass(slots=True)
class JobEnded:
    """What became of a Job."""

    succeeded: set[int]
    failed: set[int]
    attempts: list[Attempt] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def complete(self) -> bool:
        return not self.failed


class LocalJob:
    """A Job (or a CronJob's) out of built manifests."""

    def __init__(
        self,
        manifest: Manifest,
        manifests: Sequence[Manifest],
        folder: Path,
        *,
        secret: Mapping[str, str],
        name: str = "",
        wrap: Wrap = lambda command, _: command,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """``secret`` is the content of the Secret; ``name`` the Job's, where a CronJob makes it; ``settings`` replace values
        of the ConfigMap, as an overlay would."""
        self._spec = job_spec(manifest)
        self._pod = pod_spec(manifest)
        (self._container,) = self._pod["containers"]
        self._manifests = manifests
        self._folder = folder
        self._secret = secret
        self._settings = settings or {}
        self._wrap = wrap
        self.name: str = name or manifest["metadata"]["name"]
        self.indexed = self._spec.get("completionMode") == "Indexed"

    def run(self, watch: Callable[[list[Attempt]], None] = lambda _: None) -> JobEnded:
        """Run it to its end. ``watch`` is called again and again with the attempts that are going on."""
        completions = self._spec.get("completions", 1)
        waiting, going = list(range(completions)), list[Attempt]()
        failures: Counter[int] = Counter()
        ended, stopped = JobEnded(set(), set()), False
        began = time.monotonic()
        while waiting or going:
            while waiting and len(going) < self._spec.get("parallelism", 1):
                attempt = self._start(waiting.pop(0), ended.attempts)
                ended.attempts.append(attempt)
                going.append(attempt)
            watch(going)
            time.sleep(_LOOK_EVERY)
            for attempt in [one for one in going if one.process.poll() is not None]:
                going.remove(attempt)
                code = attempt.process.returncode
                attempt.code = 128 - code if code < 0 else code
                if attempt.code == 0:
                    ended.succeeded.add(attempt.index)
                    continue
                action = self.action(attempt.code, disrupted=attempt.disrupted)
                failures[attempt.index] += action == "Count"
                if action == "FailJob" or self._over(failures, attempt.index, action):
                    ended.failed.add(attempt.index)
                elif not stopped:
                    waiting.append(attempt.index)
                if not stopped and (action == "FailJob" or (not self.indexed and ended.failed)):
                    stopped = True
                    waiting.clear()
                    for other in going:
                        other.process.send_signal(signal.SIGINT)  # the stop signal of the image
        if stopped:
            ended.failed |= set(range(completions)) - ended.succeeded
        ended.seconds = time.monotonic() - began
        return ended

    def action(self, code: int, *, disrupted: bool = False) -> Action:
        """What the first matching rule of the pod failure policy does with a failed pod."""
        for rule in self._spec.get("podFailurePolicy", {}).get("rules", ()):
            conditions = [condition["type"] for condition in rule.get("onPodConditions", ())]
            if disrupted and "DisruptionTarget" in conditions:
                return rule["action"]  # type: ignore[no-any-return]
            codes = rule.get("onExitCodes")
            if codes is not None and (code in codes["values"]) == (codes["operator"] == "In"):
                return rule["action"]  # type: ignore[no-any-return]
        return "Count"

    def environment(self, index: int) -> dict[str, str]:
        """The container's variables."""
        variables: dict[str, str] = {}
        for source in self._container.get("envFrom", ()):
            if "configMapRef" in source:
                variables |= find(self._manifests, "ConfigMap", source["configMapRef"]["name"])["data"]
                variables |= self._settings
            else:
                variables |= self._secret
        for one in self._container.get("env", ()):
            variables[one["name"]] = one["value"] if "value" in one else self._field(one["valueFrom"])
        if self.indexed:
            variables["JOB_COMPLETION_INDEX"] = str(index)
        return variables

    def command(self, index: int) -> list[str]:
        """Command and arguments, with ``$(NAME)`` replaced."""
        variables = self.environment(index)

        def value(found: re.Match[str]) -> str:
            return variables.get(found[1], found[0])

        whole = [*self._container["command"], *self._container.get("args", ())]
        return [re.sub(r"\$\(([A-Z0-9_]+)\)", value, part) for part in whole]

    def _over(self, failures: Counter[int], index: int, action: Action) -> bool:
        """The index has failed for good."""
        if action == "FailIndex":
            return True
        limit: int = self._spec["backoffLimitPerIndex"] if self.indexed else self._spec.get("backoffLimit", 6)
        return failures[index] > limit

    def _field(self, source: dict[str, Any]) -> str:
        path = source["fieldRef"]["fieldPath"]
        if path != "metadata.labels['batch.kubernetes.io/job-name']":
            raise LookupError(f"not known here: {path}")
        return self.name

    def _start(self, index: int, earlier: Sequence[Attempt]) -> Attempt:
        number = sum(one.index == index for one in earlier)
        tmp = self._folder / f"{self.name}-{index}-{number}"
        tmp.mkdir(parents=True)
        mounts = self._mounted(tmp)
        command = [_below(part, mounts) for part in self.command(index)]
        command[0] = sys.executable if command[0] == ".venv/bin/python" else command[0]
        outer = {
            k: v for k, v in os.environ.items() if not k.startswith(("CHAT_E2E_", "PYTEST_", "JOB_", "AWS_"))
        }
        variables = {k: _below(v, mounts) for k, v in self.environment(index).items()}
        with (tmp / "log.txt").open("wb") as log:
            process = subprocess.Popen(
                self._wrap(command, tmp),
                cwd=REPO,
                env=outer | variables | {"TMPDIR": str(tmp)},
                stdout=log,
                stderr=log,
            )
        return Attempt(index, number, tmp, process, time.monotonic())

    def _mounted(self, tmp: Path) -> dict[str, Path]:
        """Mount path -> folder, of what the container writes and reads."""
        volumes = {volume["name"]: volume for volume in self._pod.get("volumes", ())}
        mounts: dict[str, Path] = {}
        for mount in self._container.get("volumeMounts", ()):
            volume = volumes[mount["name"]]
            if mount["mountPath"] == "/tmp":
                mounts["/tmp"] = tmp
            elif "configMap" in volume:
                place = mounts[mount["mountPath"]] = tmp / mount["name"]
                place.mkdir()
                for name, text in find(self._manifests, "ConfigMap", volume["configMap"]["name"])[
                    "data"
                ].items():
                    (place / name).write_text(text, encoding="utf-8")
        return mounts


def _below(text: str, mounts: Mapping[str, Path]) -> str:
    for path, folder in mounts.items():
        text = re.sub(rf"(?<![\w/.]){re.escape(path)}(?=/|$)", str(folder), text)
    return text
