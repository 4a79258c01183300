"""``python -m reports COMMAND``: what is made of recorded runs."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from e2e.errors import HarnessError
from reports.aggregate import Judged, judge_folders, judge_last, write_summary
from reports.terminal import print_summary

if TYPE_CHECKING:
    from reports.nights.store import History

_OUT = Path(__file__).resolve().parent / "out"
_FAILED = 1


def build(said: argparse.Namespace) -> int:
    """Judge the last run, write its summary and charts, build the Allure report, and add the night to the history."""
    from reports.allure_build import build_allure
    from reports.allure_config import allure_run
    from reports.charts import chart_set, write_chart
    from reports.interactive import interactive_page
    from reports.nights.chart import history_chart
    from reports.nights.show import print_alarms
    from reports.results import complete_results

    out: Path = said.out
    judged = judge_last(out)
    write_summary(judged, out)
    nights, lost = _add_night(judged, said)
    drawn = chart_set(judged.run, out)
    if (history := history_chart(nights.nights, judged.run.alarms_per_year)) is not None:
        write_chart(history, out)
        drawn.append(history)
    page = interactive_page(judged.run, nights.nights)
    (out / "charts" / "charts.html").write_text(page, encoding="utf-8")
    results = out / "allure-results"
    complete_results(judged, results, drawn, page)
    run = allure_run(judged, out / "history" / "allure.jsonl", said.base_url)
    index = build_allure(results, out / "allure-report", run)
    print_summary(judged.summary, ("summary", out / "summary.md"), ("report", index))
    print_alarms(nights, judged.run.alarms_per_year)
    if lost is not None:
        raise lost
    return serve(said) if said.open else 0


def _add_night(judged: Judged, said: argparse.Namespace) -> tuple[History, HarnessError | None]:
    """Tonight's series with tonight in it; and the error when the history could not take it: the report is built all the same."""
    from reports.nights.night import night_of
    from reports.nights.store import History, Store

    tonight = night_of(judged)
    try:
        store = Store(said.history or said.out / "history")
        store.add(tonight, said.keep)
        return store.read().of(*tonight.series), None
    except HarnessError as error:
        return History((tonight,)), error


def summary(said: argparse.Namespace) -> int:
    """Judge recorded runs, pooled, and print what is found."""
    judged = _judged(said.folders) if said.folders else judge_last(_OUT)
    print_summary(judged.summary)
    return 0


def gate(said: argparse.Namespace) -> int:
    """Yes or no for a release, with reasons: no failed check, no key figure beyond its limit, nothing unseen."""
    from reports.allure_build import quality_gate
    from reports.allure_config import allure_run
    from reports.page import conclusion

    judged = judge_last(said.out)
    passed, reasons = quality_gate(said.out / "allure-results", allure_run(judged))
    if judged.summary.outcome != "pass":
        reasons = [conclusion(judged.summary), *reasons]
        passed = False
    print("yes: nothing stands against a release" if passed else "no:")
    for reason in reasons:
        print(f"  {reason}")
    return 0 if passed else _FAILED


def compare(said: argparse.Namespace) -> int:
    """Set two runs side by side; a check that passes in the base and fails in the head makes it fail."""
    from reports.compare import comment, write_comment
    from reports.compare import compare as set_against

    found = set_against(_judged([said.base]), _judged([said.head]))
    if said.markdown is not None:
        write_comment(found, said.markdown, link=said.link)
    print(comment(found, link=said.link))
    return _FAILED if found.regressed else 0


def history(said: argparse.Namespace) -> int:
    """Show the nights, and since when something is wrong."""
    from reports.nights.show import as_json, print_history
    from reports.nights.store import Store

    read = Store(said.history or said.out / "history").read()
    if said.json:
        print(json.dumps(as_json(read, said.alarms_per_year), ensure_ascii=False, indent=1))
    else:
        print_history(read, said.alarms_per_year)
    return 0


def forget(said: argparse.Namespace) -> int:
    """Remove a night from the history."""
    from reports.allure_config import forget_run
    from reports.nights.store import Store

    Store(said.history or said.out / "history").forget(said.run)
    forget_run(said.out / "history" / "allure.jsonl", said.run)
    print(f"forgotten: {said.run}; its evidence, if it is still there, is left alone")
    return 0


def serve(said: argparse.Namespace) -> int:
    """Serve the report that was built last."""
    from reports.allure_build import serve as serve_report

    report = said.out / "allure-report"
    if not (report / "index.html").is_file():
        raise HarnessError(
            f"there is no report in {report}", way_out="`make e2e` or `make report` builds one"
        )
    serve_report(report)
    return 0


def main(arguments: list[str]) -> int:
    """Run a command. Returns its exit code: 0, 1 when it says no, 2 when it could not be done."""
    said = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = said.run_command
    try:
        return command(said)
    except HarnessError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        what = f"{error.strerror or error}: {error.filename}" if error.filename else str(error)
        print(
            f"error: {what}\n  way out  make room or mend the access, then run this again: what was recorded is kept",
            file=sys.stderr,
        )
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m reports", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(
        name: str, function: Callable[[argparse.Namespace], int], meaning: str
    ) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=meaning, description=meaning)
        command.set_defaults(run_command=function)
        return command

    def add_out(command: argparse.ArgumentParser) -> None:
        command.add_argument(
            "--out", type=Path, default=_OUT, metavar="DIR", help="where the run wrote (default: reports/out)"
        )

    def add_history(command: argparse.ArgumentParser) -> None:
        command.add_argument(
            "--history",
            metavar="PLACE",
            help="the history: a folder, or an address such as s3://bucket/chats (default: history under --out)",
        )

    command = add(
        "build",
        build,
        "write summary, charts and the Allure report of the last run, and add it to the history",
    )
    add_out(command)
    add_history(command)
    command.add_argument(
        "--keep", type=_nights, default=400, metavar="N", help="nights that the history keeps (default: 400)"
    )
    command.add_argument(
        "--base-url",
        default="",
        metavar="URL",
        help="where the report will be found, for links of the history",
    )
    command.add_argument("--open", action="store_true", help="then serve the report")
    add_out(add("open", serve, "serve the Allure report on this machine"))
    command = add("summary", summary, "judge recorded runs and print the summary")
    command.add_argument(
        "folders", nargs="*", type=Path, metavar="DIR", help="recorded runs (default: the last one)"
    )
    add_out(add("gate", gate, "say yes or no to a release, with reasons"))
    command = add("compare", compare, "set two runs side by side, before and after a change")
    command.add_argument(
        "base",
        type=Path,
        metavar="BASE",
        help="recorded runs before it (a run's folder, or one with several)",
    )
    command.add_argument("head", type=Path, metavar="HEAD", help="recorded runs after it")
    command.add_argument(
        "--markdown",
        type=Path,
        metavar="FILE",
        help="write the comparison there too, as a pull-request comment",
    )
    command.add_argument("--link", default="", metavar="URL", help="where the head's report is")
    command = add("history", history, "show the nights, and since when something is wrong")
    add_out(command)
    add_history(command)
    command.add_argument("--json", action="store_true", help="for machines")
    command.add_argument(
        "--alarms-per-year", type=float, default=0.02, metavar="X", help="false-alarm budget (default: 0.02)"
    )
    command = add("forget", forget, "remove a night from the history")
    command.add_argument("run", metavar="RUN", help="the night, as `history` names it")
    add_out(command)
    add_history(command)
    return parser


def _nights(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1 night")
    return number


def _judged(folders: list[Path]) -> Judged:
    from e2e.capture.evidence import find_runs

    return judge_folders([run for folder in folders for run in find_runs(folder)])


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
