"""What a run learns of its target, shared by the lanes: how long New Chat and a page load take, and how messages leave."""

from __future__ import annotations

from dataclasses import dataclass, field

_MISSES_BEFORE = 1
"""Waits in vain, before it has ever come, after which it is believed not to come: a target that never rotates costs one timeout."""
_MISSES_AFTER = 2
"""The same for what has come before: one that came late once may come later another time."""


@dataclass(slots=True)
class Learned:
    """How long one thing takes on this target."""

    longest: float = 0.0
    """Seconds; the longest that was seen."""
    seen: int = 0
    missed: int = 0
    """Times that it did not come, though it was waited for as long as the profile allows."""

    def longest_wait(self, least: float, most: float) -> float:
        """Seconds to wait for it: ``most``, until it has failed to come; then twice the longest seen."""
        if self.missed < (_MISSES_AFTER if self.seen else _MISSES_BEFORE):
            return max(least, most)
        return min(max(least, most), 2 * self.longest + least) if self.seen else least

    def add(self, seconds: float) -> None:
        self.seen += 1
        self.longest = max(self.longest, seconds)

    def add_missing(self, waited: float, most: float) -> None:
        """A wait ended without it; only a wait to the end is evidence."""
        self.missed += waited >= most


@dataclass(slots=True)
class Habits:
    """What is learned in a run."""

    rotation: Learned = field(default_factory=Learned)
    """From the click on New Chat until the store holds another ID."""
    load: Learned = field(default_factory=Learned)
    """From a page's start until the store holds its ID."""
    answer: Learned = field(default_factory=Learned)
    """From a frame that New Chat sent until a frame came back."""
    in_the_clear: bool = False
    """A message was seen to leave as text that can be searched: only then does "not found" mean that it did not leave."""
