"""Sharing a run out over machines: each shard has whole lanes, so that everything that lanes show is in one place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shard:
    """The ``number``-th of ``of`` parts of a run, counted from 1."""

    number: int = 1
    of: int = 1

    def has(self, lane: int) -> bool:
        """Whether this shard has the lane; lanes go round, so that shards differ by one lane at most."""
        return lane % self.of == self.number - 1

    @property
    def whole(self) -> bool:
        """It is the run itself."""
        return self.of == 1

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


WHOLE = Shard()
"""The only shard of a run that is not shared out."""
