"""Entropy of session IDs: what their form could hold, what the data support, and what credentials take."""

from __future__ import annotations

import math
from dataclasses import dataclass

OWASP_BITS = 64
"""OWASP Session Management Cheat Sheet: a session ID that acts as a credential has at least 64 bits of entropy."""
ASVS_BITS = 128
"""OWASP ASVS 5.0, 7.2.3: reference tokens are unique and have at least 128 bits of entropy."""
CAP = 256.0
"""No form is credited with more nominal bits."""

# Classes of characters as the features name them -> how many characters, and their name
_ALPHABETS = (
    ("0", 10, "base 10"),
    ("0a", 16, "base 16"),
    ("0A", 16, "base 16"),
    ("ag", 26, "lower-case letters"),
    ("AG", 26, "upper-case letters"),
    ("0ag", 36, "base 36"),
    ("0AG", 36, "base 36"),
    ("agAG", 52, "letters"),
    ("0agAG", 62, "base 62"),
    ("0agAGu", 64, "base 64"),
    ("0agAGb=", 64, "base 64"),
)


def alphabet(classes: str) -> tuple[int, str]:
    """Size and name of the smallest usual alphabet that holds all the classes of characters seen."""
    for members, size, name in _ALPHABETS:
        if set(classes) <= set(members):
            return size, name
    return 94, "printable characters"


def supported_bits(n: int) -> float:
    """log2(n(n-1) / (2 ln 20)): with fewer equally likely IDs, ``n`` of them would repeat with probability 95 %."""
    return round(max(0.0, math.log2(n * (n - 1) / (2 * math.log(20)))), 1) if n > 1 else 0.0


@dataclass(frozen=True, slots=True)
class Bearer:
    """Guidance for IDs that act as credentials (`id_is_secret = true` in the profile)."""

    nominal_bits: float
    supported_bits: float
    owasp: str
    asvs: str
    enough: bool | None
    """False: the form cannot hold 64 bits, whatever the generator. None: it could, and nothing shows whether it does. Never True:
    no number of IDs that can be collected supports 64 bits."""


def bearer(nominal: float, supported: float) -> Bearer:
    """Nominal and supported bits held against OWASP's 64 and ASVS's 128."""
    return Bearer(
        nominal_bits=nominal,
        supported_bits=supported,
        owasp=_against(nominal, supported, OWASP_BITS, "OWASP session management"),
        asvs=_against(nominal, supported, ASVS_BITS, "ASVS 5.0, 7.2.3"),
        enough=False if nominal < OWASP_BITS else None,
    )


def _against(nominal: float, supported: float, wanted: int, source: str) -> str:
    required = f"{source} requires {wanted} bits of entropy"
    if nominal < wanted:
        return f"{required}: the random part has at most {nominal:g}"
    return (
        f"{required}: the random part has room for {nominal:g}; the recorded IDs support {supported:g}. "
        "Only the generator's code shows whether it uses all of them"
    )
