"""Profiles of the recipes. A self test requires one test for each recipe: it finds them by the titles given here."""

from __future__ import annotations

import tomllib

from e2e.profile.profile import Profile, parse
from e2e.profile.recipes import MINIMAL, RECIPES


def recipe(title: str) -> Profile:
    """The minimal profile with the tables of this recipe."""
    (toml,) = [text for name, _, text in RECIPES if name == title]
    return parse(tomllib.loads(MINIMAL) | tomllib.loads(toml), "acme.toml")
