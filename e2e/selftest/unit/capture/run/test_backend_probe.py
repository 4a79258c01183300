"""The probes of the backend's own interface, on an interface without a network."""

from __future__ import annotations

from typing import Any

import pytest

from e2e.capture.target.backend_client import Answer, BackendClient, probe
from e2e.profile.parts.backend import Backend


class Interface(BackendClient):
    """Keeps sessions in memory: fresh ones reach three providers in turn; 30 sessions of users are on one."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.sessions = {f"user-{n}": "Big hat" for n in range(30)}

    def call(self, call: Any, session: str = "") -> Answer:
        if call.path == "/state":
            counts = {p: list(self.sessions.values()).count(p) for p in set(self.sessions.values())}
            return Answer(200, 0.0, active=len(self.sessions), distribution=counts)
        if call.method == "DELETE":
            self.sessions.pop(session, None)
        elif call.method == "POST":
            self.sessions.setdefault(session, ("Big hat", "Tin drum", "Red kite")[len(self.sessions) % 3])
        return Answer(200, 0.0, provider=self.sessions.get(session))


def test_the_state_is_asked_before_the_suite_assigns_its_own_sessions() -> None:
    backend = Backend.model_validate(
        {
            "url": "http://127.0.0.1:1",
            "writes": True,
            "assign": {"method": "POST", "path": "/s/{session}", "provider": "p"},
            "lookup": {"method": "GET", "path": "/s/{session}", "provider": "p"},
            "remove": {"method": "DELETE", "path": "/s/{session}"},
            "state": {"method": "GET", "path": "/state", "active": "a", "distribution": "d"},
        }
    )
    interface = Interface(backend)
    requested: list[tuple[str, Answer]] = []
    probe(
        interface, lambda question, _probe, _pattern, _session, answer: requested.append((question, answer))
    )
    [state] = [answer for question, answer in requested if question == "state"]
    assert state.distribution == {"Big hat": 30}
    assert len([question for question, _ in requested if question == "assign"]) > 48
    assert set(interface.sessions) == {f"user-{n}" for n in range(30)}, "left as it was found"


@pytest.mark.parametrize(
    ("lookup", "methods"), [(True, ["POST", "GET", "GET", "GET"]), (False, ["POST"] * 4)]
)
def test_a_session_is_looked_up_or_assigned_again_where_that_is_not_possible(
    lookup: bool, methods: list[str]
) -> None:
    one = {"path": "/s/{session}", "provider": "p"}
    raw: dict[str, Any] = {"url": "http://127.0.0.1:1", "writes": True, "assign": {"method": "POST", **one}}
    backend = Backend.model_validate(raw | ({"lookup": {"method": "GET", **one}} if lookup else {}))
    interface, used = Interface(backend), list[str]()
    plain = interface.call

    def noted(call: Any, session: str = "") -> Answer:
        used.append(call.method)
        return plain(call, session)

    interface.call = noted  # type: ignore[method-assign]
    probes: list[str] = []
    probe(interface, lambda _question, name, *_: probes.append(name))
    assert [method for method, name in zip(used, probes, strict=True) if name == "same"] == methods
    assert "removed" not in probes
