"""The JSON Schema of a profile, generated from its types."""

from __future__ import annotations

import json
import re
from typing import Any

from e2e.profile.profile import Profile


def schema() -> str:
    """The JSON Schema, as text. Editors use it to complete and validate a profile."""
    raw = Profile.model_json_schema(by_alias=True)
    extract = raw["$defs"]["Extract"]
    raw["$defs"]["Extract"] = {
        "description": extract.pop("description"),
        "anyOf": [
            {"type": "string", "minLength": 1, "description": "JMESPath into the JSON, in short."},
            extract,
        ],
    }
    tidy = _tidy(raw)
    tidy.pop("title", None)
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Profile of a chat target (chat-session-e2e)",
    }
    return json.dumps(head | tidy, indent=2, ensure_ascii=False) + "\n"


def _tidy(node: Any, *, names: bool = False) -> Any:
    """Without null, which TOML does not have, and without generated titles. ``names``: the keys are names of properties."""
    if isinstance(node, list):
        return [_tidy(part) for part in node]
    if not isinstance(node, dict):
        return node
    if names:
        return {key: _tidy(part) for key, part in node.items()}
    node = {k: v for k, v in node.items() if k != "title" and not (k == "default" and _is_empty(v))}
    options = [part for part in node.get("anyOf", []) if part != {"type": "null"}]
    if len(options) == 1:
        node.pop("anyOf")
        node = options[0] | node
        node.pop("title", None)
    elif options:
        node["anyOf"] = options
    if "description" in node:
        node["description"] = markdown(node["description"])
    kept = ("examples", "default", "const", "enum")
    return {k: v if k in kept else _tidy(v, names=k in ("properties", "$defs")) for k, v in node.items()}


def _is_empty(default: Any) -> bool:
    return default is None or isinstance(default, dict) or (isinstance(default, list) and not default)


def markdown(docstring: str) -> str:
    """Markdown of a docstring."""
    return re.sub(r"[ \t]*\n[ \t]*", "\n", docstring.replace("``", "`").strip())
