"""The list of the suite's options: what each is called, what it is for, and what holds without it."""

from __future__ import annotations

from dataclasses import dataclass

from e2e.analysis.checks import scenarios
from e2e.profile.variants import STORES

ID_PATTERNS = ("timestamp", "counter", "fixed", "userBased", "browserBased", "chatBased", "uuid")
WALK_STEPS = (
    "new",
    "tab",
    "return",
    "send",
    "reload",
    "back",
    "rapid",
    "begin",
    "stop",
    "forward",
    "offline",
    "online",
    "resize",
)
SCENARIO_NAMES = tuple(scenarios.NAMES.values())
TRANSPORTS = ("json", "sse", "websocket")


@dataclass(frozen=True, slots=True)
class Option:
    """One option, and environment variable."""

    name: str
    default: str
    help: str
    metavar: str | None = None
    repeatable: bool = False
    flag: bool = False

    @property
    def variable(self) -> str:
        return "CHAT_E2E_" + self.name.upper().replace("-", "_")


OPTIONS = (
    Option(
        "target", "reference", "a profile in fixtures/targets/ or the path of a TOML file", "NAME_OR_PATH"
    ),
    Option("target-version", "", "what is deployed there, for the history: a commit, a release", "TEXT"),
    Option(
        "shard",
        "",
        "record only this part of the lanes, i of n, to be judged with --from-evidence; /n takes i from "
        "JOB_COMPLETION_INDEX or CI_NODE_INDEX",
        "I/N",
    ),
    Option("chats", "20", "chats per run, shared out over the lanes", "N"),
    Option("lanes", "4", "browser contexts side by side", "L"),
    Option("fault", "", "a named fault of the reference chat; repeatable", "NAME", repeatable=True),
    Option(
        "id-pattern",
        "timestamp",
        f"how the reference chat makes session IDs: {', '.join(ID_PATTERNS)}",
        "NAME",
    ),
    Option("transport", "sse", f"how the reference chat talks: {', '.join(TRANSPORTS)}", "NAME"),
    Option(
        "store", "localStorage", f"where the reference chat keeps its session: {', '.join(STORES)}", "NAME"
    ),
    Option(
        "id-format", "blob", "how the reference chat stores the ID: blob (in a JSON object), bare", "NAME"
    ),
    Option("rotation", "on_click", "when the reference chat rotates: on_click, on_first_message", "NAME"),
    Option("seed", "", "makes the reference chat's draws repeatable", "N"),
    Option(
        "scenarios",
        "all",
        f"what is played after the plain chats: all, none, or some of {', '.join(SCENARIO_NAMES)}",
        "NAMES",
    ),
    Option(
        "experiments", "on", "after a failure, the experiments that tell the layers apart: on, off", "on|off"
    ),
    Option("until-decided", "", "stop as soon as every verdict is decided, whatever --chats says", flag=True),
    Option("max-chats", "200", "with --until-decided: the most chats that may be had", "N"),
    Option("walk", "0", "steps of a walk in any order; 0 for none", "N"),
    Option("replay", "", "walk exactly this way, as a failed walk says it", "STEPS"),
    Option(
        "alarms-per-year",
        "0.02",
        "false-alarm budget from which each statistical check gets its threshold",
        "X",
    ),
    Option("strict-evidence", "", "an inconclusive verdict fails instead of being skipped", flag=True),
    Option(
        "show-ids",
        "",
        "write session IDs in the clear (local debugging); otherwise they are masked everywhere",
        flag=True,
    ),
    Option(
        "from-evidence",
        "",
        "judge recorded runs instead of driving a browser; repeatable, pooled",
        "DIR",
        repeatable=True,
    ),
    Option(
        "source-maps",
        "",
        "a folder with source maps that are built but not published, for code locations (used while recording)",
        "DIR",
    ),
    Option("out", "reports/out", "where a run writes", "DIR"),
)
