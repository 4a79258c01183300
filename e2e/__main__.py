"""``python -m e2e COMMAND``: the suite's tools beside pytest."""

from __future__ import annotations

import sys

from e2e.errors import HarnessError

_USAGE = """usage: python -m e2e COMMAND [options]

commands:
  bench      what one chat costs, against a plain Playwright script
  calibrate  how often the statistical checks accuse, over simulated campaigns
  discover   look at a chat, and propose a profile for it
  doctor     look at this machine and at a target, and say what to do
  matrix     every fault of the reference chat, and what the suite makes of it
  login      sign in to a target in a window, and save the state for later runs
  rehearse   three nights with shards on this machine, published and looked at
  reference  write the reference page of profiles and their JSON Schema (--check: only compare)
"""


def main(arguments: list[str]) -> int:
    """Run a command. Returns its exit code; 2 when there is no such command."""
    match arguments:
        case ["bench", *rest]:
            from e2e.selftest.tools.bench.cli import main as bench

            return bench(rest)
        case ["calibrate", *rest]:
            from e2e.selftest.tools.calibration.cli import main as calibrate

            return calibrate(rest)
        case ["discover", *rest]:
            from e2e.cli.discover import main as discover

            return discover(rest)
        case ["doctor", *rest]:
            from e2e.explore.doctor import main as doctor

            return doctor(rest)
        case ["matrix", *rest]:
            from e2e.selftest.tools.matrix.cli import main as matrix

            return matrix(rest)
        case ["login", *rest]:
            from e2e.explore.login import main as login

            return login(rest)
        case ["rehearse", *rest]:
            from e2e.selftest.tools.dry_run.cli import main as rehearse

            return rehearse(rest)
        case ["reference", *rest]:
            from e2e.profile.reference_page import main as reference

            return reference(rest)
        case ["-h" | "--help"]:
            sys.stdout.write(_USAGE)
            return 0
        case _:
            sys.stderr.write(_USAGE)
            return 2


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except HarnessError as error:
        sys.exit(f"error: {error}")
