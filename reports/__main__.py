"""``python -m reports COMMAND``: the earlier spelling of ``python -m e2e COMMAND``, kept for scripts that use it."""

from __future__ import annotations

import sys

from e2e.cli.main import main_of_reports

if __name__ == "__main__":
    sys.exit(main_of_reports(sys.argv[1:]))
