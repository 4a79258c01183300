"""``python -m reports COMMAND``: what is made of recorded runs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from e2e.errors import HarnessError
from reports.aggregate import judge_folders, judge_last, write_summary
from reports.terminal import print_summary

_OUT = Path(__file__).resolve().parent / "out"


def build(out: Path) -> None:
    """Judge the last run, write its summary and charts, and build the Allure report."""
    from reports.allure_build import build_allure
    from reports.allure_config import allure_run
    from reports.charts import chart_set
    from reports.results import complete_results

    judged = judge_last(out)
    write_summary(judged, out)
    results = out / "allure-results"
    complete_results(judged, results, chart_set(judged.run, out))
    run = allure_run(judged, out / "history" / "allure.jsonl")
    index = build_allure(results, out / "allure-report", run)
    print_summary(judged.summary, ("summary", out / "summary.md"), ("report", index))


def summary(folders: list[Path]) -> int:
    """Judge recorded runs, pooled, and print what is found."""
    from e2e.capture.evidence import find_runs

    judged = (
        judge_folders([run for folder in folders for run in find_runs(folder)])
        if folders
        else judge_last(_OUT)
    )
    print_summary(judged.summary)
    return 0


def serve(out: Path) -> None:
    """Serve the report that was built last."""
    from reports.allure_build import serve as serve_report

    report = out / "allure-report"
    if not (report / "index.html").is_file():
        raise HarnessError(
            f"there is no report in {report}", way_out="`make e2e` or `make report` builds one"
        )
    serve_report(report)


def main(arguments: list[str]) -> int:
    """Run a command. Returns its exit code: 0, or 2 when there is nothing to report or it could not be reported."""
    parser = argparse.ArgumentParser(prog="python -m reports", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, meaning in (
        ("build", "write summary, charts and the Allure report of the last run"),
        ("open", "serve the Allure report on this machine"),
    ):
        command = commands.add_parser(name, help=meaning, description=meaning)
        command.add_argument(
            "--out", type=Path, default=_OUT, metavar="DIR", help="where the run wrote (default: reports/out)"
        )
        if name == "build":
            command.add_argument("--open", action="store_true", help="then serve the report")
    command = commands.add_parser("summary", help="judge recorded runs and print the summary")
    command.add_argument(
        "folders", nargs="*", type=Path, metavar="DIR", help="recorded runs (default: the last one)"
    )
    said = parser.parse_args(arguments)
    try:
        if said.command == "summary":
            return summary(said.folders)
        if said.command == "build":
            build(said.out)
        if said.command == "open" or said.open:
            serve(said.out)
    except HarnessError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
