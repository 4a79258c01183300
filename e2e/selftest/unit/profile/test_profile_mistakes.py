"""Every plausible slip in a profile is refused before a browser starts: file, exact key, value, rule, and how it is right.

Guards against the profile that is read differently from how it was meant: such a run looks for an hour and then says "nothing was seen".
"""

# ruff: noqa: E501  (a slip is one line: a table is read down its columns)

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from e2e.errors import InvalidProfile
from e2e.profile.profile import TARGETS, Profile, check_files, check_variables, load, parse, toml_value

REFERENCE = (TARGETS / "reference.toml").read_text(encoding="utf-8")
HINT = (
    "  hint: e2e/docs/profiles.md explains every key; fixtures/targets/reference.toml is a complete example"
)

NEW_CHAT = 'new_chat = [{ click = { role = "button", name = "New chat" } }]'
READY = 'ready = { role = "textbox", name = "Message" }'
SEND = 'send = [{ press = "Enter" }]'
KEY = 'key = "chat_session"\nid = "sessionId"'
STORE = 'store = "localStorage"\n' + KEY
URL = 'url = "/api/chat$"'
SESSION = 'session = "session_id"'
PROVIDER = 'provider = "provider"'
HISTORY = 'history = "history"'
WHEN = "when = \"type == 'chat'\""
SOCKET = 'name = "socket"'
START = 'start = "reference"'
COUNT = "count = 9"
WRITES = "writes = true"
LOOKUP = 'lookup = { method = "GET", path = "/api/sessions/{session}", provider = "provider" }'
REMOVE = 'remove = { method = "DELETE", path = "/api/sessions/{session}" }'
STATE = 'state = { method = "GET", path = "/api/stats", active = "active_sessions", distribution = "distribution" }'
ASSIGN = 'assign = { method = "PUT", path = "/api/sessions/{session}", provider = "provider" }'
GONE = 'gone = { role = "button", name = "Stop" }'
POLICY = '[policy]\nrotation = "on_click"'
READY_TIME = "ready = 10"

# fmt: off
SLIPS: list[tuple[str, str, str, str, str]] = [
    # what stands there, what is written instead -> key, value as shown, rule with its example
    # names of keys and tables
    (KEY, 'kye = "chat_session"', "session.kye", "'chat_session'", "no such key; did you mean key?"),
    ("[policy]", "[polyci]", "polyci", '{ rotation = "on_click", reload = "keeps", affinity = "session" }', "no such key; did you mean policy?"),
    ("[timeouts]", "[Timeouts]", "Timeouts", "{ ready = 10, reply = 15 }", "no such key; did you mean timeouts?"),
    (READY_TIME, "redy = 10", "timeouts.redy", "10", "no such key; did you mean ready?"),
    (NEW_CHAT, 'newChat = [{ click = { css = "#a" } }]', "steps.newChat", '[{ click = { css = "#a" } }]', "no such key; did you mean new_chat?"),
    (SESSION, 'session = { jason = "a" }', "wire[0].session.jason", "'a'", "no such key; did you mean json?"),
    (NEW_CHAT, 'new_chat = [{ clik = { css = "#a" } }]', "steps.new_chat[0].clik", '{ css = "#a" }', "no such key; did you mean click?"),
    (READY, 'ready = { testid = "a" }', "where.ready.testid", "'a'", "no such key; did you mean test_id?"),
    (POLICY, '[policy]\nwibble = 1', "policy.wibble", "1", "no such key; known here: rotation, empty_chat, reload, tabs, affinity, bearer"),
    # tables and keys that are missing
    ('name = "reference"\n', "", "name", "nothing", 'required | name = "acme"'),
    ('title = "Reference chat"', "", "title", "nothing", 'required | title = "Acme support chat"'),
    (READY, "", "where.ready", "nothing", 'required | ready = { role = "textbox", name = "Message" }'),
    (NEW_CHAT, "", "steps.new_chat", "nothing", 'required | new_chat = [{ click = { role = "button", name = "New chat" } }]'),
    (URL, "", "wire[0].url", "nothing", 'required | url = "/api/chat$"'),
    (SESSION, "", "wire[0].session", "nothing", 'required for what is sent | session = "session_id"'),
    (LOOKUP, 'lookup = { path = "/{session}", provider = "p" }', "backend.lookup.method", "nothing", 'required | method = "GET"'),
    # versions, types
    ("schema = 1", "schema = 2", "schema", "2", "not 1 | schema = 1"),
    ("schema = 1", 'schema = "1"', "schema", "'1'", "not 1 | schema = 1"),
    ('title = "Reference chat"', "title = 7", "title", "7", 'not a text; a text stands in quotes | title = "Acme support chat"'),
    ('title = "Reference chat"', "title = 2026-11-22", "title", "2026-11-22", 'not a text; a text stands in quotes | title = "Acme support chat"'),
    ('title = "Reference chat"', 'title = ""', "title", "''", 'empty | title = "Acme support chat"'),
    ('name = "reference"\n', 'name = "My Chat"\n', "name", "'My Chat'", 'small letters, digits, - and _, as in a file\'s name | "acme"'),
    (READY_TIME, 'ready = "10"', "timeouts.ready", "'10'", "not a number; a number stands without quotes and without a unit | ready = 10"),
    (READY_TIME, 'ready = "5s"', "timeouts.ready", "'5s'", "not a number; a number stands without quotes and without a unit | ready = 10"),
    (READY_TIME, "ready = 0", "timeouts.ready", "0", "not above 0 | ready = 10"),
    (READY_TIME, "ready = -3", "timeouts.ready", "-3", "not above 0 | ready = 10"),
    (READY_TIME, "ready = 10000", "timeouts.ready", "10000", "above 600, the most there is | ready = 10"),
    (READY_TIME, "ready = inf", "timeouts.ready", "inf", "not a finite number | ready = 10"),
    (READY_TIME, "ready = nan", "timeouts.ready", "nan", "not a finite number | ready = 10"),
    (READY_TIME, "ready = true", "timeouts.ready", "true", "not a number; a number stands without quotes and without a unit | ready = 10"),
    (COUNT, 'count = "9"', "providers.count", "'9'", "not a whole number; a number stands without quotes | count = 9"),
    (COUNT, "count = 9.5", "providers.count", "9.5", "not a whole number; a number stands without quotes | count = 9"),
    (COUNT, "count = 0", "providers.count", "0", "below 1, the least there is | count = 9"),
    (COUNT, "count = 99999999999999999999", "providers.count", "99999999999999999999", "above 10000, the most there is | count = 9"),
    (WRITES, 'writes = "yes"', "backend.writes", "'yes'", "neither true nor false; they stand without quotes | writes = false"),
    (WRITES, "writes = 1", "backend.writes", "1", "neither true nor false; they stand without quotes | writes = false"),
    (NEW_CHAT, 'new_chat = { click = { css = "#a" } }', "steps.new_chat", '{ click = { css = "#a" } }', 'not a list | new_chat = [{ click = { role = "button", name = "New chat" } }]'),
    (NEW_CHAT, 'new_chat = "New chat"', "steps.new_chat", "'New chat'", 'not a list | new_chat = [{ click = { role = "button", name = "New chat" } }]'),
    (NEW_CHAT, "new_chat = []", "steps.new_chat", "[]", 'too few: at least 1 | new_chat = [{ click = { role = "button", name = "New chat" } }]'),
    (READY, 'ready = "#composer"', "where.ready", "'#composer'", 'not a table | ready = { role = "textbox", name = "Message" }'),
    (READY, READY + '\nframe = "iframe#chat"', "where.frame", "'iframe#chat'", 'not a list | frame = ["iframe#chat-widget"]'),
    (READY, READY + "\nviewport = [1280]", "where.viewport[1]", "nothing", "required"),
    (READY, READY + "\nviewport = [1280, 80]", "where.viewport[1]", "80", "below 200, the least there is"),
    (SESSION, "session = 5", "wire[0].session", "5", 'not a table | session = "session_id"'),
    # choices
    ('store = "localStorage"', 'store = "localstorage"', "session.store", "'localstorage'", 'not one of localStorage, sessionStorage, cookie, url, indexedDB, none | store = "localStorage"'),
    ('rotation = "on_click"', 'rotation = "often"', "policy.rotation", "'often'", "not one of on_click, on_first_message"),
    ('transport = "websocket"', 'transport = "ws"', "wire[1].transport", "'ws'", "not one of http, websocket"),
    ('method = "PUT"', 'method = "put"', "backend.assign.method", "'put'", "not one of GET, PUT, POST, DELETE, PATCH"),
    ('method = "POST"', 'method = "post"', "wire[0].method", "'post'", 'an HTTP method in capitals | "POST"'),
    (START, 'start = "npm start"', "where.start", "'npm start'", 'not one of reference | start = { command = ["npm", "start", "--", "--port", "{port}"] }'),
    (READY, READY + '\ndialogs = "ok"', "where.dialogs", "'ok'", "not one of accept, dismiss"),
    (READY, READY + '\npermissions = ["clipboard"]', "where.permissions[0]", "'clipboard'", "not one of accelerometer, "),
    # expressions
    (SESSION, 'session = "args[0"', "wire[0].session", "'args[0'", 'not a JMESPath expression (unclosed bracket at column 7) | "args[0].sessionId"'),
    (SESSION, 'session = { json = "args[0" }', "wire[0].session.json", "'args[0'", 'not a JMESPath expression (unclosed bracket at column 7) | "args[0].sessionId"'),
    (SESSION, 'session = "args]"', "wire[0].session", "'args]'", 'not a JMESPath expression (nothing opens the ] at column 5) | "args[0].sessionId"'),
    (SESSION, 'session = "$.session_id"', "wire[0].session", "'$.session_id'", 'not a JMESPath expression (there is no $ in JMESPath, at column 1) | "args[0].sessionId"'),
    (SESSION, 'session = "session-id"', "wire[0].session", "'session-id'", 'not a JMESPath expression (a name with - in it stands in double quotes, at column 8) | "args[0].sessionId"'),
    (SESSION, 'session = "args.0.id"', "wire[0].session", "'args.0.id'", 'not a JMESPath expression (0 at column 6: a number stands in backticks, an index in [ ]) | "args[0].sessionId"'),
    (SESSION, 'session = ""', "wire[0].session", "''", 'not a JMESPath expression (it is empty) | "args[0].sessionId"'),
    (SESSION, 'session = "args."', "wire[0].session", "'args.'", 'not a JMESPath expression (something is missing at column 6) | "args[0].sessionId"'),
    (SESSION, "session = \"type == 'chat'\"", "wire[0].session", "\"type == 'chat'\"", 'a condition, and here is said where a value is | "args[0].sessionId"'),
    (SESSION, "session = \"'session_id'\"", "wire[0].session", "\"'session_id'\"", 'it says a value itself, and not where it is | "args[0].sessionId"'),
    (HISTORY, 'history = "messages[0:2].foo(@)"', "wire[0].history", "'messages[0:2].foo(@)'", 'not a JMESPath expression (no function foo()) | "length(messages)"'),
    (HISTORY, 'history = "keys()"', "wire[0].history", "'keys()'", 'not a JMESPath expression (keys() takes 1 values, not 0) | "args[0].sessionId"'),
    (WHEN, 'when = "starts_wiht(type, \'chat\')"', "wire[1].when", "\"starts_wiht(type, 'chat')\"", 'not a JMESPath expression (no function starts_wiht()) | "length(messages)"'),
    (WHEN, "when = \"type = 'x'\"", "wire[1].when", "\"type = 'x'\"", "not a JMESPath expression (equal is written ==, at column 6) | \"type == 'chat'\""),
    (WHEN, "when = 'type == \"chat\"'", "wire[1].when", "'type == \"chat\"'", '"chat" is compared as a field\'s name, and a text stands in single quotes (a field that is meant: @.chat) | "type == \'chat\'"'),
    (WHEN, 'when = "type == chat"', "wire[1].when", "'type == chat'", '"chat" is compared as a field\'s name, and a text stands in single quotes (a field that is meant: @.chat) | "type == \'chat\'"'),
    (WHEN, 'when = "last == true"', "wire[1].when", "'last == true'", "true is a field's name in JMESPath, the value stands in backticks | \"success == `true`\""),
    (WHEN, 'when = "code == 200"', "wire[1].when", "'code == 200'", "not a JMESPath expression (200 at column 9: a number stands in backticks, an index in [ ]) | \"type == 'chat'\""),
    (WHEN, "when = \"type == 'chat\"", "wire[1].when", "\"type == 'chat\"", "not a JMESPath expression (the quote at column 9 is not closed) | \"type == 'chat'\""),
    (WHEN, "when = \"type == 'a' and n\"", "wire[1].when", "\"type == 'a' and n\"", "not a JMESPath expression (and at column 13 is written &&) | \"type == 'chat'\""),
    (WHEN, "when = \"type == 'a' | type == 'b'\"", "wire[1].when", "\"type == 'a' | type == 'b'\"", "a condition is not piped, or is written || | \"type == 'chat'\""),
    (WHEN, "when = \"'chat'\"", "wire[1].when", "\"'chat'\"", "it does not look at the payload | \"type == 'chat'\""),
    ('method = "POST"', 'done = "[DONE]"', "wire[0].done", "'[DONE]'", "it makes a list or a table, which always holds | \"type == 'chat'\""),
    (KEY, 'key = "a"\nid = "a..b"', "session.id", "'a..b'", 'not a JMESPath expression (. at column 3 was not expected) | "args[0].sessionId"'),
    # patterns
    (KEY, 'key_pattern = "chat_("', "session.key_pattern", "'chat_('", 'not a regular expression (missing ), unterminated subpattern at column 6) | "^chat_.*"'),
    (KEY, 'key_pattern = ".*"', "session.key_pattern", "'.*'", 'it matches everything, also an empty text | "^chat_.*"'),
    (URL, 'url = "*/api/chat*"', "wire[0].url", "'*/api/chat*'", 'not a regular expression (nothing to repeat at column 1) | "^chat_.*"'),
    (URL, 'url = ".+"', "wire[0].url", "'.+'", 'it matches every address | "/api/chat$"'),
    (URL, 'url = "/"', "wire[0].url", "'/'", 'it matches every address | "/api/chat$"'),
    (URL, 'url = "^https://"', "wire[0].url", "'^https://'", 'it matches every address | "/api/chat$"'),
    # addresses, hosts, headers, languages, CSS, roles, keys
    ('url = "http://127.0.0.1:8765/"', 'url = "localhost:8765"', "where.url", "'localhost:8765'", 'not a web address | "https://chat.example.org/"'),
    ('url = "http://127.0.0.1:8765/"', 'url = "https://chat example.org"', "where.url", "'https://chat example.org'", 'not a web address | "https://chat.example.org/"'),
    ('url = "http://127.0.0.1:8765/"', 'url = "https://a.example:99999/"', "where.url", "'https://a.example:99999/'", 'not a web address | "https://chat.example.org/"'),
    (READY, READY + '\npath = "chat"', "where.path", "'chat'", "begins with a slash | "),
    (READY, READY + '\nblocked_hosts = ["https://a.example"]', "where.blocked_hosts[0]", "'https://a.example'", 'not a host (no scheme, no path) | "*.analytics.example"'),
    (READY, READY + '\nheaders = { "X Y" = "1" }', 'where.headers."X Y"', "'X Y'", 'not the name of a header | "X-Session-Id"'),
    (READY, READY + '\nheaders = { X = 1 }', "where.headers.X", "1", 'not a text; a text stands in quotes | headers = { X-Preview = "${PREVIEW_TOKEN}" }'),
    (READY, READY + '\nlocale = "en_GB"', "where.locale", "'en_GB'", 'language, then country after a hyphen | "en-GB"'),
    (READY, READY + '\ntimezone = "Berlin"', "where.timezone", "'Berlin'", 'no time zone has this name | "Europe/Berlin"'),
    (READY, 'ready = { css = "button[data-a" }', "where.ready.css", "'button[data-a'", 'not a CSS selector | "button[data-action=new]"'),
    (READY, 'ready = { css = "//div[@id]" }', "where.ready.css", "'//div[@id]'", 'not a CSS selector | "button[data-action=new]"'),
    (READY, 'ready = { css = "text=New" }', "where.ready.css", "'text=New'", 'not a CSS selector | "button[data-action=new]"'),
    (READY, 'ready = { role = "textboxx" }', "where.ready.role", "'textboxx'", 'not an ARIA role | "textbox"'),
    (SEND, 'send = [{ press = "Return" }]', "steps.send[0].press", "'Return'", "no key is named 'Return' | press = \"Enter\" (or \"Control+Shift+O\")"),
    (SEND, 'send = [{ press = "Ctrl+Enter" }]', "steps.send[0].press", "'Ctrl+Enter'", "no key is named 'Ctrl' | press = \"Enter\" (or \"Control+Shift+O\")"),
    # exactly one of
    (READY, 'ready = { role = "textbox", css = "#a" }', "where.ready", '{ role = "textbox", css = "#a" }', "a locator says exactly one of role, label, placeholder, test_id, text, title, css (this says role, css) | "),
    (READY, "ready = { exact = true }", "where.ready", "{ exact = true }", "a locator says exactly one of role, label, placeholder, test_id, text, title, css (this says none of them) | "),
    (READY, 'ready = { css = "#a", name = "Message" }', "where.ready.name", "'Message'", 'name goes with role | { role = "button", name = "New chat" }'),
    (SESSION, 'session = { json = "a", query = "b" }', "wire[0].session", '{ json = "a", query = "b" }', 'exactly one of json, form, query, header, cookie, path, url, page, connection (this says json, query) | { json = "session_id" }'),
    (SESSION, 'session = { regex = "a" }', "wire[0].session", '{ regex = "a" }', "exactly one of json, form, query, header, cookie, path, url, page, connection besides regex (a regex alone is for provider) | "),
    (NEW_CHAT, "new_chat = [{ }]", "steps.new_chat[0]", "{}", "an action says exactly one of click, hover, press, fill, wait_for, wait_gone, dismiss, mouse_away (this says none of them) | "),
    (NEW_CHAT, 'new_chat = [{ hover = { css = "a" } }]', "steps.new_chat", '[{ hover = { css = "a" } }]', "no click and no press, so nothing is started | "),
    (SEND, 'send = [{ wait_for = { css = "a" } }]', "steps.send", '[{ wait_for = { css = "a" } }]', "no click and no press, so nothing is started | "),
    # the store
    (KEY, "", "session.key", "nothing", 'store = "localStorage" needs key or key_pattern | key = "chat_session"'),
    (KEY, 'key = "a"\nkey_pattern = "b"', "session.key_pattern", "'b'", "key is given already; leave one of them out"),
    (KEY, KEY + '\nregex = "a(b)"', "session.regex", "'a(b)'", "id says already where the ID is in the value; leave one of them out"),
    (STORE, 'store = "url"', "session.regex", "nothing", 'store = "url" needs it | regex = "/c/([0-9a-f-]{36})"'),
    (STORE, 'store = "url"\nkey = "a"\nregex = "/c/(.+)"', "session.key", "'a'", 'store = "url" has no key; leave it out'),
    (STORE, 'store = "none"\nkey = "a"', "session.key", "'a'", 'store = "none" has no key; leave it out'),
    (STORE, 'store = "none"\nid = "a"', "session.id", "'a'", 'store = "none" has no id; leave it out'),
    (STORE, 'store = "indexedDB"\nkey = "a"\nobject_store = "kv"', "session.database", "nothing", 'store = "indexedDB" needs it | database = "chat"'),
    (STORE, 'store = "indexedDB"\nkey = "a"\ndatabase = "chat"', "session.object_store", "nothing", 'store = "indexedDB" needs it | object_store = "kv"'),
    (KEY, KEY + '\ndatabase = "chat"', "session.database", "'chat'", 'store = "localStorage" has no database; leave it out'),
    # the wire
    (SOCKET, SOCKET + '\nmethod = "POST"', "wire[1].method", "'POST'", 'is for HTTP; leave it out for transport = "websocket"'),
    (WHEN + "\n" + SESSION, 'session = { header = "X-Session" }', "wire[1].session", '{ header = "X-Session" }', 'a frame has no form and no header | session = { json = "session" }'),
    (PROVIDER, 'provider = { query = "p" }', "wire[0].provider", '{ query = "p" }', 'an answer has no query | provider = { json = "provider" }'),
    (PROVIDER, 'provider = { page = "p" }', "wire[0].provider", '{ page = "p" }', 'an answer has no page | provider = { json = "provider" }'),
    (URL, URL + '\nframing = "phoenix"', "wire[0].framing", "'phoenix'", 'is for frames | transport = "websocket"'),
    (SOCKET, SOCKET + '\ndirection = "received"', "wire[1].session", '{ json = "session_id" }', 'is for what is sent; leave it out, or say direction = "sent"'),
    (SOCKET, SOCKET + "\njudged = 5", "wire[1].judged", "5", "neither true nor false; they stand without quotes"),
    (URL, URL + '\nanswered_by = "events"', "wire[0].answered_by", "'events'", 'names no wire rule with direction = "received" (there are: none) | answered_by = "events"'),
    (SOCKET, 'name = "chat"', "wire[1].name", "'chat'", "two wire rules have this name; give each one of its own"),
    (SOCKET, 'name = "/chat"', "wire[1].name", "'/chat'", 'letters, digits, blanks, - and _ | "chat"'),
    (SESSION + "\n" + HISTORY + "\n" + PROVIDER, 'session = "meta.provider"\nprovider = "meta.sessionId"', "wire[0].session", "'meta.provider'", 'session and provider are swapped | session = "meta.sessionId"'),
    # what must agree
    (GONE, "exchange_finished = false", "reply", "{ exchange_finished = false }", 'nothing tells the end of a reply: exchange_finished, gone, shown or settled | gone = { role = "button", name = "Stop" }'),
    (GONE, GONE + "\nsettled = 60", "reply.settled", "60", "above 30, the most there is | settled = 0.5"),
    (GONE + '\n\n[screen]\nmessages = { test_id = "message" }', "settled = 1\n\n[screen]", "reply.settled", "1.0", 'watches the messages, and screen does not say where they are | screen = { messages = { test_id = "message" } }'),
    (COUNT, 'source = ["backend", "backend"]', "providers.source", '["backend", "backend"]', "a layer is named twice; leave one out"),
    (COUNT, "source = []", "providers.source", "[]", "too few: at least 1"),
    (COUNT, 'source = "reply"', "providers.source", "'reply'", "not a list"),
    (COUNT, "weights = { a = 0.5, b = 0.4 }", "providers.weights", "{ a = 0.5, b = 0.4 }", 'shares above 0 that sum to 1 | weights = { "Big hat" = 0.7, "Tall boot" = 0.3 }'),
    (COUNT, "weights = { a = 0, b = 1 }", "providers.weights", "{ a = 0.0, b = 1.0 }", "shares above 0 that sum to 1 | "),
    (COUNT, "weights = { a = nan }", "providers.weights.a", "nan", 'not a finite number | weights = { "Big hat" = 0.7, "Tall boot" = 0.3 }'),
    (COUNT, "weights = { }", "providers.weights", "{}", "shares above 0 that sum to 1 | "),
    (COUNT, 'names = ["a"]\nweights = { b = 1 }', "providers.weights", "{ b = 1.0 }", "not the same providers as names: a, b is in one of them only"),
    (COUNT, 'names = ["a", "a"]', "providers.names", '["a", "a"]', "a provider is named twice; leave one out"),
    (COUNT, 'count = 9\nnames = ["a", "b"]', "providers.count", "9", "2 providers are named; leave count out"),
    (COUNT, 'names = ["a", "b"]\nmap = { p3 = "c" }', "providers.map.p3", "'c'", "none of the providers: a, b; write one of these"),
    (READY_TIME + "\nreply = 15", "reply = 1\nquiet = 2", "timeouts.quiet", "2.0", "is not below reply = 1 | quiet = 0.15"),
    (POLICY, "[limits]\nmessages = 5\nmessages_per_context = 15\n" + POLICY, "limits.messages", "5", "is for the whole run, and below messages_per_context = 15; raise it, or leave one out"),
    # the backend
    (LOOKUP, 'lookup = { method = "GET", path = "/s", provider = "p" }', "backend.lookup.path", "'/s'", 'says nothing of {session} | path = "/sessions/{session}"'),
    (LOOKUP, 'lookup = { method = "GET", path = "/s/{session}" }', "backend.lookup.provider", "nothing", 'says where the provider is in the answer | provider = "provider"'),
    (WRITES + "\n" + ASSIGN + "\n" + LOOKUP, LOOKUP.replace("GET", "PUT"), "backend.lookup.method", "'PUT'", 'changes something, and writes is false; say writes = true, or ask otherwise | method = "GET"'),
    (WRITES + "\n" + ASSIGN + "\n" + LOOKUP + "\n" + REMOVE + "\n" + STATE, "", "backend.lookup", "nothing", "the backend offers nothing | "),
    (START, 'start = { command = ["npm"], url = "localhost:{port}" }', "where.start.command", '["npm"]', "{port} stands both in the command"),
    (REMOVE, 'remove = { method = "DELETE", path = "/all" }', "backend.remove.path", "'/all'", 'says nothing of {session} | path = "/sessions/{session}"'),
    (REMOVE, REMOVE[:-2] + ', active = "n" }', "backend.remove.active", "'n'", "is for state only; leave it out"),
    (STATE, 'state = { method = "GET", path = "stats" }', "backend.state.path", "'stats'", 'begins with a slash | "/api/sessions/{session}"'),
    # secrets and variables
    (WRITES, 'writes = true\nheaders = { Authorization = "Bearer abc" }', "backend.headers.Authorization", "***", 'a secret does not stand in a file | "Bearer ${ADMIN_TOKEN}"'),
    (READY, READY + '\nheaders = { Cookie = "a=b" }', "where.headers.Cookie", "***", 'a secret does not stand in a file | "${ADMIN_TOKEN}"'),
    (READY, READY + '\nheaders = { X = "${1X}" }', "where.headers.X", "'${1X}'", '${1X} is no variable, it is written ${NAME} | "${CHAT_USER}"'),
    (READY, READY + '\nheaders = { X = "$TOKEN" }', "where.headers.X", "'$TOKEN'", '$TOKEN is no variable, it is written ${NAME} | "${CHAT_USER}"'),
    (READY, READY + '\nheaders = { X = "a\\nb" }', "where.headers.X", "'a\\nb'", 'a header is one line of ASCII | "${TOKEN}"'),
    (READY, READY + '\nhttp_credentials = { username = "a", password = "hunter2" }', "where.http_credentials.password", "***", 'a password does not stand in a file | password = "${STAGING_PASSWORD}"'),
    ('url = "http://127.0.0.1:8765/"', 'url = "https://ann:hunter2@a.example/"', "where.url", "***", "a password does not stand in an address | "),
    (POLICY, '[login]\nsteps = [{ fill = { into = { label = "Password" }, text = "hunter2" } }]\n' + POLICY, "login.steps[0].fill.text", "***", 'a password does not stand in a file | text = "${CHAT_PASSWORD}"'),
    # login, start, refusals
    (POLICY, "[login]\n" + POLICY, "login", "{}", 'no way to log in: storage_state, steps or accounts | storage_state = ".auth/acme.json"'),
    (POLICY, '[login]\nstorage_state = "a"\naccounts = [{ storage_state = "b" }]\n' + POLICY, "login.storage_state", "'a'", "is for one user, and accounts for several; leave one out"),
    (POLICY, '[login]\naccounts = [{ env = { A = "B" } }]\n' + POLICY, "login.steps", "nothing", "accounts with env need the steps that use them | "),
    (POLICY, '[login]\naccounts = [{ }]\n' + POLICY, "login.accounts[0]", "{}", 'an account has a storage_state or an env | storage_state = "anna.json"'),
    (START, 'start = { command = ["npm", "start"] }', "where.start.command", '["npm", "start"]', '{port} stands both in the command (or env) and in the url, or in none of them | command = ["npm", "start", "--", "--port", "{port}"]'),
    (START, 'start = { command = "npm start" }', "where.start.command", "'npm start'", "not a list | "),
    (START, "start = 5", "where.start", "5", "not a table | "),
    (POLICY, '[[blocked]]\nkind = "login-wall"\n' + POLICY, "blocked[3]", '{ kind = "login-wall" }', 'exactly one of screen, url, status, answer (this says none of them) | screen = { role = "alert", name = "Daily limit" }'),
    (POLICY, '[[blocked]]\nkind = "rate-limited"\nstatus = 429\n' + POLICY, "blocked[3].status", "429", "not a list | status = [429, 503]"),
    (POLICY, '[[blocked]]\nkind = "ratelimit"\nstatus = [429]\n' + POLICY, "blocked[3].kind", "'ratelimit'", 'not one of rate-limited, daily-limit, login-wall, captcha, backend-down, blocked | kind = "rate-limited"'),
]
# fmt: on


def refusal(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("acme.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InvalidProfile) as refused:
        load("acme.toml")
    return str(refused.value)


@pytest.mark.parametrize(
    ("line", "other", "key", "got", "rule"), SLIPS, ids=[f"{n}-{slip[2]}" for n, slip in enumerate(SLIPS)]
)
def test_a_slip_is_refused_with_file_key_value_rule_and_example(
    line: str, other: str, key: str, got: str, rule: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert line in REFERENCE
    said = refusal(REFERENCE.replace(line, other, 1), tmp_path, monkeypatch).splitlines()
    rule, _, example = rule.partition(" | ")
    assert said[0] == f"acme.toml: at {key}"
    assert said[1].startswith(f"  got {got} : {rule}")
    assert said[2].startswith(f"  example: {example}" if example else "  ")
    assert said[-1] == HINT
    assert "hunter2" not in "\n".join(said)


class TestWholeFiles:
    """What is wrong with the file itself, before any key."""

    @pytest.mark.parametrize(
        ("line", "other", "place", "got", "rule"),
        [
            ("[reply]", "[reply", "line 45, column 7", "'[reply'", "not TOML (Expected ']' at the end of a table declaration)"),
            (READY_TIME, "ready = 10\nready = 11", "line 82, column 11", "'ready = 11'", "not TOML (this key or table is said twice)"),
            ('[policy]', "[providers]", "line 75, column 11", "'[providers]'", "not TOML ("),
            ("schema = 1", "schema = one", "line 3, column 10", "'schema = one'", "not TOML (no value begins like this; a text stands in quotes)"),
            ('title = "Reference chat"', 'title = "Reference chat', "line 5, column 24", "'title = \"Reference chat'", "not TOML ("),
            ("[[wire]]", "[wire]", "line 33, column 7", "'[[wire]]'", "not TOML ("),
        ],
    )  # fmt: skip
    def test_no_toml(
        self,
        line: str,
        other: str,
        place: str,
        got: str,
        rule: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        said = refusal(REFERENCE.replace(line, other, 1), tmp_path, monkeypatch).splitlines()
        assert said[0] == f"acme.toml: at {place}"
        assert said[1].startswith(f"  got {got} : {rule}")
        assert said[-1] == "  hint: correct that line"

    @pytest.mark.parametrize(
        ("table", "got"),
        [("[wire]", "{ name = "), ("[wire.0]", "{ 0 = { name = ")],
        ids=["table", "numbered"],
    )
    def test_a_list_of_tables_written_as_a_table(
        self, table: str, got: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before, _, after = REFERENCE.split("[[wire]]", 2)[0], None, REFERENCE.split("[reply]", 1)[1]
        rule = f'{table}\nname = "chat"\nurl = "/api/chat$"\nsession = "s"\n\n[reply]'
        said = refusal(before + rule + after, tmp_path, monkeypatch).splitlines()
        assert said[0] == "acme.toml: at wire"
        assert said[1].startswith(f"  got {got}")
        assert said[1].endswith(" : not a list of tables; each begins with a line [[wire]]")

    def test_no_rule_that_is_judged_carries_messages(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        text = REFERENCE.replace("[[wire]]", "[[wire]]\njudged = false")
        said = refusal(text, tmp_path, monkeypatch).splitlines()
        assert said[0] == "acme.toml: at wire[0].judged"
        assert said[1].startswith("  got false : no rule would carry messages")

    def test_no_rule_is_for_what_is_sent(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        text = REFERENCE.split("[[wire]]", 1)[0] + '[[wire]]\ndirection = "received"\nurl = "/events$"\n'
        said = refusal(text, tmp_path, monkeypatch)
        assert said.startswith("acme.toml: at wire[0].direction\n  got 'received' : ")

    def test_a_channel_that_answers_nothing(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        rule = '[[wire]]\nname = "events"\ndirection = "received"\nurl = "/events$"\n\n[reply]'
        said = refusal(REFERENCE.replace("[reply]", rule), tmp_path, monkeypatch)
        assert said.startswith(
            "acme.toml: at wire[2].direction\n  got 'received' : answers no rule that is sent;"
            ' say answered_by = "events" there'
        )

    def test_utf_16(self, tmp_path: Path) -> None:
        (tmp_path / "acme.toml").write_bytes(REFERENCE.encode("utf-16"))
        with pytest.raises(
            InvalidProfile, match=r"^acme\.toml: at byte 1\n  got .* : not UTF-8 text\n  hint: save"
        ):
            load(str(tmp_path / "acme.toml"))

    def test_an_empty_file(self, tmp_path: Path) -> None:
        (tmp_path / "acme.toml").write_text("# later\n")
        with pytest.raises(
            InvalidProfile, match=r"^acme\.toml: says nothing\n  hint: `python -m e2e discover URL`"
        ):
            load(str(tmp_path / "acme.toml"))

    def test_a_folder(self, tmp_path: Path) -> None:
        with pytest.raises(InvalidProfile, match=r": a folder\n  hint: the path of a TOML file"):
            load(str(tmp_path))

    def test_a_file_that_may_not_be_read(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "acme.toml").write_text(REFERENCE)

        def refused(self: Path) -> bytes:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "read_bytes", refused)
        with pytest.raises(InvalidProfile, match=r"^acme\.toml: cannot be read: Permission denied\n  hint:"):
            load(str(tmp_path / "acme.toml"))

    def test_a_password_is_not_shown_with_the_line_that_is_no_toml(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        said = refusal('password = "hunter2', tmp_path, monkeypatch)
        assert "'password = ***'" in said
        assert "hunter2" not in said


class TestSurroundings:
    """What the profile refers to, and is not there."""

    def profile(self, line: str, other: str) -> Profile:
        return parse(tomllib.loads(REFERENCE.replace(line, other, 1)), "acme.toml")

    def test_variables_that_are_not_set_are_named_with_their_keys(self) -> None:
        profile = self.profile(READY, READY + '\nheaders = { X-A = "${TOKEN_A}", X-B = "${TOKEN_B}" }')
        with pytest.raises(InvalidProfile) as refused:
            check_variables(profile, {"TOKEN_A": ""})
        assert str(refused.value).splitlines() == [
            "profile 'reference': at where.headers.X-A",
            "  got ${TOKEN_A} : the environment has no TOKEN_A",
            "profile 'reference': at where.headers.X-B",
            "  got ${TOKEN_B} : the environment has no TOKEN_B",
            "  hint: export TOKEN_A=… TOKEN_B=…, or take it out of the profile",
        ]

    def test_variables_that_are_set(self) -> None:
        check_variables(self.profile(READY, READY + '\nheaders = { X-A = "${TOKEN_A}" }'), {"TOKEN_A": "1"})

    @pytest.mark.parametrize(
        ("content", "rule"),
        [
            (None, "cannot be read: No such file or directory"),
            ("[]", "not a storage state"),
            ("{", "not a storage state (no JSON)"),
        ],
    )
    @pytest.mark.parametrize(
        ("login", "key"),
        [
            ('storage_state = "a.json"', "login.storage_state"),
            ('accounts = [{ storage_state = "a.json" }]', "login.accounts[0].storage_state"),
        ],
    )
    def test_a_storage_state_that_is_none(
        self, login: str, key: str, content: str | None, rule: str, tmp_path: Path
    ) -> None:
        if content is not None:
            (tmp_path / "a.json").write_text(content)
        with pytest.raises(InvalidProfile) as refused:
            check_files(self.profile(POLICY, f"[login]\n{login}\n{POLICY}"), tmp_path)
        assert str(refused.value).startswith(
            f"profile 'reference': at {key}\n  got 'a.json' : {rule}\n  hint:"
        )

    def test_a_storage_state_that_is_there(self, tmp_path: Path) -> None:
        (tmp_path / "a.json").write_text('{"cookies": [], "origins": []}')
        check_files(self.profile(POLICY, f'[login]\nstorage_state = "a.json"\n{POLICY}'), tmp_path)
        check_files(load("reference"), tmp_path)


class TestNotRefused:
    """The file that a hint names exists."""

    @pytest.mark.parametrize(
        "when",
        ["seq == @.total", "kind == 'a' || kind == 'b'", "not_null(error)", "!last", "n > `3`", '"x-type" == \'chat\'', "@ == 'x'", "error"],
    )  # fmt: skip
    def test_conditions(self, when: str) -> None:
        text = REFERENCE.replace(WHEN, f"when = {toml_value(when)}")
        assert parse(tomllib.loads(text), "acme.toml").wire[1].when == when

    @pytest.mark.parametrize(
        "place", ['"session-id"', "args[0].id", "a || b", "messages[-1].meta.id", "[0]", "@"]
    )
    def test_places(self, place: str) -> None:
        text = REFERENCE.replace(SESSION, f"session = {toml_value(place)}", 1)
        session = parse(tomllib.loads(text), "acme.toml").wire[0].session
        assert session is not None
        assert session.json_ == place
