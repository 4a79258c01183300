"""Commands that measure the suite itself, and that write its generated documents."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from e2e.capture.network.sources import WIRES
from e2e.cli.app import OUT, SELF_TEST, Workers, WrittenFolder, app, flag, one_of
from e2e.setup.engines import ENGINES
from fixtures.reference_chat.backend.settings import ID_FORMATS, ID_PATTERNS, ROTATIONS, STORES, TRANSPORTS


def _choice(choices: tuple[str, ...], text: str) -> Any:
    return typer.Option(
        metavar="NAME", callback=lambda value: one_of(value, choices), help=f"{text}: {', '.join(choices)}."
    )


@app.command(rich_help_panel=SELF_TEST)
def matrix(
    fault: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", show_default="all", help="Only this fault; may be repeated."),
    ] = None,
    transport: Annotated[str, _choice(TRANSPORTS, "Transport of the reference chat")] = "sse",
    store: Annotated[str, _choice(STORES, "Store of the session ID")] = "localStorage",
    id_format: Annotated[str, _choice(ID_FORMATS, "Format of the stored ID")] = "blob",
    rotation: Annotated[str, _choice(ROTATIONS, "When a new chat gets its ID")] = "on_click",
    id_pattern: Annotated[str, _choice(ID_PATTERNS, "How session IDs are made")] = "timestamp",
    seed: Annotated[
        int | None, typer.Option(metavar="N", show_default="random", help="Seed of the provider draws.")
    ] = None,
    browser: Annotated[str, _choice(("chromium", *ENGINES), "The browser")] = "chromium",
    wire: Annotated[str, _choice(WIRES, "The source of requests, replies and frames")] = "auto",
    chats: Annotated[int, typer.Option(metavar="N", min=1, help="Plain chats of each run.")] = 24,
    lanes: Annotated[int, typer.Option(metavar="N", min=1, help="Lanes of each run.")] = 4,
    quick: Annotated[bool, flag("--quick", "Only as many chats and scenarios as each fault needs.")] = False,
    repeat: Annotated[int, typer.Option(metavar="N", min=1, help="Runs of each fault.")] = 1,
    workers: Workers = None,
    load: Annotated[
        int, typer.Option(metavar="N", min=0, help="Busy processes beside the runs: a slow machine.")
    ] = 0,
    out: WrittenFolder = OUT,
    evidence: Annotated[
        Path | None, typer.Option(metavar="DIR", show_default="discarded", help="Folder for the evidence.")
    ] = None,
) -> int:
    """Run every fault of the reference chat, and check that its cause is named and no other.

    Writes matrix.md and matrix.json. Exit code 1: a run did not end as expected.
    """
    from e2e.selftest.tools.matrix.command import run_matrix
    from e2e.selftest.tools.matrix.table import Variant

    variant = Variant(transport, store, id_format, rotation, id_pattern, seed)
    return run_matrix(
        variant, fault or [], chats=chats, lanes=lanes, quick=quick, repeat=repeat, workers=workers,
        load=load, out=out, evidence=evidence, browser=browser, wire=wire,
    )  # fmt: skip


@app.command(rich_help_panel=SELF_TEST)
def bench(
    rounds: Annotated[int, typer.Option(metavar="N", min=1, help="Rounds; the measurements alternate.")] = 5,
    chats: Annotated[int, typer.Option(metavar="N", min=1, help="Chats of one measurement.")] = 40,
    scale: Annotated[
        int, typer.Option(metavar="N", min=0, help="Instead: judge N recorded chats, healthy and faulty.")
    ] = 0,
    memory_chats: Annotated[
        int, typer.Option(metavar="N", min=101, help="Chats over which the memory is compared.")
    ] = 2000,
    out: WrittenFolder = OUT,
) -> int:
    """Measure the cost of one chat against a plain Playwright script. Exit code 1: a target was missed."""
    if scale:
        from e2e.selftest.tools.scale.bench import run_scale

        return run_scale(scale, out)
    from e2e.selftest.tools.bench.command import run_bench

    return run_bench(rounds=rounds, chats=chats, memory_chats=memory_chats, out=out)


@app.command(rich_help_panel=SELF_TEST)
def calibrate(
    campaigns: Annotated[
        int, typer.Option(metavar="N", min=1, help="Simulated campaigns of each healthy kind.")
    ] = 20_000,
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of the random numbers.")] = 1,
    workers: Workers = None,
    out: WrittenFolder = OUT,
) -> int:
    """Measure false-alarm rate and power of the statistical checks on simulated campaigns.

    Exit code 1: a false-alarm rate is above its threshold.
    """
    from e2e.selftest.tools.calibration.command import run_calibration

    return run_calibration(campaigns, seed, workers, out)


@app.command(rich_help_panel=SELF_TEST)
def chaos(
    minutes: Annotated[float, typer.Option(metavar="N", min=0.1, help="Time budget.")] = 20.0,
    runs: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, show_default="as many as fit", help="At most so many runs."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(metavar="N", show_default="random", help="Seed of all draws.")
    ] = None,
    run: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Only this run of the seed: repeats it.")
    ] = None,
    first: Annotated[int, typer.Option(metavar="N", min=0, help="Number of the first run.")] = 0,
    at_once: Annotated[
        int, typer.Option(metavar="N", min=1, max=16, help="Runs side by side: most of a run is waiting.")
    ] = 2,
    fault: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", show_default="all", help="Only this fault; may be repeated."),
    ] = None,
    out: WrittenFolder = OUT,
    keep: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", show_default="discarded", help="Folder for the evidence of runs with a violation."
        ),
    ] = None,
) -> int:
    """Run the suite under drawn faults: killed processes, a full disk, a bad network, a page that misbehaves.

    Each run must end with the right verdict or a true reason, and leave nothing behind. Writes chaos.md and chaos.json.
    Exit code 1: a run did not.
    """
    from e2e.selftest.tools.chaos.command import run_chaos

    return run_chaos(
        minutes=minutes,
        runs=runs,
        seed=seed,
        only_run=run,
        at_once=at_once,
        first=first,
        wanted=fault or [],
        out=out,
        keep=keep,
    )


@app.command(rich_help_panel=SELF_TEST)
def dry_run(
    chats: Annotated[int, typer.Option(metavar="N", min=1, help="Chats of each run.")] = 18,
    shards: Annotated[int, typer.Option(metavar="N", min=1, help="Shards of each run.")] = 3,
    out: WrittenFolder = OUT,
) -> int:
    """Try the nightly workflow on this machine: three runs with shards, a site, a webhook.

    Then checks the site in a browser, and writes dry-run.json. Exit code 1: something differs from what is expected.
    """
    from e2e.selftest.tools.dry_run.command import run_dry_run

    return run_dry_run(chats, shards, out)


@app.command(rich_help_panel=SELF_TEST)
def reference(
    check: Annotated[bool, flag("--check", "Write nothing. Exit code 1: a file is out of date.")] = False,
) -> int:
    """Write the generated documents: the profile reference with its JSON Schema, and the page of checks and causes."""
    from e2e.cli.generated import write_generated

    return write_generated(check=check)


@app.command(rich_help_panel=SELF_TEST)
def dry_run_cluster(
    shards: Annotated[
        list[int] | None,
        typer.Option(metavar="N", min=1, show_default="1, 2, 4", help="Shards of one run; may be repeated."),
    ] = None,
    chats: Annotated[int, typer.Option(metavar="N", min=4, help="Chats of each shard.")] = 30,
    lanes: Annotated[int, typer.Option(metavar="N", min=1, help="Lanes of each shard.")] = 2,
    reply_ms: Annotated[int, typer.Option(metavar="MS", min=0, help="Until the chat replies.")] = 1000,
    out: WrittenFolder = OUT,
) -> int:
    """Run the Kubernetes Jobs on this machine, with a local S3 server; measure chats per minute; kill a shard.

    Each completion index is a local process with the Job's exact command. Exit code 1: something differs from what is
    expected.
    """
    from e2e.selftest.tools.cluster.command import run_cluster

    return run_cluster(shards or [1, 2, 4], chats, lanes, reply_ms, out)
