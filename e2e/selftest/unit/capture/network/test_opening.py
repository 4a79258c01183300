"""What a new connection needs before a message: its connect frames, and later frames that name the session."""

from __future__ import annotations

from e2e.capture.network.opening import Opening, holds


def frames(opening: Opening, session: str = "s-1") -> list[tuple[str | bytes, int]]:
    return [(frame.data, frame.after) for frame in opening.before("message", session)]


def test_connect_frames_come_first_with_what_the_backend_had_sent_before_each() -> None:
    opening = Opening()
    opening.sent("connect", message=False)
    opening.received()
    opening.sent("subscribe", message=False)
    opening.received()
    assert frames(opening) == [("connect", 0), ("subscribe", 1), ("message", 2)]


def test_after_the_first_message_only_frames_that_name_the_session_count() -> None:
    opening = Opening()
    opening.sent("connect", message=False)
    opening.sent("first message s-1", message=True)
    opening.received()
    for data in ("ping", "join s-1", b"join s-1 too", "join s-2"):
        opening.sent(data, message=False)
    assert frames(opening) == [("connect", 0), ("join s-1", 0), (b"join s-1 too", 0), ("message", 0)]
    assert frames(opening, "s-2") == [("connect", 0), ("join s-2", 0), ("message", 0)]


def test_a_long_connection_keeps_its_first_and_its_last_frames() -> None:
    opening = Opening()
    for n in range(30):
        opening.sent(f"connect {n}", message=False)
    opening.sent("first message", message=True)
    for n in range(40):
        opening.sent(f"join s-1 {n}", message=False)
    found = [data for data, _ in frames(opening)]
    assert found == [
        *(f"connect {n}" for n in range(24)),
        *(f"join s-1 {n}" for n in range(16, 40)),
        "message",
    ]


def test_a_text_is_found_in_frames_of_either_kind() -> None:
    assert holds("a s-1 b", "s-1")
    assert holds(b"a s-1 b", "s-1")
    assert not holds(b"a s-2 b", "s-1")
