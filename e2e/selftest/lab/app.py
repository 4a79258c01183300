"""The lab: pages, their backends, and the thread that serves them.

with Lab.start() as lab:
    page.goto(lab.url("fetch-sse", bug="stale"))
"""

from __future__ import annotations

import asyncio
import contextlib
import html
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from e2e.selftest.lab import http, without_ids
from e2e.selftest.lab.backend import Backend, Received
from e2e.selftest.lab.convex import Convex
from e2e.selftest.lab.events import Posts
from e2e.selftest.lab.hubs import GraphQL, JsonRpc, SignalR, SocketIO
from e2e.selftest.lab.pages import PAGES, Page
from e2e.selftest.lab.sockets import Binary, Next, Text, route

__all__ = ["PAGES", "Lab", "Page", "create_app"]

STATIC = Path(__file__).parent / "static"
FRAMINGS = (Text, Binary, Next, SocketIO, GraphQL, SignalR, JsonRpc, Convex, without_ids.Held)
STRICT = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' ws:; frame-src 'self'; "
    "img-src data:; require-trusted-types-for 'script'; trusted-types default",
    "Permissions-Policy": "sync-xhr=(), unload=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
"""Headers of a page that allows nothing but its own scripts, and no text where code could be."""
START_S = 10.0
STOP_S = 5.0


def create_app(backend: Backend, other_port: int) -> Starlette:
    """Return the application: pages, scripts, backends. It is served at `other_port` too."""
    app = Starlette(
        routes=[
            Route("/", _index),
            Route("/lab/service-worker.js", _service_worker),
            Route("/lab/{name}", _page),
            Route("/lab/{name}/c/{session}", _page),
            *http.routes(backend),
            *without_ids.routes(backend),
            *Posts(backend).routes(),
            *(route(backend, framing) for framing in FRAMINGS),
            Mount("/static", StaticFiles(directory=STATIC)),
        ]
    )
    app.state.other_port = other_port
    return app


async def _index(_: Request) -> Response:
    items = (f'<li><a href="/lab/{p.name}">{p.name}</a>: {html.escape(p.about)}' for p in PAGES.values())
    return HTMLResponse(f"<!doctype html><title>Lab</title><ul>{''.join(items)}</ul>")


async def _page(request: Request) -> Response:
    page = PAGES.get(request.path_params["name"])
    if page is None:
        raise HTTPException(404)
    await asyncio.sleep(float(request.query_params.get("load_s", 0)))
    hostile = [
        f"hostile/{name}.js" for name in request.query_params.get("hostile", "").split() if name != "csp"
    ]
    scripts = (*hostile, *(("lab.js",) if page.shared else ()), *page.scripts)
    tags = "".join(f'<script src="/static/{script}"></script>\n' for script in scripts)
    return HTMLResponse(
        f"""<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Lab: {page.name}</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="/static/lab.css"></head>
<body data-page="{page.name}" data-other-port="{request.app.state.other_port}">
<main id="app"></main>
{tags}</body>
</html>
""",
        headers=STRICT if "csp" in request.query_params.get("hostile", "").split() else None,
    )


async def _service_worker(_: Request) -> Response:
    """Serve it from where its scope begins."""
    return FileResponse(STATIC / "work" / "service-worker.js", media_type="text/javascript")


class _Server(uvicorn.Server):
    """Tells when it is ready, and leaves signals to the main thread."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Lab:
    """A lab that runs. `received` is what reached its backend, in order."""

    def __init__(self, port: int, other_port: int, backend: Backend, thread: threading.Thread) -> None:
        self.port = port
        self.other_port = other_port
        self.backend = backend
        self._thread = thread

    @classmethod
    @contextlib.contextmanager
    def start(cls, *, seed: int | None = None) -> Iterator[Lab]:
        """Serve in a thread of this process until the block ends: on a free port of 127.0.0.1, and on a second one."""
        backend = Backend(seed)
        with _listen() as first, _listen() as second:
            port, other_port = first.getsockname()[1], second.getsockname()[1]
            server = _Server(_config(create_app(backend, other_port)))
            thread = threading.Thread(target=server.run, args=([first, second],), name="lab", daemon=True)
            thread.start()
            try:
                if not server.ready.wait(START_S):
                    raise RuntimeError(f"the lab did not start within {START_S:g} s")
                yield cls(port, other_port, backend, thread)
            finally:
                server.should_exit = True
                thread.join(STOP_S)

    @property
    def is_up(self) -> bool:
        """Whether its thread still runs."""
        return self._thread.is_alive()

    @property
    def received(self) -> list[Received]:
        return self.backend.received

    def url(self, name: str, **params: str | int) -> str:
        """Address a page. Raises KeyError for a page that there is not."""
        query = f"?{urlencode(params)}" if params else ""
        return f"http://127.0.0.1:{self.port}/lab/{PAGES[name].name}{query}"


def _listen() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0), backlog=128)


def _config(app: Starlette) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        ws_per_message_deflate=False,
        # A keep-alive that ends between two requests of a test shows as a connection error, at random.
        timeout_keep_alive=300,
        # An open stream has nothing to finish that somebody would wait for.
        timeout_graceful_shutdown=0,
    )
