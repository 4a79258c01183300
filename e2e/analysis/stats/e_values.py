"""Evidence that may be looked at whenever one likes: e-values of sessions per provider against the expected shares.

An e-value is a bet against the null with an expected return of at most 1: a return of 1000 is evidence worth p = 0.001, and
returns of further sessions and of further nights may be multiplied. The bet is the Dirichlet-multinomial mixture of
Lindon & Malek, "Anytime-valid inference for multinomial count data" (arXiv 2011.03567), with concentration 0.5 per provider.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from scipy import special

CONCENTRATION = 0.5
SCHEMA = 1
_LONGEST = 20_000


def log_e(
    counts: Sequence[int] | np.ndarray, shares: Sequence[float], a: float = CONCENTRATION
) -> np.ndarray:
    """ln E of each row of ``counts`` (or of the only one) against ``shares`` (each above 0, sum 1), in their order.

    E is the probability of the sequence under shares drawn from a Dirichlet distribution with ``a`` per provider, divided by
    its probability under ``shares``. The order of the sessions drops out, so counts are enough at any moment.
    """
    table = np.asarray(counts, dtype=float)
    k, n = len(shares), table.sum(axis=-1)
    mixed = special.gammaln(k * a) - special.gammaln(k * a + n)
    mixed = mixed + np.sum(special.gammaln(a + table) - special.gammaln(a), axis=-1)
    return np.asarray(mixed - np.sum(table * np.log(np.asarray(shares)), axis=-1))


def sessions_to_find(share: float, k: int, level: float, a: float = CONCENTRATION) -> int | None:
    """After how many sessions a provider that takes ``share`` of them, instead of 1/k, is expected to be found; None: never.

    The smallest n whose expected counts reach ln E >= ln(1/level).
    """
    n = np.arange(1, _LONGEST + 1)
    expected = n[:, None] * np.array([share, *[(1 - share) / (k - 1)] * (k - 1)])
    reach = np.flatnonzero(log_e(expected, (1 / k,) * k, a) >= math.log(1 / level))
    return int(n[reach[0]]) if len(reach) else None


@dataclass(frozen=True, slots=True)
class Nights:
    """The running evidence of nights in a row; JSON-able, kept with the history.

    ``product``: ln of the product of all nights' e-values; at any moment P(it ever reaches 1/alpha) <= alpha.
    ``cusum``: ``S = max(S, 0) + ln E``, which forgets good nights. A change point has no single false-alarm probability: a
    healthy product reaches ln(1/alpha) at most once in 1/alpha nights on average.
    """

    key: str
    """Names the expected shares; the evidence starts anew when they change."""
    nights: int = 0
    sessions: int = 0
    product: float = 0.0
    cusum: float = 0.0
    highest: float = 0.0
    """The largest ``product`` so far: what was once beyond the threshold stays so."""
    since: int = 0
    """Nights since the e-CUSUM last started anew."""

    def alarms(self, level: float) -> tuple[str, ...]:
        """Which figures are at or beyond ln(1/level): ``product``, ``cusum``."""
        limit = math.log(1 / level)
        found = [("product", self.highest), ("cusum", self.cusum)]
        return tuple(name for name, value in found if value >= limit)

    def to_json(self) -> dict[str, Any]:
        return {"schema": SCHEMA} | asdict(self)

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        """Inverse of `to_json`. Raises ``ValueError`` for another schema, ``TypeError`` for a missing or unknown field."""
        known = dict(raw)
        if known.pop("schema", None) != SCHEMA:
            raise ValueError(f"the evidence of many nights has schema {raw.get('schema')!r}, not {SCHEMA}")
        return cls(**known)


def shares_key(shares: Mapping[str, float]) -> str:
    """Names expected shares: equal for equal ones, whatever their order."""
    return ";".join(f"{name}={share:.6g}" for name, share in sorted(shares.items()))


def night(
    before: Nights | None,
    counts: Mapping[str, int],
    shares: Mapping[str, float],
    a: float = CONCENTRATION,
) -> Nights:
    """One more night's sessions per provider added to the evidence; from the start when the expected shares are others.

    Sessions of providers that are not expected are evidence of another kind (`provider.balanced` fails at once) and left out.
    """
    key = shares_key(shares)
    old = before if before is not None and before.key == key else Nights(key)
    seen = [counts.get(name, 0) for name in shares]
    gain = float(log_e(seen, tuple(shares.values()), a))
    product = old.product + gain
    return Nights(
        key=key,
        nights=old.nights + 1,
        sessions=old.sessions + sum(seen),
        product=product,
        cusum=max(old.cusum, 0.0) + gain,
        highest=max(old.highest, product),
        since=old.since + 1 if old.cusum > 0 else 1,
    )
