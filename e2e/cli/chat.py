"""Commands for a chat of your own: a profile for it, a check of the set-up, a login."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from e2e.cli.app import YOUR_CHAT, BaseUrl, app, flag

_TARGET = typer.Option(
    "--target", metavar="NAME_OR_PATH", help="Profile of the chat: its name, or a TOML file."
)


def _language(given: str) -> str:
    if not re.fullmatch(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", given):
        raise typer.BadParameter(f"{given}: expected a language, or language-COUNTRY, such as en-GB")
    return given


def _profile_name(given: str | None) -> str | None:
    if given is not None and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", given):
        raise typer.BadParameter(f"{given}: expected letters, digits, '.', '_' and '-', such as acme-staging")
    return given


Language = Annotated[str, typer.Option(help="Language of the browser.", callback=_language)]
ProfileName = Annotated[
    str | None,
    typer.Option(show_default="made from the address", help="Name of the profile.", callback=_profile_name),
]


@app.command(rich_help_panel=YOUR_CHAT)
def discover(
    url: Annotated[str, typer.Argument(metavar="URL", help="Address of the chat.")],
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", show_default="reports/out/NAME.toml", help="File for the profile."),
    ] = None,
    name: ProfileName = None,
    headed: Annotated[bool, flag("--headed", "Show the browser window.")] = False,
    force: Annotated[bool, flag("--force", "Replace an existing file.")] = False,
    storage_state: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Signed-in state, as the command login saves it.")
    ] = None,
    locale: Language = "en-US",
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", help="Longest wait for a usable page.", min=0.1, max=3600)
    ] = 20,
    open_: Annotated[
        list[str] | None,
        typer.Option(
            "--open", metavar="LOCATOR", help="Opens the chat after a page load. Repeat it for more steps."
        ),
    ] = None,
    new_chat: Annotated[
        list[str] | None,
        typer.Option(metavar="LOCATOR", help="Starts a new chat. Repeat it for more steps."),
    ] = None,
    message_box: Annotated[
        str | None, typer.Option(metavar="LOCATOR", help="Where a message is typed.")
    ] = None,
    send: Annotated[list[str] | None, typer.Option(metavar="LOCATOR", help="Sends the message.")] = None,
) -> int:
    """Propose a profile for a chat.

    Opens the chat, sends two short messages in each of two chats (and one more after a reload where that tells IDs apart),
    and watches what the page stores and sends. Writes a profile, then checks it with a run of two chats. Exit code 1: the
    profile needs your answer, or did not work.

    LOCATOR is written as in a profile: `role = "button", name = "New chat"`, or CSS. --open, --new-chat and --send also take
    an action, such as `press = "Control+K"` or `goto = "/new"`.
    """
    from e2e.explore.discover.given import given
    from e2e.explore.discovery import Options, discover_chat

    known = given(open_ or (), new_chat or (), message_box, send or ())
    return discover_chat(Options(url, out, name, headed, force, storage_state, locale, timeout, known))


@app.command(rich_help_panel=YOUR_CHAT)
def doctor(
    target: Annotated[str | None, _TARGET] = None,
    base_url: BaseUrl = None,
) -> int:
    """Check this machine and, with --target, the profile of a chat.

    Checks the browser, Node, Allure, the clock and the disk. With --target it also runs two chats and reports which
    parts of the profile matched. Each problem comes with what to do about it. Exit code 1: something has to be fixed.
    """
    from e2e.explore.doctor import diagnose_setup

    return diagnose_setup(target, base_url)


@app.command(rich_help_panel=YOUR_CHAT)
def login(
    target: Annotated[str, _TARGET],
    base_url: BaseUrl = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", show_default="as the profile says", help="File for the signed-in state."
        ),
    ] = None,
    timeout: Annotated[float, typer.Option(metavar="SECONDS", help="Longest wait for the login.")] = 300,
    headless: Annotated[
        bool, flag("--headless", "Open no window; the profile's login.steps sign in.")
    ] = False,
) -> int:
    """Sign in to a chat in a browser window, and save the signed-in state for later runs."""
    from e2e.explore.login import save_login

    return save_login(target, base_url, out, timeout, headless=headless)


@app.command(rich_help_panel=YOUR_CHAT)
def record(
    url: Annotated[
        str | None, typer.Argument(metavar="[URL]", help="Address of the chat. With --from: the recording's.")
    ] = None,
    from_: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="FILE", help="A Playwright trace or a HAR file, in place of a browser window."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", show_default="reports/out/NAME.toml", help="File for the profile."),
    ] = None,
    name: ProfileName = None,
    force: Annotated[bool, flag("--force", "Replace an existing file.")] = False,
    storage_state: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Signed-in state, as the command login saves it.")
    ] = None,
    locale: Language = "en-US",
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", help="Longest wait for a step of yours.", min=1)
    ] = 600,
) -> int:
    """Show a chat to the suite: it watches what you do, and writes a profile.

    Opens a browser window with a small panel that says what to do: two messages in each of two chats, by hand. A login, a
    CAPTCHA, a confirmation and a menu are yours to do. Then checks the profile with a run of two chats. Exit code 1: the
    profile needs your answer, or did not work.
    """
    from e2e.errors import HarnessError
    from e2e.explore.recording import Options, record_chat

    if url is None and from_ is None:
        raise HarnessError("nothing to record: no URL", hint="python -m e2e record https://chat.example.org/")
    return record_chat(Options(url or "", from_, out, name, force, storage_state, locale, timeout))
