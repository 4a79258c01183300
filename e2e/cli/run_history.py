"""Commands for the run history, and for what CI does with it: pool shards, publish, notify, comment."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from e2e.cli.app import HISTORY, OUT, HistoryPlace, Keep, Link, OutFolder, SiteFolder, SiteUrl, app, flag
from e2e.cli.recorded_runs import print_built

_FAILED = 1
_NOT_DONE = 2

_Remote = Annotated[str, typer.Option(metavar="URL", help="Git repository of the site.")]
_Branch = Annotated[str, typer.Option(metavar="NAME", help="Branch of the site.")]


@app.command(rich_help_panel=HISTORY)
def history(
    out: OutFolder = OUT,
    history: HistoryPlace = None,
    json_: Annotated[bool, flag("--json", "Print JSON.")] = False,
    alarms_per_year: Annotated[
        float, typer.Option(metavar="X", help="False alarms per year that are acceptable.")
    ] = 0.02,
) -> int:
    """Show the run history, its alarms, and the run in which each alarm began."""
    from reports.history.show import as_json, print_history
    from reports.history.store import Store

    read = Store(history or out / "history").read()
    if json_:
        print(json.dumps(as_json(read, alarms_per_year), ensure_ascii=False, indent=1))
    else:
        print_history(read, alarms_per_year)
    return 0


@app.command(rich_help_panel=HISTORY)
def forget(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="Name of the run, as the command history shows it.")
    ],
    out: OutFolder = OUT,
    history: HistoryPlace = None,
) -> int:
    """Remove a run from the history. Its evidence stays."""
    from reports.allure.config import forget_run
    from reports.history.store import ALLURE, Store

    own = out / "history"
    place = history or own
    Store(place).forget(run)
    # `report` keeps Allure's history below --out, `publish` beside the site's run history.
    for folder in (Path(place), own):
        forget_run(folder / ALLURE, run)
    print(f"removed from the history: {run}; its evidence is untouched")
    return 0


@app.command(rich_help_panel=HISTORY)
def nightly(
    incoming: Annotated[Path, typer.Option(metavar="DIR", help="Folder with the evidence of all shards.")],
    site: SiteFolder,
    url: SiteUrl = "",
    out: OutFolder = OUT,
) -> int:
    """Judge the evidence of all shards, pooled by target and browser, and publish each result.

    Exit code 1: a check failed or could not look. Exit code 2: some evidence could not be judged.
    """
    from reports.publish.nightly import nightly as judge_shards

    ended = judge_shards(incoming, site, out / "nights", url=url)
    for one in ended.judged:
        print(f"{one.target}, {one.browser}: {one.outcome}: {one.headline}\n  {one.page}")
    for problem in ended.wrong:
        print(f"error: {problem}", file=sys.stderr)
    if ended.wrong:
        return _NOT_DONE
    return _FAILED if any(one.exit_code for one in ended.judged) else 0


@app.command(rich_help_panel=HISTORY)
def publish(
    site: SiteFolder,
    out: OutFolder = OUT,
    url: SiteUrl = "",
    keep: Keep = 400,
    keep_reports: Annotated[
        int, typer.Option(metavar="N", min=1, help="Runs whose full report stays on the site.")
    ] = 30,
) -> int:
    """Build the report of the last run into the site of all runs."""
    from reports.publish.site import publish as add_to_site

    built, page = add_to_site(out, site, url=url, keep=keep, keep_reports=keep_reports)
    print_built(built, ("site", site / "index.html"), ("run", page))
    return 0


@app.command(rich_help_panel=HISTORY)
def notify(
    out: OutFolder = OUT,
    history: HistoryPlace = None,
    webhook: Annotated[
        str, typer.Option(envvar="CHAT_E2E_WEBHOOK", metavar="URL", help="Address for the POST.")
    ] = "",
    url: SiteUrl = "",
) -> int:
    """Post to a webhook if the last run changed the state of a target."""
    from reports.history.store import Store
    from reports.publish.notify import notify as post_changes

    sent = post_changes(Store(history or out / "history"), webhook, url)
    for line in sent or ["no change of state: nothing was posted"]:
        print(line)
    return 0


@app.command(rich_help_panel=HISTORY)
def pull(site: SiteFolder, remote: _Remote = "origin", branch: _Branch = "gh-pages") -> int:
    """Fetch the site from its branch."""
    from reports.publish.branch import pull as fetch_site

    fetched = fetch_site(remote, branch, site)
    print(f"the site is in {site}" if fetched else f"there is no branch {branch} yet")
    return 0


@app.command(rich_help_panel=HISTORY)
def push(site: SiteFolder, remote: _Remote = "origin", branch: _Branch = "gh-pages") -> int:
    """Commit the site to its branch, and push it."""
    from reports.publish.branch import push as push_site

    push_site(remote, branch, site)
    print(f"the site is on {branch}")
    return 0


@app.command(rich_help_panel=HISTORY)
def pull_request(
    out: OutFolder = OUT,
    number: Annotated[
        int, typer.Option(metavar="N", show_default=False, help="Pull request that gets the comment.")
    ] = 0,
    commit: Annotated[str, typer.Option(metavar="SHA", help="Commit that gets the status.")] = "",
    compare_with: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder with the runs before the change.")
    ] = None,
    link: Link = "",
) -> int:
    """Write the last run's summary as a pull request's comment, and as a commit's status."""
    from e2e.records.evidence import find_runs, read_meta
    from reports.browsers.page import session_note
    from reports.browsers.session import judge_session
    from reports.publish.github import Repository, comment, status
    from reports.summary.aggregate import judge_folders
    from reports.summary.page import headline

    session = judge_session(out)
    summary, text = session.summary, session_note(session, link)
    if compare_with is not None:
        from reports.summary.compare import comment as comparison
        from reports.summary.compare import compare as compare_runs

        for judged in session.judged:
            browser = judged.run.metas[0].browser
            before = judge_folders(
                [
                    folder
                    for folder in find_runs(compare_with)
                    if session.single is not None or read_meta(folder).browser == browser
                ]
            )
            text += "\n" + comparison(compare_runs(before, judged), link=link)
    repository = Repository.of(os.environ)
    if number:
        print(comment(repository, number, text))
    if commit:
        states: dict[str, Literal["success", "failure", "error"]] = {"pass": "success", "fail": "failure"}
        state = states.get(summary.outcome, "error")
        status(repository, commit, state, headline(summary), link)
        print(f"{commit[:12]}: {state}")
    return 0
