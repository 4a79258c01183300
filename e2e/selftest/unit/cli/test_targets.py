"""The shipped profiles: each was tried with a version, and ``targets`` lists what can be judged there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from e2e.cli.main import main
from e2e.cli.targets import shipped
from e2e.profile.profile import TARGETS, Command, load
from e2e.setup.product_list import Product, products
from e2e.setup.products import install_product, is_installed

NAMES = sorted(path.stem for path in TARGETS.glob("*.toml"))


def test_at_least_eight_public_products_ship_beside_the_reference_chat_and_chainlit() -> None:
    assert len(set(NAMES) - {"reference", "chainlit"}) >= 8
    assert set(products()) == set(NAMES) - {"reference", "chainlit"}


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_profile_names_its_product(name: str) -> None:
    profile = load(name)
    assert profile.name == name
    assert profile.product is not None
    if name != "reference":
        text = (TARGETS / f"{name}.toml").read_text(encoding="utf-8")
        assert "# Judged here:" in text
        assert "# Not judged:" in text
        assert profile.product.not_judged


@pytest.mark.parametrize("product", products().values(), ids=lambda product: product.name)
def test_the_version_that_was_tried_is_the_one_that_is_installed(product: Product) -> None:
    profile = load(product.name)
    assert profile.product is not None
    first = (product.pypi or product.npm)[0]
    assert first.rpartition("==" if product.pypi else "@")[2] in profile.product.version
    assert isinstance(profile.where.start, Command)
    assert profile.where.start.command[:4] == ("{python}", "-m", "fixtures.products", product.name)


def test_every_package_has_an_exact_version() -> None:
    for product in products().values():
        assert all(package.count("==") == 1 for package in product.pypi)
        assert all(package.rpartition("@")[2].count(".") == 2 for package in product.npm)


def test_the_command_lists_every_target(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["targets"]) == 0
    shown = capsys.readouterr().out
    for one in shipped():
        assert f"{one['name']}: {one['version']}\n" in shown
        for text in (*one["judged"], *one["not_judged"], one["start"], one["new_chat"]):
            assert text in shown


def test_the_list_can_be_read_by_a_program(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["targets", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert listed[0]["name"] == "reference"
    assert {one["name"] for one in listed} == set(NAMES)


def test_a_product_is_installed_again_when_its_version_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[tuple[str, ...]] = []
    monkeypatch.setattr("e2e.setup.products.VENV", tmp_path)
    monkeypatch.setattr("e2e.setup.products._run", lambda *command, **_: runs.append(command))
    old, new = Product("acme", pypi=("acme==1.0",)), Product("acme", pypi=("acme==1.1",))
    assert not is_installed(old)
    assert [install_product(old), install_product(old)] == [True, False]
    assert is_installed(old)
    assert not is_installed(new)
    assert install_product(new)
    assert [command[-1] for command in runs if "install" in command] == ["acme==1.0", "acme==1.1"]


def test_a_product_that_is_not_installed_is_refused_with_the_command_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from fixtures.products.__main__ import main as serve

    monkeypatch.setattr("e2e.setup.products.VENV", tmp_path)
    assert serve(["shiny", "--port", "1"]) == 1
    assert "hint: python -m e2e.setup shiny" in capsys.readouterr().err
