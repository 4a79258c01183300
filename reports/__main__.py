"""``python -m reports COMMAND``: what is made of recorded runs."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from e2e.errors import HarnessError
from reports.summary.aggregate import Judged, judge_folders, judge_last
from reports.summary.terminal import print_summary

if TYPE_CHECKING:
    from reports.build import Built

_OUT = Path(__file__).resolve().parent / "out"
_FAILED = 1
_UNDONE = 2


def build(said: argparse.Namespace) -> int:
    """Judge the last run, write its summary and charts, build the Allure report, and add the night to the history."""
    from reports.build import build as make

    built = make(said.out, said.history, keep=said.keep, base_url=said.base_url)
    _tell(built, ("summary", said.out / "summary.md"), ("report", built.index))
    return serve(said) if said.open else 0


def publish(said: argparse.Namespace) -> int:
    """Build the report of the last run into a site of all nights."""
    from reports.publish.site import publish as put

    built, page = put(said.out, said.site, url=said.url, keep=said.keep, keep_reports=said.keep_reports)
    _tell(built, ("site", said.site / "index.html"), ("night", page))
    return 0


def notify(said: argparse.Namespace) -> int:
    """Tell a webhook when the state of a target changed with its last night, and nobody otherwise."""
    from reports.history.store import Store
    from reports.publish.notify import notify as tell

    sent = tell(Store(said.history or said.out / "history"), said.webhook, said.url)
    for line in sent or ["no change of state: nobody was told"]:
        print(line)
    return 0


def nightly(said: argparse.Namespace) -> int:
    """Judge the shards' evidence, pooled by target and browser, and publish each."""
    from reports.publish.nightly import nightly as end_night

    ended = end_night(said.incoming, said.site, said.out / "nights", url=said.url)
    for one in ended.judged:
        print(f"{one.target}, {one.browser}: {one.outcome}: {one.headline}\n  {one.page}")
    for wrong in ended.wrong:
        print(f"error: {wrong}", file=sys.stderr)
    if ended.wrong:
        return _UNDONE
    return _FAILED if any(one.exit_code for one in ended.judged) else 0


def pull(said: argparse.Namespace) -> int:
    """Take the site from its branch."""
    from reports.publish.branch import pull as take

    print(
        "the site is there"
        if take(said.remote, said.branch, said.site)
        else f"there is no branch {said.branch} yet"
    )
    return 0


def push(said: argparse.Namespace) -> int:
    """Put the site on its branch."""
    from reports.publish.branch import push as put

    put(said.remote, said.branch, said.site)
    print(f"the site is on {said.branch}")
    return 0


def pull_request(said: argparse.Namespace) -> int:
    """Write the last run's summary as a pull request's comment, and a commit's status."""
    from reports.publish.github import Repository, comment, status
    from reports.summary.page import headline, release_note

    judged = judge_last(said.out)
    text = release_note(judged.run, judged.summary, said.link)
    if said.compare_with:
        from reports.summary.compare import comment as compared
        from reports.summary.compare import compare as set_against

        text += "\n" + compared(set_against(_judged([said.compare_with]), judged), link=said.link)
    repository = Repository.of(os.environ)
    if said.number:
        print(comment(repository, said.number, text))
    if said.commit:
        states: dict[str, Literal["success", "failure", "error"]] = {"pass": "success", "fail": "failure"}
        state = states.get(judged.summary.outcome, "error")
        status(repository, said.commit, state, headline(judged.summary), said.link)
        print(f"{said.commit[:12]}: {state}")
    return 0


def _tell(built: Built, *places: tuple[str, Path]) -> None:
    from reports.history.show import print_alarms

    print_summary(built.judged.summary, *places)
    print_alarms(built.nights, built.judged.run.alarms_per_year)
    if built.lost is not None:
        raise built.lost


def summary(said: argparse.Namespace) -> int:
    """Judge recorded runs, pooled, and print what is found."""
    judged = _judged(said.folders) if said.folders else judge_last(_OUT)
    print_summary(judged.summary)
    return 0


def gate(said: argparse.Namespace) -> int:
    """Yes or no for a release, with reasons: no failed check, no key figure beyond its limit, nothing unseen."""
    from reports.allure.build import quality_gate
    from reports.allure.config import allure_run
    from reports.history.store import ALLURE
    from reports.summary.page import conclusion

    judged = judge_last(said.out)
    run = allure_run(judged, said.out / "history" / ALLURE)
    passed, reasons = quality_gate(said.out / "allure-results", run)
    if judged.summary.outcome != "pass":
        reasons = [conclusion(judged.summary), *reasons]
        passed = False
    print("yes: nothing stands against a release" if passed else "no:")
    for reason in reasons:
        print(f"  {reason}")
    return 0 if passed else _FAILED


def compare(said: argparse.Namespace) -> int:
    """Set two runs side by side; a check that passes in the base and fails in the head makes it fail."""
    from reports.summary.compare import comment, write_comment
    from reports.summary.compare import compare as set_against

    found = set_against(_judged([said.base]), _judged([said.head]))
    if said.markdown is not None:
        write_comment(found, said.markdown, link=said.link)
    print(comment(found, link=said.link))
    return _FAILED if found.regressed else 0


def history(said: argparse.Namespace) -> int:
    """Show the nights, and since when something is wrong."""
    from reports.history.show import as_json, print_history
    from reports.history.store import Store

    read = Store(said.history or said.out / "history").read()
    if said.json:
        print(json.dumps(as_json(read, said.alarms_per_year), ensure_ascii=False, indent=1))
    else:
        print_history(read, said.alarms_per_year)
    return 0


def forget(said: argparse.Namespace) -> int:
    """Remove a night from the history."""
    from reports.allure.config import forget_run
    from reports.history.store import ALLURE, Store

    own = said.out / "history"
    place = said.history or own
    Store(place).forget(said.run)
    # `build` keeps Allure's history below --out, `publish` beside the site's nights.
    for folder in (Path(place), own):
        forget_run(folder / ALLURE, said.run)
    print(f"forgotten: {said.run}; its evidence, if it is still there, is left alone")
    return 0


def serve(said: argparse.Namespace) -> int:
    """Serve the report that was built last."""
    from reports.allure.build import serve as serve_report

    report = said.out / "allure-report"
    if not (report / "index.html").is_file():
        raise HarnessError(f"there is no report in {report}", hint="`make e2e` or `make report` builds one")
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
        return _UNDONE
    except OSError as error:
        what = f"{error.strerror or error}: {error.filename}" if error.filename else str(error)
        print(
            f"error: {what}\n  hint: make room or mend the access, then run this again: what was recorded is kept",
            file=sys.stderr,
        )
        return _UNDONE


def _nights(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1 night")
    return number


_FOLDER: dict[str, Any] = {"type": Path, "metavar": "DIR"}
_WEB: dict[str, Any] = {"default": "", "metavar": "URL"}
_ARGUMENTS: dict[str, dict[str, Any]] = {
    "--out": {**_FOLDER, "default": _OUT, "help": "where the run wrote (default: reports/out)"},
    "--history": {
        "metavar": "PLACE",
        "help": "the history: a folder, or an address such as s3://bucket/chats (default: history under --out)",
    },
    "--keep": {"type": _nights, "default": 400, "metavar": "N", "help": "nights that the history keeps (default: 400)"},
    "--keep-reports": {
        "type": _nights, "default": 30, "metavar": "N", "help": "nights whose report stays on the site (default: 30)",
    },
    "--base-url": {**_WEB, "help": "where the report will be found, for links of the history"},
    "--open": {"action": "store_true", "help": "then serve the report"},
    "--site": {**_FOLDER, "required": True, "help": "the site's folder; its nights and its history stay in it"},
    "--url": {**_WEB, "help": "where the site will be found"},
    "--webhook": {"default": os.environ.get("CHAT_E2E_WEBHOOK", ""), "metavar": "URL", "help": "where to POST (default: CHAT_E2E_WEBHOOK)"},
    "--incoming": {**_FOLDER, "required": True, "help": "holds what the shards recorded"},
    "--remote": {"default": "origin", "metavar": "URL", "help": "the repository (default: origin)"},
    "--branch": {"default": "gh-pages", "metavar": "NAME", "help": "default: gh-pages"},
    "--number": {"type": int, "default": 0, "metavar": "N", "help": "the pull request"},
    "--commit": {"default": "", "metavar": "SHA", "help": "whose status is set"},
    "--compare-with": {**_FOLDER, "help": "recorded runs before the change"},
    "--link": {**_WEB, "help": "where the report is"},
    "--markdown": {"type": Path, "metavar": "FILE", "help": "write the comparison there too, as a pull-request comment"},
    "--json": {"action": "store_true", "help": "for machines"},
    "--alarms-per-year": {"type": float, "default": 0.02, "metavar": "X", "help": "false-alarm budget (default: 0.02)"},
    "folders": {**_FOLDER, "nargs": "*", "help": "recorded runs (default: the last one)"},
    "base": {"type": Path, "metavar": "BASE", "help": "recorded runs before it: a run's folder, or one with several"},
    "head": {"type": Path, "metavar": "HEAD", "help": "recorded runs after it"},
    "run": {"metavar": "RUN", "help": "the night, as `history` names it"},
}  # fmt: skip
_COMMANDS: tuple[tuple[str, Callable[[argparse.Namespace], int], str, str], ...] = (
    ("build", build, "write summary, charts and the Allure report of the last run, and add it to the history",
     "--out --history --keep --base-url --open"),
    ("open", serve, "serve the Allure report on this machine", "--out"),
    ("summary", summary, "judge recorded runs and print the summary", "folders"),
    ("gate", gate, "say yes or no to a release, with reasons", "--out"),
    ("compare", compare, "set two runs side by side, before and after a change", "base head --markdown --link"),
    ("history", history, "show the nights, and since when something is wrong", "--out --history --json --alarms-per-year"),
    ("forget", forget, "remove a night from the history", "run --out --history"),
    ("publish", publish, "build the report of the last run into a site of all nights", "--out --site --url --keep --keep-reports"),
    ("nightly", nightly, "judge the shards' evidence, pooled by target and browser, and publish each", "--incoming --site --url --out"),
    ("notify", notify, "tell a webhook when a target's state changed with its last night", "--out --history --webhook --url"),
    ("pull", pull, "take the site from its branch", "--site --remote --branch"),
    ("push", push, "put the site on its branch", "--site --remote --branch"),
    ("pull-request", pull_request, "write the last run's summary as a pull request's comment and a commit's status",
     "--out --number --commit --compare-with --link"),
)  # fmt: skip


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m reports", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, function, meaning, arguments in _COMMANDS:
        command = commands.add_parser(name, help=meaning, description=meaning)
        command.set_defaults(run_command=function)
        for argument in arguments.split():
            command.add_argument(argument, **_ARGUMENTS[argument])
    return parser


def _judged(folders: list[Path]) -> Judged:
    from e2e.records.evidence import find_runs

    return judge_folders([run for folder in folders for run in find_runs(folder)])


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
