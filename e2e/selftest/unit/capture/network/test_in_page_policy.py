"""When a worker may be started with the suite's script in front of its own."""

from __future__ import annotations

import pytest

from e2e.capture.network.in_page.policy import allows_blob_workers


@pytest.mark.parametrize(
    ("policies", "allowed"),
    [
        ([], True),
        (["img-src 'self'; report-uri /csp"], True),
        (["default-src 'self'"], False),
        (["default-src 'self'; worker-src 'self' blob:"], True),
        (["script-src 'self' 'unsafe-inline'; connect-src *"], False),
        (["worker-src blob:", "child-src 'self'"], False),
        (["worker-src blob:, default-src 'none'"], False),
    ],
)
def test_the_first_directive_about_workers_decides_in_every_policy(
    policies: list[str], allowed: bool
) -> None:
    assert allows_blob_workers(policies) is allowed
