"""A browser context with one page, and everything that watches it."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from collections.abc import Callable, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from playwright.sync_api import Dialog, Error, Page

from e2e.capture.code.stacks import OWN_SCRIPT
from e2e.capture.in_page import recorder_script, safe_binding
from e2e.capture.in_page.signals import PageSignals
from e2e.capture.lane.network_service import NetworkService
from e2e.capture.lane.run_context import RunContext
from e2e.capture.network.cdp.channels import PageChannel, watch_shared_workers
from e2e.capture.network.cdp.wire import CdpWire
from e2e.capture.network.events.channel import Channel, Handler
from e2e.capture.network.events.trace_context import TraceContext
from e2e.capture.network.events.wire import Wire
from e2e.capture.network.in_page.wire import InPageWire, event_names
from e2e.capture.network.sources import IN_PAGE
from e2e.capture.network.wire_rules import Refusal
from e2e.capture.recording.recorder import LaneRecorder
from e2e.capture.scenarios.lane_context import LaneContext
from e2e.errors import HarnessError
from e2e.pages.actions import PageRecorder
from e2e.pages.chat_page import ChatPage
from e2e.profile.environment import expand
from e2e.profile.profile import SUITE, Account, Profile
from e2e.profile.values.bounded import Pattern
from e2e.profile.values.literals import literal_of


class Window:
    """One user's browser window. Raises `HarnessError` when the profile's state of a logged-in user cannot be used."""

    def __init__(
        self,
        run_context: RunContext,
        recorder: LaneRecorder,
        lane: int,
        changes: Mapping[str, Any] | None = None,
    ) -> None:
        """``changes`` are arguments of the browser context that differ from the run's."""
        self._run_context = run_context
        self._recorder = recorder
        self._lane = lane
        self._changes = dict(changes or {})
        self._account = _account(run_context.profile, lane)
        try:
            self.context = run_context.browser.new_context(**self._arguments())
        except (OSError, ValueError) as error:  # the state file is read here
            raise HarnessError(
                f"the saved login cannot be used: {error}",
                where="login of the profile",
                hint="`make login TARGET=…`",
            ) from None
        run_context.open_contexts.append(self.context)
        self._passphrase: str | None = None
        """Of what the scripts in the page call Playwright's binding with, where they report by it."""
        if run_context.wire == IN_PAGE:
            self._passphrase = secrets.token_hex(16)
            self.context.add_init_script(safe_binding(self._passphrase))
        recorder.chats.lost_sight = (
            run_context.network_service or NetworkService(run_context.browser)
        ).watch()
        self.page: ChatPage | None = None
        """None until it is open: a renderer that dies at once opens none."""
        self.dialogs = 0
        """JavaScript dialogs that the page has opened."""
        self._closing: list[Callable[[], None]] = []

    def open(self) -> LaneContext:
        """A blank page, watched from its first moment."""
        context = self._tab(self._recorder)
        self.page = context.page
        context.open_tab = self._other_tab
        return context

    def _other_tab(self) -> LaneContext:
        """One more page of the same browser context."""
        context = self._tab(self._recorder.beside())
        context.close = context.page.page.close
        return context

    def _tab(self, recorder: LaneRecorder) -> LaneContext:
        run_context, profile = self._run_context, self._run_context.profile
        page = self.context.new_page()
        page.on(
            "crash",
            run_context.waiter.guarded(
                lambda _: run_context.crashed(f"the page of lane {self._lane} crashed")
            ),
        )
        page.on("dialog", self._answer)
        opened: list[Page] = []
        page.on("popup", run_context.waiter.guarded(opened.append))
        if run_context.full:
            page.on("pageerror", run_context.waiter.guarded(lambda error: recorder.page_error(str(error))))
        key = _pattern_of_keys(profile)
        signals = PageSignals(key, _sent_to(profile))
        watching = {
            "refusals": tuple(Refusal(s) for s in profile.blocked if s.status or s.answer),
            "reading": run_context.full,
            "cookies": _cookie_names(profile) if run_context.full else None,
            "blocked_hosts": profile.where.blocked_hosts,
            "frame_depth": len(profile.where.frame),
            "traffic": recorder.chats.traffic,
        }
        in_page = run_context.wire == IN_PAGE
        watch = self._watched_in_page if in_page else self._watched_by_protocol
        wire = watch(page, recorder, signals, watching)
        page.add_init_script(recorder_script(self._config(signals), OWN_SCRIPT, in_page=in_page))
        variables = (
            dict(os.environ) | {k: os.environ.get(v, "") for k, v in self._account.env.items()}
            if self._account
            else None
        )
        chat_page = ChatPage(
            page,
            profile,
            run_context.url,
            PageRecorder(signals.name, signals.secret, key),
            variables,
            run_context.waiter.calls,
        )
        chat_page.touch = bool(run_context.context_args.get("has_touch"))
        chat_page.ready_without_element = lambda: _is_ready(profile, recorder, wire)
        on_click = profile.policy.rotation == "on_click" and profile.id_store.store != "none"
        return LaneContext(
            profile,
            chat_page,
            recorder,
            wire,
            run_context.backend,
            run_context.pace,
            waits_for_rotation=run_context.full and on_click,
            watches=run_context.full,
            habits=run_context.habits,
            windows=lambda: len(opened),
            rejected=lambda error: run_context.problem(error, recorder.place),
        )

    def _watched_by_protocol(
        self, page: Page, recorder: LaneRecorder, signals: PageSignals, watching: Mapping[str, Any]
    ) -> Wire:
        run_context = self._run_context
        session = self.context.new_cdp_session(page)
        traces = self._trace_context(recorder)

        def called(event: dict[str, Any]) -> None:
            if event["name"] == signals.binding:
                recorder.on_signals(signals.read(event["payload"]))

        def bind(channel: Channel) -> None:
            if channel.kind in ("page", "iframe"):
                channel.on("Runtime.bindingCalled", run_context.waiter.guarded(called))
                channel.ask("Runtime.enable")  # without it no binding is made
                channel.ask("Runtime.addBinding", {"name": signals.binding})
            if traces is not None:
                guard = run_context.waiter.guarded if isinstance(channel, PageChannel) else _as_it_is
                traces.by_protocol(channel, lambda: page.url, guard)

        bind(PageChannel(session))
        wire = CdpWire(
            session, run_context.rules, recorder, run_context.waiter, prepare=bind, page=page, **watching
        )
        self._watch_shared_workers(wire)
        return wire

    def _watched_in_page(
        self, page: Page, recorder: LaneRecorder, signals: PageSignals, watching: Mapping[str, Any]
    ) -> Wire:
        run_context = self._run_context
        wire = InPageWire(page, run_context.rules, recorder, run_context.waiter, **watching)

        def called(_: Mapping[str, Any], payload: str) -> None:
            for of_the_wire, records in groupby(signals.read(payload), lambda record: record["k"] == "wire"):
                if not of_the_wire:
                    recorder.on_signals(list(records))
                else:
                    for record in records:
                        wire.receive(record)

        page.expose_binding(signals.binding, run_context.waiter.guarded(called))
        traces = self._trace_context(recorder)
        if traces is not None:
            traces.by_routes(page, run_context.waiter.guarded)
        return wire

    def _trace_context(self, recorder: LaneRecorder) -> TraceContext | None:
        """What adds the trace context to the page's chat requests, where that is wanted."""
        value = self._run_context.traceparent
        if value is None:
            return None
        origins = self._run_context.profile.where.trace_origins
        return TraceContext(
            self._run_context.rules,
            origins,
            lambda: None if recorder.chat is None else value(recorder.lane, recorder.chat.number),
        )

    def close(self) -> None:
        """Close the context; nothing is left to do when the browser is gone."""
        with contextlib.suppress(ValueError):  # it was closed before
            self._run_context.open_contexts.remove(self.context)
        try:
            for let_go in self._closing:
                let_go()
            self.context.close()
        except Error:
            return

    def _arguments(self) -> dict[str, Any]:
        where = self._run_context.profile.where
        width, height = where.viewport
        args: dict[str, Any] = {
            "viewport": {"width": width, "height": height},
            "reduced_motion": "reduce",  # endless animations would draw thousands of frames a second
            "locale": where.locale,
            "timezone_id": where.timezone,
            "user_agent": where.user_agent,
            "permissions": list(where.permissions) or None,
            "extra_http_headers": {name: expand(value) for name, value in where.headers.items()} or None,
            "ignore_https_errors": where.ignore_https_errors or None,
            "storage_state": self._state(),
        }
        if where.http_credentials is not None:
            args["http_credentials"] = {
                "username": expand(where.http_credentials.username),
                "password": expand(where.http_credentials.password),
            }
        return (
            {name: value for name, value in args.items() if value is not None}
            | dict(self._run_context.context_args)
            | self._changes
        )

    def _state(self) -> str | None:
        login = self._run_context.profile.login
        path = self._account.storage_state if self._account else login.storage_state if login else None
        return None if path is None else str(SUITE / Path(path).expanduser())

    def _config(self, signals: PageSignals) -> Mapping[str, Any]:
        profile = self._run_context.profile
        session = profile.id_store
        return {
            **signals.config(),
            **({} if self._passphrase is None else {"passphrase": self._passphrase}),
            "store": session.store,
            "key": "address" if session.store == "url" else session.key,
            "keyPart": None if session.key_pattern is None else literal_of(session.key_pattern),
            "database": session.database,
            "objectStore": session.object_store,
            "depth": len(self._run_context.profile.where.frame),
            "urls": [literal_of(rule.url) for rule in profile.wire if rule.direction == "sent"],
            "replies": [literal_of(rule.url) for rule in profile.wire],
            "full": self._run_context.full,
            "keys": profile.steps.new_chat[profile.steps.starting].press is not None,
            "workers": self._run_context.wraps_workers,
            "events": event_names(profile.wire),
        }

    def _answer(self, dialog: Dialog) -> None:
        """How a user answers ``alert``, ``confirm``, ``prompt`` and ``beforeunload``."""
        self.dialogs += 1
        try:
            if self._run_context.profile.where.dialogs == "accept":
                dialog.accept()
            else:
                dialog.dismiss()
        except Error:
            return  # the page went away with it

    def _watch_shared_workers(self, wire: CdpWire) -> None:
        """They belong to no page: only the browser's own session knows them."""
        session = self._run_context.browser.new_browser_cdp_session()
        mine: str = self.context.new_cdp_session(self.context.pages[0]).send("Target.getTargetInfo")[
            "targetInfo"
        ]["browserContextId"]

        self._closing.append(
            watch_shared_workers(
                PageChannel(session, self._run_context.waiter.calls),
                mine,
                wire.adopt,
                self._run_context.waiter.guarded,
            )
        )


def _as_it_is(handler: Handler) -> Handler:
    """A child's messages come through a handler of its parent that is guarded already."""
    return handler


def _is_ready(profile: Profile, recorder: LaneRecorder, wire: Wire) -> bool:
    """What ``where.ready`` waits for without an element: an ID in the store, an open socket of a rule."""
    ready = profile.where.ready
    if ready.stored:
        return recorder.store.current is not None
    rules = [rule for rule in wire.exchanges.rules if rule.name == ready.socket]
    return any(rule.names_url(url) for rule in rules for url in wire.sockets.values())


def _account(profile: Profile, lane: int) -> Account | None:
    """The lane's user, where there are several."""
    accounts = profile.login.accounts if profile.login else ()
    return accounts[lane % len(accounts)] if accounts else None


def _pattern_of_keys(profile: Profile) -> Pattern | None:
    pattern = profile.id_store.key_pattern
    return None if pattern is None else Pattern(pattern, "session.key_pattern")


def _sent_to(profile: Profile) -> tuple[Pattern, ...]:
    return tuple(
        Pattern(rule.url, f"wire {rule.name!r}: url") for rule in profile.wire if rule.direction == "sent"
    )


def _cookie_names(profile: Profile) -> Pattern | None:
    session = profile.id_store
    if session.store != "cookie":
        return None
    return Pattern(session.key_pattern or f"^{re.escape(session.key or '')}$", "session.key_pattern")
