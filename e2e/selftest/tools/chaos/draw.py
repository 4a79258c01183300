"""What a run is drawn to be: target, planted fault of the product, fault that is inflicted, and its moment."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from e2e.selftest.lab.pages import PAGES
from e2e.selftest.tools.chaos.faults.definition import Fault
from e2e.selftest.tools.matrix.table import HEALTHY, Variant, possible_faults

REFERENCE = "reference"
SCENARIO_OF = {
    "late-rotation": "rapid-send",
    "tab-bleed": "two-tabs",
    "restored-on-load": "reload",
    "late-stream": "mid-stream",
    "session-unbound": "return-to-chat",
}
"""Planted faults that only a scenario shows."""
EACH_CHAT = (
    "stale-state",
    "session-not-ended",
    "session-restored",
    "id-constant",
    "stale-closure",
    "split-session",
    "stale",
)
"""Planted faults that each New Chat shows: even of a run that ended early no check of them may pass."""
PLANTED = (*EACH_CHAT, "over-rotation", "history-bleed", "cached-reply", "label-stale", *SCENARIO_OF)
STALE_PAGES = (
    "fetch-json", "xhr-json", "fetch-sse", "eventsource", "ndjson", "long-poll", "form", "header", "nested", "session-storage",
    "ws-text", "socketio", "graphql-ws", "signalr", "json-rpc", "worker", "iframe", "shadow",
)  # fmt: skip
OTHER_PAGES = (
    "cookie",
    "url-path",
    "indexeddb",
    "memory",
    "ws-next",
    "service-worker",
    "js-confirm",
    "key-per-chat",
    "first-message",
)
_STORES = ("localStorage", "localStorage", "sessionStorage", "cookie", "indexedDB", "url")
_SCENARIOS = ("", "", "", "rapid-send", "double-click", "mid-stream", "reload", "two-tabs", "empty-chat")


@dataclass(frozen=True, slots=True)
class Draw:
    """One run: ``seed`` and ``number`` determine the rest."""

    seed: int
    number: int
    fault: str
    target: str
    """The reference chat, or the name of a page of the lab."""
    product: str
    """What is planted in it: a fault of the reference chat, ``stale`` for a page of the lab, or ``healthy``."""
    variant: Variant
    chats: int
    scenario: str
    probes: bool
    after: int
    """Chats that have ended when the fault is inflicted."""
    delay: float
    """Seconds from then on."""

    @property
    def rng(self) -> random.Random:
        """For what the fault draws itself."""
        return random.Random(f"{self.seed}/{self.number}/{self.fault}")

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        what = [
            self.target,
            self.product,
            self.scenario or "plain",
            f"{self.chats} chats",
            f"after {self.after} + {self.delay:g} s",
        ]
        if self.target == REFERENCE:
            what[1:1] = [self.variant.transport, self.variant.store]
        return ", ".join(what)


def draw(seed: int, number: int, faults: Mapping[str, Fault], only: Sequence[str] = ()) -> Draw:
    """Run ``number`` of the series ``seed``. The faults come in turn, each round in another order; only those named, if any are."""
    names = [name for name in faults if not only or name in only]
    turn, at = divmod(number, len(names))
    random.Random(f"{seed}/turn {turn}").shuffle(names)
    fault = faults[names[at]]
    rng = random.Random(f"{seed}/{number}")
    reference = fault.own_backend or rng.random() < 0.6
    variant = Variant(
        transport=rng.choice(("json", "sse", "sse", "websocket") if fault.on_websocket else ("json", "sse")),
        store=rng.choice(_STORES),
        rotation="on_click",
        id_pattern=rng.choice(("timestamp", "uuid", "counter")),
        seed=rng.randrange(10**6),
    )
    if reference:
        possible = [name for name in possible_faults(variant) if name in PLANTED]
        target, product = REFERENCE, HEALTHY if rng.random() < 0.6 else rng.choice(possible)
    else:
        healthy = rng.random() < 0.6
        pages: tuple[str, ...] = (*STALE_PAGES, *OTHER_PAGES) if healthy else STALE_PAGES
        pages = tuple(p for p in pages if fault.on_websocket or "socket/line.js" not in PAGES[p].scripts)
        target, product = rng.choice(pages), HEALTHY if healthy else "stale"
    scenario = SCENARIO_OF.get(product) or (rng.choice(_SCENARIOS) if reference else "")
    chats = rng.randint(3, 5)
    return Draw(
        seed,
        number,
        fault.name,
        target,
        product,
        variant,
        chats,
        scenario,
        probes=reference and rng.random() < 0.25,
        after=rng.randrange(chats + bool(scenario)),
        delay=rng.choice((0.0, 0.0, 0.01, 0.05, 0.1, 0.2, 0.4)),
    )
