"""What ``kustomize build`` makes of a folder, for the part of Kustomize that ``.github/kubernetes`` uses.

Anything else is refused, so that nothing is silently left out. A self test compares the result with kubectl's own.
ConfigMaps have no hash at the end of their names here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

from e2e.errors import HarnessError

Manifest = dict[str, Any]

_KNOWN = {
    "apiVersion", "kind", "resources", "components", "namespace", "nameSuffix", "images", "configMapGenerator", "patches",
    "replacements",
}  # fmt: skip


def build(folder: Path) -> list[Manifest]:
    """The objects that a Kustomization describes. Raises `HarnessError` for what this does not know."""
    return _built(folder.resolve(), [])


def find(manifests: Iterable[Manifest], kind: str, name: str = "") -> Manifest:
    """The object of a kind whose name begins with ``name``. Raises `LookupError` unless there is exactly one."""
    found = [m for m in manifests if m["kind"] == kind and m["metadata"]["name"].startswith(name)]
    if len(found) != 1:
        raise LookupError(f"{len(found)} objects of kind {kind} begin with {name!r}")
    return found[0]


def pod_spec(manifest: Manifest) -> dict[str, Any]:
    """The pod's specification in a Job or a CronJob."""
    spec: dict[str, Any] = job_spec(manifest)["template"]["spec"]
    return spec


def job_spec(manifest: Manifest) -> dict[str, Any]:
    """The Job's specification in a Job or a CronJob."""
    spec: dict[str, Any] = manifest["spec"]
    return spec["jobTemplate"]["spec"] if manifest["kind"] == "CronJob" else spec


def _built(folder: Path, base: list[Manifest]) -> list[Manifest]:
    """Of a Kustomization, or of a Component, which changes what ``base`` has."""
    path = folder / "kustomization.yaml"
    try:
        known: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise HarnessError(f"{folder} has no kustomization.yaml") from None
    unknown = sorted(set(known) - _KNOWN)
    if unknown:
        raise HarnessError(
            f"{path}: not known here: {', '.join(unknown)}", hint="`kubectl kustomize` builds it"
        )
    objects = base
    for name in known.get("resources", ()):
        place = folder / name
        found = (
            _built(place, []) if place.is_dir() else [*yaml.safe_load_all(place.read_text(encoding="utf-8"))]
        )
        objects = [*objects, *found]
    for name in known.get("components", ()):
        objects = _built(folder / name, objects)
    for generator in known.get("configMapGenerator", ()):
        objects = _with_config_map(objects, generator, folder)
    for patch in known.get("patches", ()):
        _patch(objects, patch, folder)
    _set_images(objects, known.get("images", ()))
    _rename(objects, known.get("nameSuffix", ""))
    for one in objects:
        if "namespace" in known:
            one["metadata"]["namespace"] = known["namespace"]
    for replacement in known.get("replacements", ()):
        _replace(objects, replacement, known.get("nameSuffix", ""))
    return objects


def _with_config_map(objects: list[Manifest], generator: dict[str, Any], folder: Path) -> list[Manifest]:
    data = dict(literal.split("=", 1) for literal in generator.get("literals", ()))
    data |= {
        Path(name).name: (folder / name).read_text(encoding="utf-8") for name in generator.get("files", ())
    }
    if generator.get("behavior") == "merge":
        find(objects, "ConfigMap", generator["name"])["data"].update(data)
        return objects
    made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": generator["name"]}, "data": data}
    return [*objects, made]


def _patch(objects: list[Manifest], patch: dict[str, Any], folder: Path) -> None:
    target = patch["target"]
    steps = yaml.safe_load((folder / patch["path"]).read_text(encoding="utf-8"))
    for one in objects:
        if one["kind"] != target["kind"] or not re.fullmatch(target["name"], one["metadata"]["name"]):
            continue
        for step in steps:
            *parents, last = step["path"].strip("/").split("/")
            if step["op"] != "add" or last != "-":
                raise HarnessError(f"{folder / patch['path']}: not known here: {step['op']} {step['path']}")
            place: Any = one
            for part in parents:
                place = place[int(part)] if part.isdigit() else place[part]
            place.append(deepcopy(step["value"]))


def _set_images(objects: list[Manifest], images: Iterable[dict[str, str]]) -> None:
    for image in images:
        for container in (c for one in objects if "Job" in one["kind"] for c in pod_spec(one)["containers"]):
            if container["image"].split(":")[0] == image["name"]:
                version = f"@{image['digest']}" if "digest" in image else f":{image['newTag']}"
                container["image"] = image.get("newName", image["name"]) + version


def _rename(objects: list[Manifest], suffix: str) -> None:
    """Give the objects their names, and whatever names them."""
    ours = {(one["kind"], one["metadata"]["name"]) for one in objects}

    def renamed(holder: dict[str, Any], key: str, kind: str) -> None:
        if (kind, holder.get(key)) in ours:
            holder[key] += suffix

    for one in objects:
        one["metadata"]["name"] += suffix
        if "Job" not in one["kind"]:
            continue
        pod = pod_spec(one)
        renamed(pod, "serviceAccountName", "ServiceAccount")
        for source in (s for c in pod["containers"] for s in c.get("envFrom", ())):
            renamed(source.get("configMapRef", {}), "name", "ConfigMap")
        for volume in pod.get("volumes", ()):
            renamed(volume.get("configMap", {}), "name", "ConfigMap")


def _replace(objects: list[Manifest], replacement: dict[str, Any], suffix: str) -> None:
    source = replacement["source"]
    value: Any = find(objects, source["kind"], source["name"])
    for part in source["fieldPath"].split("."):
        value = value[part]
    for target in replacement["targets"]:
        one = find(objects, target["select"]["kind"], target["select"]["name"] + suffix)
        for path in target["fieldPaths"]:
            *parents, last = path.split(".")
            place: Any = one
            for part in parents:
                place = place[part]
            place[last] = type(place[last])(value)  # the field keeps its type
