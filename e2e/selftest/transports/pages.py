"""The pages: what each is about, its script, and the wire rules with which the suite must be able to judge it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Rule = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the lab. ``script`` defines ``send(message, reply)``; ``wire`` is its profile's rules."""

    script: str
    wire: tuple[Rule, ...]
    body: str = ""
    """Attributes of the page's body."""
    session: Rule = field(default_factory=lambda: {"key": "lab_session"})
    where: Rule = field(default_factory=dict)
    html: str = ""
    """Instead of the usual page."""


def http(**more: Any) -> Rule:
    return {"url": "/lab/chat", "session": "session", "provider": "provider", **more}


def socket(name: str, **more: Any) -> Rule:
    return {
        "transport": "websocket",
        "url": f"/lab/ws/{name}",
        "session": "session",
        "provider": "provider",
        **more,
    }


EVENTS: Rule = {
    "name": "events", "direction": "received", "url": "/lab/events", "reply_to": "of", "done": "event == 'end'", "provider": "provider",
}  # fmt: skip
_WS = "const ws = new WebSocket(`ws://${location.host}/lab/ws/%s`%s); const open = new Promise((yes) => (ws.onopen = yes)); let waiting = {};"
_LISTEN = """const listen = () => { const source = new EventSource('/lab/events?session=' + session());
  for (const kind of ['token', 'end']) source.addEventListener(kind, (e) => { const p = JSON.parse(e.data); if (replies[p.of]) said(replies[p.of], p); }); return source; };
const replies = {}; let source = listen(); renewed = () => { source.close(); source = listen(); };"""

PAGES: dict[str, Page] = {
    "fetch-json": Page("const send = async (m, r) => said(r, await (await post('/lab/chat', json(m))).json());", (http(),)),
    "xhr": Page(
        """const send = (m, r) => new Promise((done) => { const x = new XMLHttpRequest(); x.open('POST', '/lab/chat');
        x.setRequestHeader('Content-Type', 'application/json'); x.onload = () => { said(r, JSON.parse(x.responseText)); done(); }; x.send(json(m)); });""",
        (http(),),
    ),
    "sse": Page(
        """const send = async (m, r) => lines(await post('/lab/chat?form=sse', json(m)), (l) => l.startsWith('data:') && said(r, JSON.parse(l.slice(5))));""",
        (http(),),
    ),
    "ndjson": Page(
        "const send = async (m, r) => lines(await post('/lab/chat?form=ndjson', json(m)), (l) => said(r, JSON.parse(l)));", (http(),)
    ),
    "eventsource": Page(
        f"{_LISTEN} const send = async (m, r) => {{ replies[m.id] = r; await post('/lab/send', json(m)); }};",
        ({**http(url="/lab/send"), "answered_by": "events", "reply_to": "id", "provider": None}, EVENTS),
    ),
    "beacon": Page(
        f"{_LISTEN} const send = (m, r) => {{ replies[m.id] = r; navigator.sendBeacon('/lab/send', new Blob([json(m)], {{type: 'application/json'}})); }};",
        ({**http(url="/lab/send"), "answered_by": "events", "reply_to": "id", "provider": None}, EVENTS),
    ),
    "long-poll": Page(
        """const replies = {}; let current = 0; const poll = async (turn) => { while (turn === current) { const got = await (await fetch('/lab/poll?session=' + session())).json();
        for (const p of got) if (replies[p.of]) said(replies[p.of], p); } }; poll(0); renewed = () => poll(++current);
        const send = async (m, r) => { replies[m.id] = r; await post('/lab/send', json(m)); };""",
        (
            {**http(url="/lab/send"), "answered_by": "events", "reply_to": "id", "provider": None},
            {**EVENTS, "url": "/lab/poll", "done": "last", "provider": "provider"},
        ),
    ),
    "form": Page(
        "const send = async (m, r) => said(r, await (await post('/lab/chat', new URLSearchParams(m), 'application/x-www-form-urlencoded')).json());",
        (http(session={"form": "session"}),),
    ),
    "multipart": Page(
        """const send = async (m, r) => { const f = new FormData(); for (const [k, v] of Object.entries(m)) f.append(k, v); f.append('file', new Blob(['x']), 'x.txt');
        said(r, await (await fetch('/lab/chat', {method: 'POST', body: f})).json()); };""",
        (http(session={"form": "session"}),),
    ),
    "query": Page(
        "const send = async (m, r) => said(r, await (await post('/lab/chat?session=' + m.session, JSON.stringify({text: m.text}))).json());",
        (http(session={"query": "session"}),),
    ),
    "path": Page(
        "const send = async (m, r) => said(r, await (await post('/lab/chats/' + m.session + '/messages', JSON.stringify({text: m.text}))).json());",
        (http(url="/lab/chats/[^/]+/messages$", session={"path": "/chats/([^/]+)/"}),),
    ),
    "header": Page(
        """const send = async (m, r) => { const a = await fetch('/lab/chat', {method: 'POST', headers: {'X-Session-Id': m.session, 'Content-Type': 'application/json'}, body: JSON.stringify({text: m.text})});
        said(r, {provider: a.headers.get('X-Provider'), text: (await a.json()).text}); };""",
        (http(session={"header": "X-Session-Id"}, provider={"header": "X-Provider"}),),
    ),
    "cookie": Page(
        "const send = async (m, r) => said(r, await (await post('/lab/chat', JSON.stringify({text: m.text}))).json());",
        (http(session={"cookie": "lab_session"}),),
        'data-store="cookie"',
        {"store": "cookie", "key": "lab_session"},
    ),
    "cookie-httponly": Page(
        "const send = async (m, r) => said(r, await (await post('/lab/chat', JSON.stringify({text: m.text}))).json());",
        (http(session={"cookie": "lab_hidden"}),),
        'data-store="httponly"',
        {"store": "cookie", "key": "lab_hidden"},
    ),
    "address": Page(
        "const send = async (m, r) => said(r, await (await post('/lab/chat', json(m))).json()); session();",
        (http(),),
        'data-store="address"',
        {"store": "url", "regex": "/c/([^/?#]+)"},
    ),
    "key-per-chat": Page(
        "const send = async (m, r) => said(r, await (await post('/lab/chat', json(m))).json());",
        (http(),),
        'data-store="perchat"',
        {"key_pattern": "^chat:", "id": "id"},
    ),
    "memory": Page(
        "const send = async (m, r) => said(r, await (await post('/lab/chat', json(m))).json());", (http(),), 'data-store="memory"', {"store": "none"}
    ),
    "nested": Page(
        "const send = async (m, r) => said(r, await (await post('/lab/chat', JSON.stringify({v: 1, data: json(m)}))).json());",
        (http(session="data.session", unfold=True),),
    ),
    "editable": Page("const send = async (m, r) => said(r, await (await post('/lab/chat', json(m))).json());", (http(),), 'data-box="editable"'),
    "shadow": Page("const send = async (m, r) => said(r, await (await post('/lab/chat', json(m))).json());", (http(),), "data-shadow"),
    "ws-text": Page(
        _WS % ("json", "") + """ ws.onmessage = (e) => { const p = JSON.parse(e.data); if (waiting[p.of]) said(waiting[p.of], p); };
        const send = async (m, r) => { await open; waiting[m.id] = r; ws.send(json(m)); };""",
        (socket("json", reply_to="id || of", done="last"),),
    ),
    "ws-binary": Page(
        _WS % ("json?binary=1", "") + """ ws.binaryType = 'arraybuffer'; ws.onmessage = (e) => { const p = JSON.parse(new TextDecoder().decode(e.data)); if (waiting[p.of]) said(waiting[p.of], p); };
        const send = async (m, r) => { await open; waiting[m.id] = r; ws.send(new TextEncoder().encode(json(m))); };""",
        (socket("json", reply_to="id || of", done="last"),),
    ),
    "ws-next": Page(
        _WS % ("next", "") + """ ws.onmessage = (e) => { const p = JSON.parse(e.data); if (p.text !== undefined) said(waiting.now, p); };
        const send = async (m, r) => { await open; waiting.now = r; ws.send(JSON.stringify({session: m.session, text: m.text})); };""",
        (socket("next", answer_when="provider || text || type == 'done'", done="type == 'done'", when="text"),),
    ),
    "socket.io": Page(
        _WS % ("socketio?EIO=4&transport=websocket", "") + """ let n = 0; ws.onmessage = (e) => { if (e.data[0] === '0') ws.send('40'); else if (e.data === '2') ws.send('3');
        else if (e.data.startsWith('43')) { const i = e.data.indexOf('['); said(waiting[e.data.slice(2, i)], JSON.parse(e.data.slice(i))[0]); } };
        const send = async (m, r) => { await open; waiting[++n] = r; ws.send(`42${n}` + JSON.stringify(['message', m])); };""",
        (socket("socketio", framing="socket.io", when="event == 'message'", session="args[0].session", provider="args[0].provider"),),
    ),
    "graphql-ws": Page(
        _WS % ("graphql", ", 'graphql-transport-ws'") + """ open.then(() => ws.send('{"type":"connection_init"}')); ws.onmessage = (e) => { const p = JSON.parse(e.data); if (p.type === 'next') said(waiting[p.id], p.payload.data.chat); };
        const send = async (m, r) => { await open; waiting[m.id] = r; ws.send(JSON.stringify({id: m.id, type: 'subscribe', payload: {query: 'subscription', variables: m}})); };""",
        (socket("graphql", framing="graphql-ws", when="type == 'subscribe'", session="payload.variables.session", provider="payload.data.chat.provider"),),
    ),
    "signalr": Page(
        _WS % ("signalr", "") + """ const RS = String.fromCharCode(30); open.then(() => ws.send('{"protocol":"json","version":1}' + RS));
        ws.onmessage = (e) => e.data.split(RS).filter(Boolean).map((t) => JSON.parse(t)).forEach((p) => p.type === 2 && said(waiting[p.invocationId], p.item));
        const send = async (m, r) => { await open; waiting[m.id] = r; ws.send(JSON.stringify({type: 4, invocationId: m.id, target: 'Chat', arguments: [m]}) + RS); };""",
        (socket("signalr", framing="signalr", when="target == 'Chat'", session="arguments[0].session", provider="item.provider"),),
    ),
    "json-rpc": Page(
        _WS % ("rpc", "") + """ let n = 0; ws.onmessage = (e) => { const p = JSON.parse(e.data); if (p.result) said(waiting[p.id], p.result); };
        const send = async (m, r) => { await open; waiting[++n] = r; ws.send(JSON.stringify({jsonrpc: '2.0', id: n, method: 'chat.send', params: m})); };""",
        (socket("rpc", framing="json-rpc", when="method == 'chat.send'", session="params.session", provider="result.provider"),),
    ),
    "worker": Page(
        """const w = new Worker('/lab/worker.js'); const replies = {}; w.onmessage = (e) => said(replies[e.data.of], e.data);
        const send = (m, r) => { replies[m.id] = r; w.postMessage(json(m)); };""",
        (http(),),
    ),
    "shared-worker": Page(
        """const w = new SharedWorker('/lab/shared.js'); const replies = {}; w.port.onmessage = (e) => said(replies[e.data.of], e.data);
        const send = (m, r) => { replies[m.id] = r; w.port.postMessage(json(m)); };""",
        (http(),),
    ),
    "service-worker": Page(
        """const ready = navigator.serviceWorker.register('/lab/sw.js', {scope: '/lab/'}).then(() => navigator.serviceWorker.ready).then(() => navigator.serviceWorker.controller || new Promise((yes) => (navigator.serviceWorker.oncontrollerchange = yes)));
        const send = async (m, r) => { await ready; said(r, await (await post('/lab/chat', json(m))).json()); };""",
        (http(),),
    ),
    "iframe": Page("", (http(),), html='<h1>Around</h1><iframe id="chat" src="/lab/fetch-json{query}" width="800" height="500"></iframe>', where={"frame": ["iframe#chat"]}),
    "iframe-cross": Page(
        "", (http(),), html='<h1>Around</h1><iframe id="chat" src="http://localhost:{port}/lab/memory{query}" width="800" height="500"></iframe>', where={"frame": ["iframe#chat"]}
    ),
}  # fmt: skip
