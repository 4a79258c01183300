"""``python -m e2e COMMAND``: the suite's tools beside pytest."""

from __future__ import annotations

import sys

from e2e.cli.main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
