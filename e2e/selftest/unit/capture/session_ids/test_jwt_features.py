"""A JSON web token as session ID: the target chose what is in it, so its numbers may be of any size."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from e2e.capture.session_ids.features import features

NOW = 1_795_410_000.0


def token(**claims: Any) -> str:
    parts = ({"alg": "HS256"}, claims)
    encoded = (base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts)
    return ".".join((*encoded, "c2lnbmF0dXJl"))


def jwt(**claims: Any) -> Any:
    return features(token(**claims), NOW, None, lambda text: text[:1])["jwt"]


def test_claims_are_named_and_the_age_is_in_seconds() -> None:
    assert jwt(iat=NOW - 1.5, sub="x") == {"alg": "HS256", "claims": ["sub", "iat"], "issued": -1.5}


@pytest.mark.parametrize("issued", [10**400, -(10**400), 1e308, True, "now", None])
def test_a_time_of_issue_that_is_none_is_left_out(issued: Any) -> None:
    assert jwt(iat=issued) == {"alg": "HS256", "claims": ["iat"]}
