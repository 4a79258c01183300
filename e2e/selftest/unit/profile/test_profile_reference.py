"""The reference page and the JSON Schema are generated from the code, and every example in them is valid."""

from __future__ import annotations

import copy
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from e2e.profile import reference_page
from e2e.profile.profile import TARGETS, parse, toml_value
from e2e.profile.recipes import MINIMAL, RECIPES
from e2e.profile.reference_page import PAGE, SCHEMA, Example, generated, tables

EXAMPLES = list(reference_page.examples())
SCHEMA_NOW: dict[str, Any] = json.loads(generated()[SCHEMA])
WORDS = re.compile(r"```toml\n(.*?)```", re.DOTALL)

_USER = {"fill": {"into": {"label": "User"}, "text": "${CHAT_USER}"}}
_LOOKUP = {"method": "GET", "path": "/s/{session}", "provider": "p"}
_CALLS = {"active": "state", "distribution": "state", "id": "translate"}
_AROUND: dict[str, dict[str, Any]] = {
    "Account": {"login": {"steps": [_USER]}},
    "WireRule.answered_by": {"events": {"name": "events", "direction": "received", "url": "/events$"}},
}


class TestGeneratedFiles:
    @pytest.mark.parametrize("path", [PAGE, SCHEMA], ids=lambda path: path.name)
    def test_a_generated_file_is_up_to_date(self, path: Path) -> None:
        assert path.read_text(encoding="utf-8") == generated()[path], "hint: python -m e2e reference"

    def test_every_key_of_every_table_is_on_the_page(self) -> None:
        text = generated()[PAGE]
        for example in EXAMPLES:
            section = text.split(f"\n### {example.table.title}\n")[1].split("\n### ")[0]
            assert f"\n| `{example.key}` |" in section


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: f"{e.table.model.__name__}.{e.key}")
class TestKeys:
    def test_a_key_has_a_description_and_an_example(self, example: Example) -> None:
        field = next(f for n, f in example.table.model.model_fields.items() if example.key in (f.alias, n))
        assert field.description
        assert example.value is not None

    def test_its_example_is_valid_in_a_complete_profile(self, example: Example) -> None:
        value = tomllib.loads(f"x = {toml_value(example.value)}")["x"]
        parse(_around(example, value), "e2e/docs/profiles.md")


def _around(example: Example, value: Any) -> dict[str, Any]:
    """A complete profile that contains the example."""
    raw = tomllib.loads(MINIMAL)
    raw["screen"] = {"messages": {"test_id": "message"}}
    kind, name = example.table.model.__name__, f"{example.table.model.__name__}.{example.key}"
    path = example.table.path
    if kind == "Call":
        path = ("backend", _CALLS.get(example.key, "lookup"))
        raw["backend"] = {"lookup": dict(_LOOKUP)}
    if kind == "Account":
        raw |= copy.deepcopy(_AROUND[kind])
    if name in ("Extract.connection", "Extract.received"):
        raw["wire"][0] = {k: v for k, v in raw["wire"][0].items() if k != "method"} | {
            "transport": "websocket"
        }
    if name == "WireRule.answered_by":
        raw["wire"].append(_AROUND[name]["events"])
    if name == "Ready.socket":
        raw["wire"].append({"name": "socket", "transport": "websocket", "url": "/ws$", "session": "session"})
    if name == "WireRule.judged":
        raw["wire"].append({"name": "titles", "url": "/titles$", "session": "session"})
    bases: dict[str, dict[str, Any]] = {
        "Call": {"method": "GET", "path": "/s/{session}", "provider": "p"} if path[-1:] != ("state",) else {"method": "GET", "path": "/s"},
        "Fill": dict(_USER["fill"]),
        "ProductPart": {"version": "Acme 2", "judged": ["rotation"], "new_chat": "its button", "start": "make e2e"},
        "Command": {"command": ["npm", "start", "--", "--port", "{port}"]},
        "Credentials": {"username": "${U}", "password": "${P}"},
        "RefusalRule": {"kind": "daily-limit"},
        "RequestSign": {"url": "/api/sessions$"},
    }  # fmt: skip
    table: Any = raw
    if kind in ("Action", "Fill"):  # steps.new_chat needs a click; steps.open takes any action
        table = bases.get(kind, {})
        raw["steps"]["open"] = [table if kind == "Action" else {"fill": table}]
        path = ()
    for n, key in enumerate(path):
        last = n == len(path) - 1
        if last and kind not in ("Where", "Session", "Steps", "WireRule", "Screen"):
            fresh = bases.get(kind, {})
            table[key] = [fresh] if example.table.many else fresh
        table = table.setdefault(key, {})
        table = table[0] if isinstance(table, list) else table
    for key, beside in {**example.beside, example.key: value}.items():
        table.pop(key, None)
        if beside is not None:
            table[key] = beside
    return raw


class TestRecipes:
    def test_the_page_contains_exactly_the_recipes(self) -> None:
        assert WORDS.findall(generated()[PAGE]) == [MINIMAL, *(toml for _, _, toml in RECIPES)]

    def test_the_minimal_profile_is_complete(self) -> None:
        assert parse(tomllib.loads(MINIMAL), "e2e/docs/profiles.md").name == "acme"

    @pytest.mark.parametrize(("title", "text", "toml"), RECIPES, ids=[r[0] for r in RECIPES])
    def test_a_recipe_is_valid_in_the_minimal_profile(self, title: str, text: str, toml: str) -> None:
        raw = tomllib.loads(MINIMAL) | tomllib.loads(toml)
        parse(raw, "e2e/docs/profiles.md")
        assert problems(raw, SCHEMA_NOW, title) == []


class TestSchema:
    @pytest.mark.parametrize("path", sorted(TARGETS.glob("*.toml")), ids=lambda path: path.stem)
    def test_it_accepts_each_shipped_profile(self, path: Path) -> None:
        text = path.read_text(encoding="utf-8")
        assert problems(tomllib.loads(text), SCHEMA_NOW, path.name) == []

    @pytest.mark.parametrize("path", [TARGETS / "reference.toml"], ids=lambda path: path.stem)
    def test_a_profile_names_the_schema_for_editors(self, path: Path) -> None:
        assert path.read_text(encoding="utf-8").startswith("#:schema ./profile.schema.json\n")

    @pytest.mark.parametrize(
        ("line", "other"),
        [
            ('name = "acme"', 'nmae = "acme"'),
            ('store = "localStorage"', 'store = "localstorage"'),
            ('key = "chat_session"', "key = 5"),
            ('session = "session_id"', 'session = { jason = "a" }'),
            ("[[wire]]", "[wire]"),
            ('title = "Acme support chat"\n', ""),
        ],
    )
    def test_it_refuses_an_invalid_profile(self, line: str, other: str) -> None:
        assert problems(tomllib.loads(MINIMAL.replace(line, other, 1)), SCHEMA_NOW, "") != []

    def test_every_table_is_closed_and_every_key_described(self) -> None:
        nodes = [SCHEMA_NOW, *SCHEMA_NOW["$defs"].values()]
        nodes += [part for node in nodes for part in node.get("anyOf", [])]
        objects = [node for node in nodes if "properties" in node]
        assert len(objects) == len(tables())
        assert [node for node in objects if node.get("additionalProperties") is not False] == []
        assert [
            k
            for node in objects
            for k, p in node["properties"].items()
            if not {"description", "$ref"} & p.keys()
        ] == []
        assert "$id" not in SCHEMA_NOW


def problems(value: Any, node: dict[str, Any], at: str) -> list[str]:
    """Violations of ``node`` by ``value``, for the part of JSON Schema that is used here."""
    if "$ref" in node:
        return problems(value, SCHEMA_NOW["$defs"][node["$ref"].rpartition("/")[2]], at)
    for union in ("anyOf", "oneOf"):
        if union in node:
            found = [problems(value, part, at) for part in node[union]]
            return [] if [] in found else [p for part in found for p in part]
    if "const" in node and value != node["const"]:
        return [f"{at}: not {node['const']}"]
    if "enum" in node and value not in node["enum"]:
        return [f"{at}: not one of {node['enum']}"]
    kinds: dict[str, type | tuple[type, ...]] = {
        "string": str, "integer": int, "number": (int, float), "boolean": bool, "array": list, "object": dict,
    }  # fmt: skip
    if "type" in node and not isinstance(value, kinds[node["type"]]):
        return [f"{at}: not of type {node['type']}"]
    if isinstance(value, str) and "pattern" in node and not re.search(node["pattern"], value):
        return [f"{at}: not like {node['pattern']}"]
    if isinstance(value, list) and "items" in node:
        return [p for n, part in enumerate(value) for p in problems(part, node["items"], f"{at}[{n}]")]
    return _of_table(value, node, at) if isinstance(value, dict) else []


def _of_table(value: dict[str, Any], node: dict[str, Any], at: str) -> list[str]:
    known = node.get("properties", {})
    others = node.get("additionalProperties", True)
    found = [f"{at}.{key}: missing" for key in node.get("required", []) if key not in value]
    for key, part in value.items():
        if key in known:
            found += problems(part, known[key], f"{at}.{key}")
        elif others is False:
            found.append(f"{at}.{key}: no such key")
        elif isinstance(others, dict):
            found += problems(part, others, f"{at}.{key}")
    return found
