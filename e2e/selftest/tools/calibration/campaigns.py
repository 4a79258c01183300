"""Simulated campaigns: the provider of each new session, with or without a named fault."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

LANES = 4
"""Sessions alternate between the lanes, as in a run."""


def lane_of(n: int) -> np.ndarray:
    """The lane of each of ``n`` sessions."""
    return np.arange(n) % LANES


def healthy(rng: np.random.Generator, times: int, k: int, n: int) -> np.ndarray:
    """``times`` campaigns of ``n`` sessions over ``k`` providers: numbers of providers, one row per campaign."""
    return rng.integers(k, size=(times, n), dtype=np.int8)


def pinned(rng: np.random.Generator, times: int, k: int, n: int) -> np.ndarray:
    """The same provider for all sessions of a campaign."""
    return np.repeat(healthy(rng, times, k, 1), n, axis=1)


def sticky(rng: np.random.Generator, times: int, k: int, n: int) -> np.ndarray:
    """Half of the sessions, on average, keep the provider of their lane's previous session."""
    found = healthy(rng, times, k, n)
    keeps = rng.random((times, n)) < 0.5
    for at in range(LANES, n):
        found[:, at] = np.where(keeps[:, at], found[:, at - LANES], found[:, at])
    return found


def cycle(rng: np.random.Generator, times: int, k: int, n: int) -> np.ndarray:
    """Each lane cycles through the providers, from a random start."""
    first = rng.integers(k, size=(times, LANES))[:, lane_of(n)]
    return ((first + np.arange(n) // LANES) % k).astype(np.int8)


def skewed(*shares: float) -> Callable[[np.random.Generator, int, int, int], np.ndarray]:
    """Independent draws with these shares."""

    def draw(rng: np.random.Generator, times: int, k: int, n: int) -> np.ndarray:
        if k != len(shares):
            raise ValueError(f"{len(shares)} shares for {k} providers")
        return rng.choice(k, size=(times, n), p=shares).astype(np.int8)

    return draw


FAULTS: Mapping[str, Callable[[np.random.Generator, int, int, int], np.ndarray]] = {
    "pinned": pinned,
    "sticky 50 %": sticky,
    "skewed 80/10/10": skewed(0.8, 0.1, 0.1),
    "skewed 60/20/20": skewed(0.6, 0.2, 0.2),
    "skewed 40/30/30": skewed(0.4, 0.3, 0.3),
    "cycle": cycle,
}
SKEWED = tuple(name for name in FAULTS if name.startswith("skewed"))
"""These have three providers."""
