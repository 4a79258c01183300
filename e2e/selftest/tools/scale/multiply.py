"""Makes a large recorded run of a small one: copies of its chats, each with IDs, times, requests and provider draws of its own.

A copy follows the copy before it in its lane, in a fresh browser context. What happened inside a copy is as it was
recorded: a fault stays a fault in every copy. Experiments, random tests and probes of the backend are kept once.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from e2e.errors import HarnessError
from e2e.files import replace_file
from e2e.records.evidence import CHATS, EVENTS, RUN, read_run
from e2e.records.records import SIDE_LANE, Chat, Event, RunMeta, RunRecords
from e2e.selftest.tools.scale.draws import Draws
from e2e.selftest.tools.scale.templates import Copy, Template, Templates

_PAUSE = 1.0
"""Seconds between two copies in a lane."""


def multiply(
    folder: Path, chats: int, out: Path, *, lanes: int = 0, shards: int = 1, seed: int = 1, draws: bool = True
) -> list[Path]:
    """Write runs of at least ``chats`` chats below ``out``, as copies of the run in ``folder``. Returns their folders.

    Parameters
    ----------
    lanes : lanes of each run; the recorded number by default, else a multiple of it.
    shards : the copies are spread over so many runs, the shards of one.
    draws : each session of a copy gets a provider of its own. Without, all copies have the recorded providers.

    Raises `HarnessError` where the run has no chats, or lanes and shards do not fit.
    """
    records = read_run(folder)
    own = tuple(c for c in records.chats if c.lane < SIDE_LANE)
    if not own:
        raise HarnessError(f"{folder} has no chats to multiply", hint="name a run with observed chats")
    recorded = max(c.lane for c in own) + 1
    lanes = lanes or recorded
    if lanes % recorded or lanes >= SIDE_LANE:
        raise HarnessError(
            f"{lanes} lanes cannot be filled with copies of a run with {recorded}",
            hint=f"name a multiple of {recorded} below {SIDE_LANE}",
        )
    copies = -(-chats // len(own))
    if copies < shards:
        raise HarnessError(f"{copies} copies do not fill {shards} shards", hint="ask for fewer shards")
    work = _Multiplier(records, own, groups=lanes // recorded, draws=draws, seed=seed)
    found = []
    for number in range(shards):
        mine = range(copies * number // shards, copies * (number + 1) // shards)
        meta = work.meta(number, shards, mine, copies)
        found.append(work.write(out / meta.run_id, meta, mine, side=number == 0))
    return found


class _Multiplier:
    def __init__(
        self, records: RunRecords, chats: tuple[Chat, ...], *, groups: int, draws: bool, seed: int
    ) -> None:
        self._records = records
        self._chats = chats
        self._groups = groups
        self._lanes = max(c.lane for c in chats) + 1
        self._random = random.Random(seed)
        self._draws = Draws(records) if draws else None
        # A probe of the backend belongs to no lane; what belongs to no chat of a lane repeats with its lane.
        events = [e for e in records.events if 0 <= e.lane < SIDE_LANE]
        self._once = [e for e in records.events if not 0 <= e.lane < SIDE_LANE]
        self._side = [c for c in records.chats if c.lane >= SIDE_LANE]
        self._per_lane = [
            1 + max((c.chat for c in chats if c.lane == n), default=-1) for n in range(self._lanes)
        ]
        self._contexts = [
            1 + max((c.context for c in chats if c.lane == n), default=0) for n in range(self._lanes)
        ]
        self._began = min([c.began for c in chats] + [e.t for e in events])
        ended = max([c.ended for c in chats] + [e.t for e in events])
        self._span = ended - self._began + _PAUSE
        templates = Templates(records, self._draws)
        self._events: list[tuple[Event, Template]] = [(e, templates.of_event(e)) for e in events]
        self._lines: list[tuple[Chat, Template]] = [(c, templates.of_chat(c)) for c in chats]
        self._names = templates.names

    def meta(self, number: int, shards: int, mine: range, copies: int) -> RunMeta:
        """What the multiplied run, or one shard of it, says of itself."""
        meta = self._records.meta
        plain = sum(c.scenario == "plain" for c in self._chats)
        return replace(
            meta,
            run_id=f"{meta.run_id}x{copies}" + (f"-{number + 1}" if shards > 1 else ""),
            planned_chats=plain * len(mine),
            lanes=self._lanes * self._groups,
            finished=meta.started + self._span * (1 + len(mine) // self._groups) if meta.finished else None,
            scenarios={name: n * self._groups for name, n in meta.scenarios.items()},
            environment={**meta.environment, "copies": f"{copies} of {meta.run_id}"},
            shard=f"{number + 1}/{shards}" if shards > 1 else "",
            whole_chats=plain * copies if shards > 1 else 0,
            trace="",
        )

    def write(self, folder: Path, meta: RunMeta, mine: range, *, side: bool) -> Path:
        folder.mkdir(parents=True, exist_ok=False)
        seq = 0
        with _open(folder / EVENTS) as events, _open(folder / CHATS) as chats:
            for event in self._once if side else ():
                events.write(_line(replace(event, run_id=meta.run_id, seq=seq).to_json()))
                seq += 1
            for chat in self._side if side else ():
                chats.write(_line(replace(chat, run_id=meta.run_id, events=seq).to_json()))
            for place, number in enumerate(mine):
                copy = self._copy(number, place)
                for event, template in self._events:
                    events.write(self._event(meta.run_id, seq, event, template, copy))
                    seq += 1
                for chat, template in self._lines:
                    chats.write(self._chat(meta.run_id, seq, chat, template, copy))
        replace_file(
            folder / RUN, json.dumps(replace(meta, events=seq).to_json(), ensure_ascii=False, indent=1)
        )
        return folder

    def _copy(self, number: int, place: int) -> Copy:
        turn, group = divmod(place, self._groups)
        drawn: Mapping[str, Mapping[str, str]] = self._draws.draw(self._random) if self._draws else {}
        return Copy(
            number=number,
            shift=turn * self._span,
            lanes=group * self._lanes,
            chats=[turn * n for n in self._per_lane],
            contexts=[turn * n for n in self._contexts],
            names=self._names(number),
            providers=drawn,
        )

    def _event(self, run_id: str, seq: int, event: Event, template: Template, copy: Copy) -> str:
        chat = "null" if event.chat is None else event.chat + copy.chats[event.lane]
        return (
            f'{{"schema":{event.schema},"run_id":"{run_id}","seq":{seq},"t":{event.t + copy.shift:.6f},'
            f'"lane":{event.lane + copy.lanes},"chat":{chat},"kind":"{event.kind}",'
            f'"data":{template.text(copy, event.lane)}}}\n'
        )

    def _chat(self, run_id: str, events: int, chat: Chat, template: Template, copy: Copy) -> str:
        return (
            f'{{"run_id":"{run_id}","lane":{chat.lane + copy.lanes},"chat":{chat.chat + copy.chats[chat.lane]},'
            f'"context":{chat.context + copy.contexts[chat.lane]},"events":{events},{template.text(copy, chat.lane)[1:]}\n'
        )


def _open(path: Path) -> TextIO:
    return path.open("w", encoding="utf-8", errors="backslashreplace", buffering=1 << 20)


def _line(record: Mapping[str, object]) -> str:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n"
