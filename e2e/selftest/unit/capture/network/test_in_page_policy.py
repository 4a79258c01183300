"""When a worker may be started with the suite's script in front of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from e2e.capture.network.in_page.policy import allows_blob_workers, wraps_workers

CLIENT = httpx.Client


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


class TestLook:
    """The page is asked once for its headers."""

    def wraps(
        self,
        monkeypatch: pytest.MonkeyPatch,
        answer: Callable[[httpx.Request], httpx.Response],
        url: str = "https://a.example/chat",
    ) -> bool:
        def client(**options: Any) -> httpx.Client:
            assert options == {"timeout": 5, "trust_env": False, "follow_redirects": True, "verify": False}
            return CLIENT(transport=httpx.MockTransport(answer), follow_redirects=True)

        monkeypatch.setattr(httpx, "Client", client)
        return wraps_workers(url, verify=False)

    @pytest.mark.parametrize(
        ("policies", "wraps"),
        [([], True), (["default-src 'self'"], False), (["worker-src blob:", "default-src 'self'"], False)],
    )
    def test_every_policy_counts(
        self, monkeypatch: pytest.MonkeyPatch, policies: list[str], wraps: bool
    ) -> None:
        headers = [("Content-Security-Policy", policy) for policy in policies]
        assert self.wraps(monkeypatch, lambda _: httpx.Response(200, headers=headers)) is wraps

    @pytest.mark.parametrize(
        ("to", "wraps"), [("https://a.example/login", True), ("https://b.example/", False)]
    )
    def test_a_page_that_leads_elsewhere_is_another_one(
        self, monkeypatch: pytest.MonkeyPatch, to: str, wraps: bool
    ) -> None:
        def answer(request: httpx.Request) -> httpx.Response:
            here = str(request.url) == "https://a.example/chat"
            return httpx.Response(302, headers={"Location": to}) if here else httpx.Response(200)

        assert self.wraps(monkeypatch, answer) is wraps

    def test_headers_that_cannot_be_read_leave_workers_alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fails(request: httpx.Request) -> httpx.Response:
            raise httpx.ConnectError("refused", request=request)

        assert self.wraps(monkeypatch, fails) is False
        assert self.wraps(monkeypatch, fails, url="http://[") is False
