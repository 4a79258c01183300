"""Every plausible mistake in a profile is refused before a browser starts, with file, key, value, rule and hint.

Guards against a profile that is read differently from how it was meant: the run would end with "nothing was seen".
"""

# ruff: noqa: E501  (one mistake per line: the table is read down its columns)

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from e2e.errors import InvalidProfile
from e2e.profile.environment import check_files, check_variables
from e2e.profile.profile import TARGETS, Profile, load, parse, toml_value

REFERENCE = (TARGETS / "reference.toml").read_text(encoding="utf-8")
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
TELL = 'tell = "Please remember this code word: {word}"'
RECALL = 'recall = "Which code word did I give you?"'
LOOKUP = 'lookup = { method = "GET", path = "/api/sessions/{session}", provider = "provider" }'
REMOVE = 'remove = { method = "DELETE", path = "/api/sessions/{session}" }'
STATE = 'state = { method = "GET", path = "/api/stats", active = "active_sessions", distribution = "distribution" }'
ASSIGN = 'assign = { method = "PUT", path = "/api/sessions/{session}", provider = "provider" }'
GONE = 'gone = { role = "button", name = "Stop" }'
POLICY = '[policy]\nrotation = "on_click"'
READY_TIME = "ready = 10"

# fmt: off
MISTAKES: list[tuple[str, str, str, str, str]] = [
    # line of the reference profile, its replacement -> key, value as shown, rule | hint
    # names of keys and tables
    (KEY, 'kye = "chat_session"', "session.kye", "'chat_session'", "unknown key | did you mean key?"),
    ("[policy]", "[polyci]", "polyci", '{ rotation = "on_click", reload = "keeps", affinity = "session" }', "unknown key | did you mean policy?"),
    ("[timeouts]", "[Timeouts]", "Timeouts", "{ ready = 10, reply = 15 }", "unknown key | did you mean timeouts?"),
    (READY_TIME, "redy = 10", "timeouts.redy", "10", "unknown key | did you mean ready?"),
    (NEW_CHAT, 'newChat = [{ click = { css = "#a" } }]', "steps.newChat", '[{ click = { css = "#a" } }]', "unknown key | did you mean new_chat?"),
    (SESSION, 'session = { jason = "a" }', "wire[0].session.jason", "'a'", "unknown key | did you mean json?"),
    (NEW_CHAT, 'new_chat = [{ clik = { css = "#a" } }]', "steps.new_chat[0].clik", '{ css = "#a" }', "unknown key | did you mean click?"),
    (READY, 'ready = { testid = "a" }', "where.ready.testid", "'a'", "unknown key | did you mean test_id?"),
    (POLICY, '[policy]\nwibble = 1', "policy.wibble", "1", "unknown key | known here: rotation, empty_chat, reload, tabs, affinity, id_is_secret"),
    # tables and keys that are missing
    ('name = "reference"\n', "", "name", "nothing", 'required | name = "acme"'),
    ('title = "Reference chat"', "", "title", "nothing", 'required | title = "Acme support chat"'),
    (READY, "", "where.ready", "nothing", 'required | ready = { role = "textbox", name = "Message" }'),
    (NEW_CHAT, "", "steps.new_chat", "nothing", 'required | new_chat = [{ click = { role = "button", name = "New chat" } }]'),
    (URL, "", "wire[0].url", "nothing", 'required | url = "/api/chat$"'),
    (SESSION, "", "wire[0].session", "nothing", 'required with direction = "sent" | session = "session_id", or leave out [session] if this chat sends no session ID'),
    ("[session]\n" + STORE, "", "session", "nothing", 'required because wire[0].session names the ID that is sent | session = { store = "localStorage", key = "chat_session" }, or { store = "none" } for an ID in memory only'),
    (TELL, 'tell = "Remember it"', "memory.tell", "'Remember it'", 'must contain {word} | tell = "Remember this word: {word}"'),
    (RECALL, 'recall = "Is it {word}?"', "memory.recall", "'Is it {word}?'", 'must not contain {word}: the question would give the word away | recall = "Which word did I give you?"'),
    (RECALL, 'knows = "yes"', "memory.knows", "'yes'", 'must contain {word} | knows = "{word}"'),
    (RECALL, 'knows = "({word}"', "memory.knows", "'({word}'", 'not a regular expression (missing ), unterminated subpattern) | knows = "(?i)your word is {word}"'),
    ("chats = 1", "chats = 0", "memory.chats", "0", "must be at least 1 | chats = 4"),
    (LOOKUP, 'lookup = { path = "/{session}", provider = "p" }', "backend.lookup.method", "nothing", 'required | method = "GET"'),
    # versions, types
    ("schema = 1", "schema = 2", "schema", "2", "must be 1 | schema = 1"),
    ("schema = 1", 'schema = "1"', "schema", "'1'", "must be 1 | schema = 1"),
    ('title = "Reference chat"', "title = 7", "title", "7", 'expected a string in quotes | title = "Acme support chat"'),
    ('title = "Reference chat"', "title = 2026-11-22", "title", "2026-11-22", 'expected a string in quotes | title = "Acme support chat"'),
    ('title = "Reference chat"', 'title = ""', "title", "''", 'must not be empty | title = "Acme support chat"'),
    ('name = "reference"\n', 'name = "My Chat"\n', "name", "'My Chat'", 'only lowercase letters, digits, - and _ | "acme"'),
    (READY_TIME, 'ready = "10"', "timeouts.ready", "'10'", "expected a number without quotes or unit | ready = 10"),
    (READY_TIME, 'ready = "5s"', "timeouts.ready", "'5s'", "expected a number without quotes or unit | ready = 10"),
    (READY_TIME, "ready = 0", "timeouts.ready", "0", "must be above 0 | ready = 10"),
    (READY_TIME, "ready = -3", "timeouts.ready", "-3", "must be above 0 | ready = 10"),
    (READY_TIME, "ready = 10000", "timeouts.ready", "10000", "must be at most 600 | ready = 10"),
    (READY_TIME, "ready = inf", "timeouts.ready", "inf", "expected a finite number | ready = 10"),
    (READY_TIME, "ready = nan", "timeouts.ready", "nan", "expected a finite number | ready = 10"),
    (READY_TIME, "ready = true", "timeouts.ready", "true", "expected a number without quotes or unit | ready = 10"),
    (COUNT, 'count = "9"', "providers.count", "'9'", "expected an integer without quotes | count = 9"),
    (COUNT, "count = 9.5", "providers.count", "9.5", "expected an integer without quotes | count = 9"),
    (COUNT, "count = 0", "providers.count", "0", "must be at least 1 | count = 9"),
    (COUNT, "count = 99999999999999999999", "providers.count", "99999999999999999999", "must be at most 10000 | count = 9"),
    (WRITES, 'writes = "yes"', "backend.writes", "'yes'", "expected true or false, without quotes | writes = false"),
    (WRITES, "writes = 1", "backend.writes", "1", "expected true or false, without quotes | writes = false"),
    (NEW_CHAT, 'new_chat = { click = { css = "#a" } }', "steps.new_chat", '{ click = { css = "#a" } }', 'expected a list | new_chat = [{ click = { role = "button", name = "New chat" } }]'),
    (NEW_CHAT, 'new_chat = "New chat"', "steps.new_chat", "'New chat'", 'expected a list | new_chat = [{ click = { role = "button", name = "New chat" } }]'),
    (NEW_CHAT, "new_chat = []", "steps.new_chat", "[]", 'needs at least 1 | new_chat = [{ click = { role = "button", name = "New chat" } }]'),
    (READY, 'ready = "#composer"', "where.ready", "'#composer'", 'expected a table | ready = { role = "textbox", name = "Message" }'),
    (READY, READY + '\nframe = "iframe#chat"', "where.frame", "'iframe#chat'", 'expected a list | frame = ["iframe#chat-widget"]'),
    (READY, READY + "\nviewport = [1280]", "where.viewport[1]", "nothing", "required"),
    (READY, READY + "\nviewport = [1280, 80]", "where.viewport[1]", "80", "must be at least 200"),
    (SESSION, "session = 5", "wire[0].session", "5", 'expected a table | session = "session_id"'),
    # choices
    ('store = "localStorage"', 'store = "localstorage"', "session.store", "'localstorage'", 'expected one of localStorage, sessionStorage, cookie, url, indexedDB, none | store = "localStorage"'),
    ('rotation = "on_click"', 'rotation = "often"', "policy.rotation", "'often'", "expected one of on_click, on_first_message"),
    ('transport = "websocket"', 'transport = "ws"', "wire[1].transport", "'ws'", "expected one of http, websocket"),
    ('method = "PUT"', 'method = "put"', "backend.assign.method", "'put'", "expected one of GET, PUT, POST, DELETE, PATCH"),
    ('method = "POST"', 'method = "post"', "wire[0].method", "'post'", 'expected an HTTP method in capitals | "POST"'),
    (START, 'start = "npm start"', "where.start", "'npm start'", 'expected one of reference | start = { command = ["npm", "start", "--", "--port", "{port}"] }'),
    (READY, READY + '\ndialogs = "ok"', "where.dialogs", "'ok'", "expected one of accept, dismiss"),
    (READY, READY + '\npermissions = ["clipboard"]', "where.permissions[0]", "'clipboard'", "expected one of accelerometer, "),
    # expressions
    (SESSION, 'session = "args[0"', "wire[0].session", "'args[0'", 'not a JMESPath expression (unclosed bracket at column 7) | "args[0].sessionId"'),
    (SESSION, 'session = { json = "args[0" }', "wire[0].session.json", "'args[0'", 'not a JMESPath expression (unclosed bracket at column 7) | "args[0].sessionId"'),
    (SESSION, 'session = "args]"', "wire[0].session", "'args]'", 'not a JMESPath expression (unmatched ] at column 5) | "args[0].sessionId"'),
    (SESSION, 'session = "$.session_id"', "wire[0].session", "'$.session_id'", 'not a JMESPath expression ($ at column 1: JMESPath has no $) | "args[0].sessionId"'),
    (SESSION, 'session = "session-id"', "wire[0].session", "'session-id'", 'not a JMESPath expression (- at column 8: put a name with a hyphen in double quotes) | "args[0].sessionId"'),
    (SESSION, 'session = "args.0.id"', "wire[0].session", "'args.0.id'", 'not a JMESPath expression (0 at column 6: put a number in backticks, an index in [ ]) | "args[0].sessionId"'),
    (SESSION, 'session = ""', "wire[0].session", "''", 'not a JMESPath expression (empty) | "args[0].sessionId"'),
    (SESSION, 'session = "args."', "wire[0].session", "'args.'", 'not a JMESPath expression (incomplete at column 6) | "args[0].sessionId"'),
    (SESSION, "session = \"type == 'chat'\"", "wire[0].session", "\"type == 'chat'\"", 'a condition, but this key needs the location of a value | "args[0].sessionId"'),
    (SESSION, "session = \"'session_id'\"", "wire[0].session", "\"'session_id'\"", 'a literal value, but this key needs the location of a value | "args[0].sessionId"'),
    (HISTORY, 'history = "messages[0:2].foo(@)"', "wire[0].history", "'messages[0:2].foo(@)'", 'not a JMESPath expression (no function foo()) | "length(messages)"'),
    (HISTORY, 'history = "keys()"', "wire[0].history", "'keys()'", 'not a JMESPath expression (wrong number of arguments: keys() needs 1, got 0) | "args[0].sessionId"'),
    (WHEN, 'when = "starts_wiht(type, \'chat\')"', "wire[1].when", "\"starts_wiht(type, 'chat')\"", 'not a JMESPath expression (no function starts_wiht()) | "length(messages)"'),
    (WHEN, "when = \"type = 'x'\"", "wire[1].when", "\"type = 'x'\"", "not a JMESPath expression (= at column 6: write == for equality) | \"type == 'chat'\""),
    (WHEN, "when = 'type == \"chat\"'", "wire[1].when", "'type == \"chat\"'", '"chat" is a field name here, and strings need single quotes (for the field write @.chat) | "type == \'chat\'"'),
    (WHEN, 'when = "type == chat"', "wire[1].when", "'type == chat'", '"chat" is a field name here, and strings need single quotes (for the field write @.chat) | "type == \'chat\'"'),
    (WHEN, 'when = "last == true"', "wire[1].when", "'last == true'", "true is a field name in JMESPath, and the value true needs backticks | \"success == `true`\""),
    (WHEN, 'when = "code == 200"', "wire[1].when", "'code == 200'", "not a JMESPath expression (200 at column 9: put a number in backticks, an index in [ ]) | \"type == 'chat'\""),
    (WHEN, "when = \"type == 'chat\"", "wire[1].when", "\"type == 'chat\"", "not a JMESPath expression (unclosed quote at column 9) | \"type == 'chat'\""),
    (WHEN, "when = \"type == 'a' and n\"", "wire[1].when", "\"type == 'a' and n\"", "not a JMESPath expression (and at column 13: write &&) | \"type == 'chat'\""),
    (WHEN, "when = \"type == 'a' | type == 'b'\"", "wire[1].when", "\"type == 'a' | type == 'b'\"", "a condition cannot be piped, and || is the logical or | \"type == 'chat'\""),
    (WHEN, "when = \"'chat'\"", "wire[1].when", "\"'chat'\"", "reads no field of the payload | \"type == 'chat'\""),
    ('method = "POST"', 'done = "[DONE]"', "wire[0].done", "'[DONE]'", "creates a list or a table, so it is always true | \"type == 'chat'\""),
    (KEY, 'key = "a"\nid = "a..b"', "session.id", "'a..b'", 'not a JMESPath expression (unexpected . at column 3) | "args[0].sessionId"'),
    # patterns
    (KEY, 'key_pattern = "chat_("', "session.key_pattern", "'chat_('", 'not a regular expression (missing ), unterminated subpattern at column 6) | "^chat_.*"'),
    (KEY, 'key_pattern = ".*"', "session.key_pattern", "'.*'", 'matches everything, even empty text | "^chat_.*"'),
    (URL, 'url = "*/api/chat*"', "wire[0].url", "'*/api/chat*'", 'not a regular expression (nothing to repeat at column 1) | "^chat_.*"'),
    (URL, 'url = ".+"', "wire[0].url", "'.+'", 'matches every URL | "/api/chat$"'),
    (URL, 'url = "/"', "wire[0].url", "'/'", 'matches every URL | "/api/chat$"'),
    (URL, 'url = "^https://"', "wire[0].url", "'^https://'", 'matches every URL | "/api/chat$"'),
    # addresses, hosts, headers, languages, CSS, roles, keys
    ('url = "http://127.0.0.1:8765/"', 'url = "localhost:8765"', "where.url", "'localhost:8765'", 'not an http or https URL | "https://chat.example.org/"'),
    ('url = "http://127.0.0.1:8765/"', 'url = "https://chat example.org"', "where.url", "'https://chat example.org'", 'not an http or https URL | "https://chat.example.org/"'),
    ('url = "http://127.0.0.1:8765/"', 'url = "https://a.example:99999/"', "where.url", "'https://a.example:99999/'", 'not an http or https URL | "https://chat.example.org/"'),
    (READY, READY + '\npath = "chat"', "where.path", "'chat'", "must start with a slash | "),
    (READY, READY + '\nblocked_hosts = ["https://a.example"]', "where.blocked_hosts[0]", "'https://a.example'", 'not a host (no scheme, no path) | "*.analytics.example"'),
    (READY, READY + '\nheaders = { "X Y" = "1" }', 'where.headers."X Y"', "'X Y'", 'not a header name | "X-Session-Id"'),
    (READY, READY + '\nheaders = { X = 1 }', "where.headers.X", "1", 'expected a string in quotes | headers = { X-Preview = "${PREVIEW_TOKEN}" }'),
    (READY, READY + '\nlocale = "en_GB"', "where.locale", "'en_GB'", 'expected a language, or language-COUNTRY | "en-GB"'),
    (READY, READY + '\ntimezone = "Berlin"', "where.timezone", "'Berlin'", 'unknown time zone | "Europe/Berlin"'),
    (READY, 'ready = { css = "button[data-a" }', "where.ready.css", "'button[data-a'", 'not a CSS selector | "button[data-action=new]"'),
    (READY, 'ready = { css = "//div[@id]" }', "where.ready.css", "'//div[@id]'", 'not a CSS selector | "button[data-action=new]"'),
    (READY, 'ready = { css = "text=New" }', "where.ready.css", "'text=New'", 'not a CSS selector | "button[data-action=new]"'),
    (READY, 'ready = { role = "textboxx" }', "where.ready.role", "'textboxx'", 'not an ARIA role | "textbox"'),
    (SEND, 'send = [{ press = "Return" }]', "steps.send[0].press", "'Return'", "'Return' is not a key | press = \"Enter\" (or \"Control+Shift+O\")"),
    (SEND, 'send = [{ press = "Ctrl+Enter" }]', "steps.send[0].press", "'Ctrl+Enter'", "'Ctrl' is not a key | press = \"Enter\" (or \"Control+Shift+O\")"),
    # exactly one of
    (READY, 'ready = { role = "textbox", css = "#a" }', "where.ready", '{ role = "textbox", css = "#a" }', "a locator has exactly one of role, label, placeholder, test_id, text, title, css, stored, socket (this one has role, css) | "),
    (READY, "ready = { exact = true }", "where.ready", "{ exact = true }", "a locator has exactly one of role, label, placeholder, test_id, text, title, css, stored, socket (this one has none of them) | "),
    (READY, 'ready = { css = "#a", name = "Message" }', "where.ready.name", "'Message'", 'name needs role | { role = "button", name = "New chat" }'),
    (READY, 'ready = { stored = true, css = "#a" }', "where.ready", '{ stored = true, css = "#a" }', "a locator has exactly one of role, label, placeholder, test_id, text, title, css, stored, socket (this one has css, stored) | "),
    (READY, 'ready = { socket = "chat" }', "where.ready.socket", "'chat'", 'no wire rule with transport = "websocket" has this name (existing: socket) | ready = { socket = "socket" }'),
    (SESSION, 'session = { json = "a", query = "b" }', "wire[0].session", '{ json = "a", query = "b" }', 'exactly one of json, form, query, header, cookie, path, url, page, connection, received (this one has json, query) | { json = "session_id" }'),
    (SESSION, 'session = { regex = "a" }', "wire[0].session", '{ regex = "a" }', "regex needs one of json, form, query, header, cookie, path, url, page, connection, received (only provider may have regex alone) | "),
    (NEW_CHAT, "new_chat = [{ }]", "steps.new_chat[0]", "{}", "an action has exactly one of click, hover, press, fill, wait_for, wait_gone, dismiss, mouse_away, goto (this one has none of them) | "),
    (NEW_CHAT, 'new_chat = [{ hover = { css = "a" } }]', "steps.new_chat", '[{ hover = { css = "a" } }]', "has no click, no press and no goto | "),
    (SEND, 'send = [{ wait_for = { css = "a" } }]', "steps.send", '[{ wait_for = { css = "a" } }]', "has no click, no press and no goto | "),
    # the store
    (KEY, "", "session.key", "nothing", 'store = "localStorage" needs key or key_pattern | key = "chat_session"'),
    (KEY, 'key = "a"\nkey_pattern = "b"', "session.key_pattern", "'b'", "key is already set | leave one of them out"),
    (KEY, KEY + '\nregex = "a(b)"', "session.regex", "'a(b)'", "id already selects the ID in the value | leave one of them out"),
    (STORE, 'store = "url"', "session.regex", "nothing", 'required with store = "url" | regex = "/c/([0-9a-f-]{36})"'),
    (STORE, 'store = "url"\nkey = "a"\nregex = "/c/(.+)"', "session.key", "'a'", 'not used with store = "url" | leave it out'),
    (STORE, 'store = "none"\nkey = "a"', "session.key", "'a'", 'not used with store = "none" | leave it out'),
    (STORE, 'store = "none"\nid = "a"', "session.id", "'a'", 'not used with store = "none" | leave it out'),
    (STORE, 'store = "indexedDB"\nkey = "a"\nobject_store = "kv"', "session.database", "nothing", 'required with store = "indexedDB" | database = "chat"'),
    (STORE, 'store = "indexedDB"\nkey = "a"\ndatabase = "chat"', "session.object_store", "nothing", 'required with store = "indexedDB" | object_store = "kv"'),
    (KEY, KEY + '\ndatabase = "chat"', "session.database", "'chat'", 'not used with store = "localStorage" | leave it out'),
    # the wire
    (SOCKET, SOCKET + '\nmethod = "POST"', "wire[1].method", "'POST'", 'not used with transport = "websocket" | leave it out'),
    (WHEN + "\n" + SESSION, 'session = { header = "X-Session" }', "wire[1].session", '{ header = "X-Session" }', 'a frame has no form and no header | session = { json = "session" }'),
    (PROVIDER, 'provider = { query = "p" }', "wire[0].provider", '{ query = "p" }', 'a reply has no query | provider = { json = "provider" }'),
    (PROVIDER, 'provider = { page = "p" }', "wire[0].provider", '{ page = "p" }', 'a reply has no page | provider = { json = "provider" }'),
    (URL, URL + '\nframing = "phoenix"', "wire[0].framing", "'phoenix'", 'only for WebSocket frames | transport = "websocket"'),
    (SOCKET, SOCKET + '\ndirection = "received"', "wire[1].session", '{ json = "session_id" }', 'not used with direction = "received" | leave it out'),
    (SOCKET, SOCKET + "\njudged = 5", "wire[1].judged", "5", "expected true or false, without quotes"),
    (URL, URL + '\nanswered_by = "events"', "wire[0].answered_by", "'events'", 'no wire rule with direction = "received" has this name (existing: none) | answered_by = "events"'),
    (SOCKET, 'name = "chat"', "wire[1].name", "'chat'", "another wire rule has this name | give each rule its own name"),
    (SOCKET, 'name = "/chat"', "wire[1].name", "'/chat'", 'only letters, digits, spaces, - and _ | "chat"'),
    (SESSION + "\n" + HISTORY + "\n" + PROVIDER, 'session = "meta.provider"\nprovider = "meta.sessionId"', "wire[0].session", "'meta.provider'", 'session and provider are swapped | session = "meta.sessionId"'),
    # what must agree
    (GONE, "exchange_finished = false", "reply", "{ exchange_finished = false }", 'needs exchange_finished, gone, shown or text_stable_for | gone = { role = "button", name = "Stop" }'),
    (GONE, GONE + "\ntext_stable_for = 60", "reply.text_stable_for", "60", "must be at most 30 | text_stable_for = 0.5"),
    (GONE + '\n\n[screen]\nmessages = { test_id = "message" }', "text_stable_for = 1\n\n[screen]", "reply.text_stable_for", "1.0", 'needs screen.messages | screen = { messages = { test_id = "message" } }'),
    (COUNT, 'source = ["backend", "backend"]', "providers.source", '["backend", "backend"]', "contains a source twice | leave one out"),
    (COUNT, "source = []", "providers.source", "[]", "needs at least 1"),
    (COUNT, 'source = "reply"', "providers.source", "'reply'", "expected a list"),
    (COUNT, "weights = { a = 0.5, b = 0.4 }", "providers.weights", "{ a = 0.5, b = 0.4 }", 'shares must be above 0 and sum to 1 | weights = { "Big hat" = 0.7, "Tall boot" = 0.3 }'),
    (COUNT, "weights = { a = 0, b = 1 }", "providers.weights", "{ a = 0.0, b = 1.0 }", "shares must be above 0 and sum to 1 | "),
    (COUNT, "weights = { a = nan }", "providers.weights.a", "nan", 'expected a finite number | weights = { "Big hat" = 0.7, "Tall boot" = 0.3 }'),
    (COUNT, "weights = { }", "providers.weights", "{}", "shares must be above 0 and sum to 1 | "),
    (COUNT, 'names = ["a"]\nweights = { b = 1 }', "providers.weights", "{ b = 1.0 }", "names and weights differ: a, b | list the same providers in both"),
    (COUNT, 'names = ["a", "a"]', "providers.names", '["a", "a"]', "contains a provider twice | leave one out"),
    (COUNT, 'count = 9\nnames = ["a", "b"]', "providers.count", "9", "2 providers are listed | leave count out"),
    (COUNT, 'names = ["a", "b"]\nmap = { p3 = "c" }', "providers.map.p3", "'c'", "not one of the providers | use one of a, b"),
    (READY_TIME + "\nreply = 15", "reply = 1\nidle = 2", "timeouts.idle", "2.0", "must be below reply = 1 | idle = 0.15"),
    (POLICY, "[limits]\nmessages = 5\nmessages_per_context = 15\n" + POLICY, "limits.messages", "5", "must be at least messages_per_context = 15 | raise it, or leave one of them out"),
    # the backend
    (LOOKUP, 'lookup = { method = "GET", path = "/s", provider = "p" }', "backend.lookup.path", "'/s'", 'must contain {session} | path = "/sessions/{session}"'),
    (LOOKUP, 'lookup = { method = "GET", path = "/s/{session}" }', "backend.lookup.provider", "nothing", 'required | provider = "provider"'),
    (WRITES + "\n" + ASSIGN + "\n" + LOOKUP, LOOKUP.replace("GET", "PUT"), "backend.lookup.method", "'PUT'", 'may change data, but writes is false | method = "GET", or writes = true'),
    (WRITES + "\n" + ASSIGN + "\n" + LOOKUP + "\n" + REMOVE + "\n" + STATE, "", "backend.lookup", "nothing", "has no call | "),
    (START, 'start = { command = ["npm"], url = "localhost:{port}" }', "where.start.command", '["npm"]', "{port} must be in both the command"),
    (REMOVE, 'remove = { method = "DELETE", path = "/all" }', "backend.remove.path", "'/all'", 'must contain {session} | path = "/sessions/{session}"'),
    (REMOVE, REMOVE[:-2] + ', active = "n" }', "backend.remove.active", "'n'", "only for state | leave it out"),
    (WRITES + "\n" + ASSIGN + "\n" + LOOKUP, 'lookup = { method = "POST", path = "/graphql", provider = "p", body = { query = "mutation { end }", id = "{session}" } }', "backend.lookup.body.query", "'mutation { end }'", "a mutation may change data, but writes is false | use a query, or writes = true"),
    (LOOKUP, 'lookup = { method = "POST", path = "/rpc", provider = "p", body = { id = "{session}", password = "hunter2" } }', "backend.lookup.body.password", "***", 'secrets are not allowed in the file | "${ADMIN_TOKEN}"'),
    (LOOKUP, LOOKUP + '\ntranslate = { method = "GET", path = "/{session}" }', "backend.translate.id", "nothing", 'required | id = "items[0].id"'),
    (LOOKUP, LOOKUP[:-2] + ', id = "a" }', "backend.lookup.id", "'a'", "only for translate | leave it out"),
    (STATE, 'state = { method = "GET", path = "stats" }', "backend.state.path", "'stats'", 'must start with a slash | "/api/sessions/{session}"'),
    # secrets and variables
    (WRITES, 'writes = true\nheaders = { Authorization = "Bearer abc" }', "backend.headers.Authorization", "***", 'secrets are not allowed in the file | "Bearer ${ADMIN_TOKEN}"'),
    (READY, READY + '\nheaders = { Cookie = "a=b" }', "where.headers.Cookie", "***", 'secrets are not allowed in the file | "${ADMIN_TOKEN}"'),
    (READY, READY + '\nheaders = { X = "${1X}" }', "where.headers.X", "'${1X}'", '${1X} is not a variable: write ${NAME} | "${CHAT_USER}"'),
    (READY, READY + '\nheaders = { X = "$TOKEN" }', "where.headers.X", "'$TOKEN'", '$TOKEN is not a variable: write ${NAME} | "${CHAT_USER}"'),
    (READY, READY + '\nheaders = { X = "a\\nb" }', "where.headers.X", "'a\\nb'", 'a header value is one line of ASCII | "${TOKEN}"'),
    (READY, READY + '\nhttp_credentials = { username = "a", password = "hunter2" }', "where.http_credentials.password", "***", 'passwords are not allowed in the file | password = "${STAGING_PASSWORD}"'),
    ('url = "http://127.0.0.1:8765/"', 'url = "https://ann:hunter2@a.example/"', "where.url", "***", "passwords are not allowed in a URL | "),
    (POLICY, '[login]\nsteps = [{ fill = { into = { label = "Password" }, text = "hunter2" } }]\n' + POLICY, "login.steps[0].fill.text", "***", 'passwords are not allowed in the file | text = "${CHAT_PASSWORD}"'),
    # login, start, refusals
    (POLICY, "[login]\n" + POLICY, "login", "{}", 'needs storage_state, steps or accounts | storage_state = ".auth/acme.json"'),
    (POLICY, '[login]\nstorage_state = "a"\naccounts = [{ storage_state = "b" }]\n' + POLICY, "login.storage_state", "'a'", "cannot be combined with accounts | leave one of them out"),
    (POLICY, '[login]\naccounts = [{ env = { A = "B" } }]\n' + POLICY, "login.steps", "nothing", "required by accounts with env | "),
    (POLICY, '[login]\naccounts = [{ }]\n' + POLICY, "login.accounts[0]", "{}", 'an account has either storage_state or env | storage_state = "anna.json"'),
    (START, 'start = { command = ["npm", "start"] }', "where.start.command", '["npm", "start"]', '{port} must be in both the command (or env) and the url, or in neither | command = ["npm", "start", "--", "--port", "{port}"]'),
    (START, 'start = { command = "npm start" }', "where.start.command", "'npm start'", "expected a list | "),
    (START, "start = 5", "where.start", "5", "expected a table | "),
    (POLICY, '[[blocked]]\nkind = "login-wall"\n' + POLICY, "blocked[3]", '{ kind = "login-wall" }', 'exactly one of screen, url, status, answer (this one has none of them) | screen = { text = "Daily limit" }'),
    (POLICY, '[[blocked]]\nkind = "rate-limited"\nstatus = 429\n' + POLICY, "blocked[3].status", "429", "expected a list | status = [429, 503]"),
    (POLICY, '[[blocked]]\nkind = "ratelimit"\nstatus = [429]\n' + POLICY, "blocked[3].kind", "'ratelimit'", 'expected one of rate-limited, daily-limit, login-wall, captcha, backend-down, blocked | kind = "rate-limited"'),
]
# fmt: on


def refusal(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The message with which ``text`` is refused as a profile."""
    monkeypatch.chdir(tmp_path)
    Path("acme.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InvalidProfile) as refused:
        load("acme.toml")
    return str(refused.value)


@pytest.mark.parametrize(
    ("line", "other", "key", "got", "rule"),
    MISTAKES,
    ids=[f"{n}-{mistake[2]}" for n, mistake in enumerate(MISTAKES)],
)
def test_a_mistake_is_refused_with_file_key_value_rule_and_hint(
    line: str, other: str, key: str, got: str, rule: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert line in REFERENCE
    message = refusal(REFERENCE.replace(line, other, 1), tmp_path, monkeypatch).splitlines()
    rule, _, hint = rule.partition(" | ")
    assert message[0] == f"acme.toml: {key}"
    assert message[1].startswith(f"  got {got}: {rule}")
    assert message[2].startswith(f"  hint: {hint}")
    assert len(message) % 3 == 0
    assert "hunter2" not in "\n".join(message)


class TestWholeFiles:
    """Mistakes in the file itself, before any key."""

    @pytest.mark.parametrize(
        ("line", "other", "place", "got", "rule"),
        [
            ("[reply]", "[reply", "line 45, column 7", "'[reply'", "not TOML (Expected ']' at the end of a table declaration)"),
            (READY_TIME, "ready = 10\nready = 11", "line 87, column 11", "'ready = 11'", "not TOML (duplicate key or table)"),
            ('[policy]', "[providers]", "line 80, column 11", "'[providers]'", "not TOML ("),
            ("schema = 1", "schema = one", "line 3, column 10", "'schema = one'", "not TOML (not a value; strings need quotes)"),
            ('title = "Reference chat"', 'title = "Reference chat', "line 5, column 24", "'title = \"Reference chat'", "not TOML ("),
            ("[[wire]]", "[wire]", "line 33, column 7", "'[[wire]]'", "not TOML ("),
        ],
    )  # fmt: skip
    def test_invalid_toml_is_refused_with_line_and_column(
        self,
        line: str,
        other: str,
        place: str,
        got: str,
        rule: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        message = refusal(REFERENCE.replace(line, other, 1), tmp_path, monkeypatch).splitlines()
        assert message[0] == f"acme.toml: {place}"
        assert message[1].startswith(f"  got {got}: {rule}")
        assert message[2:] == ["  hint: correct this line"]

    @pytest.mark.parametrize(
        ("table", "got"),
        [("[wire]", "{ name = "), ("[wire.0]", "{ 0 = { name = ")],
        ids=["table", "numbered"],
    )
    def test_a_list_of_tables_written_as_one_table(
        self, table: str, got: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before, after = REFERENCE.split("[[wire]]", 1)[0], REFERENCE.split("[reply]", 1)[1]
        rule = f'{table}\nname = "chat"\nurl = "/api/chat$"\nsession = "s"\n\n[reply]'
        message = refusal(before + rule + after, tmp_path, monkeypatch).splitlines()
        assert message[0] == "acme.toml: wire"
        assert message[1].startswith(f"  got {got}")
        assert message[1].endswith(": expected a list of tables")
        assert message[2] == "  hint: each starts with a line [[wire]]"

    def test_one_sent_rule_must_be_judged(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        text = REFERENCE.replace("[[wire]]", "[[wire]]\njudged = false")
        message = refusal(text, tmp_path, monkeypatch).splitlines()
        assert message[:2] == [
            "acme.toml: wire[0].judged",
            "  got false: no other rule carries messages",
        ]

    def test_one_rule_must_be_sent(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        text = REFERENCE.split("[[wire]]", 1)[0] + '[[wire]]\ndirection = "received"\nurl = "/events$"\n'
        message = refusal(text, tmp_path, monkeypatch).splitlines()
        assert message[:2] == [
            "acme.toml: wire[0].direction",
            "  got 'received': no rule has direction = \"sent\"",
        ]

    def test_a_received_rule_must_be_used_by_a_sent_rule(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rule = '[[wire]]\nname = "events"\ndirection = "received"\nurl = "/events$"\n\n[reply]'
        assert refusal(REFERENCE.replace("[reply]", rule), tmp_path, monkeypatch).splitlines() == [
            "acme.toml: wire[2].direction",
            "  got 'received': no sent rule uses it",
            '  hint: answered_by = "events" in the rule that is sent',
        ]

    def test_a_cause_is_a_known_issue_once(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        known = '[[known_issues]]\ncause = "label-stale"\nuntil = 2027-01-31\nreason = "known"\n'
        message = refusal(f"{REFERENCE}\n{known}{known}", tmp_path, monkeypatch).splitlines()
        assert message == [
            "acme.toml: known_issues[1].cause",
            "  got 'label-stale': this cause is listed twice",
            "  hint: leave one out",
        ]

    def test_a_date_in_quotes_is_refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        known = '[[known_issues]]\ncause = "label-stale"\nuntil = "2027-01-31"\nreason = "known"\n'
        message = refusal(f"{REFERENCE}\n{known}", tmp_path, monkeypatch).splitlines()
        assert message == [
            "acme.toml: known_issues[0].until",
            "  got '2027-01-31': expected a date without quotes",
            "  hint: until = 2027-01-31",
        ]

    def test_utf_16_is_refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        Path("acme.toml").write_bytes(REFERENCE.encode("utf-16"))
        with pytest.raises(
            InvalidProfile, match=r"^acme\.toml: byte 1\n  got .*: not UTF-8 text\n  hint: save"
        ):
            load("acme.toml")

    def test_an_empty_file_is_refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        assert refusal("# later\n", tmp_path, monkeypatch).startswith(
            "acme.toml: the file is empty\n  hint: `python -m e2e discover URL`"
        )

    def test_a_folder_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(InvalidProfile, match=r": is a folder\n  hint: the path of a TOML file"):
            load(str(tmp_path))

    def test_an_unreadable_file_is_refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def refused(self: Path) -> bytes:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "read_bytes", refused)
        assert refusal(REFERENCE, tmp_path, monkeypatch).startswith(
            "acme.toml: cannot be read: Permission denied\n  hint:"
        )

    def test_the_message_about_invalid_toml_masks_a_password(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        message = refusal('password = "hunter2', tmp_path, monkeypatch)
        assert "'password = ***'" in message
        assert "hunter2" not in message


class TestReferences:
    """Environment variables and files that the profile refers to."""

    def profile(self, line: str, other: str) -> Profile:
        return parse(tomllib.loads(REFERENCE.replace(line, other, 1)), "acme.toml")

    def test_missing_variables_are_reported_with_their_keys(self) -> None:
        profile = self.profile(READY, READY + '\nheaders = { X-A = "${TOKEN_A}", X-B = "${TOKEN_B}" }')
        with pytest.raises(InvalidProfile) as refused:
            check_variables(profile, {"TOKEN_A": ""})
        assert str(refused.value).splitlines() == [
            "profile 'reference': where.headers.X-A",
            "  got ${TOKEN_A}: not set in the environment",
            "  hint: export TOKEN_A=..., or remove it from the profile",
            "profile 'reference': where.headers.X-B",
            "  got ${TOKEN_B}: not set in the environment",
            "  hint: export TOKEN_B=..., or remove it from the profile",
        ]
        assert refused.value.hint == "export TOKEN_B=..., or remove it from the profile"

    def test_variables_that_are_set_are_accepted(self) -> None:
        check_variables(self.profile(READY, READY + '\nheaders = { X-A = "${TOKEN_A}" }'), {"TOKEN_A": "1"})

    @pytest.mark.parametrize(
        ("content", "rule"),
        [
            (None, "cannot be read: No such file or directory"),
            ("[]", "not a storage state"),
            ("{", "not a storage state (not JSON)"),
        ],
    )
    @pytest.mark.parametrize(
        ("login", "key"),
        [
            ('storage_state = "a.json"', "login.storage_state"),
            ('accounts = [{ storage_state = "a.json" }]', "login.accounts[0].storage_state"),
        ],
    )
    def test_a_missing_or_invalid_storage_state_is_refused(
        self, login: str, key: str, content: str | None, rule: str, tmp_path: Path
    ) -> None:
        if content is not None:
            (tmp_path / "a.json").write_text(content)
        with pytest.raises(InvalidProfile) as refused:
            check_files(self.profile(POLICY, f"[login]\n{login}\n{POLICY}"), tmp_path)
        assert str(refused.value).startswith(
            f"profile 'reference': {key}\n  got 'a.json': {rule}\n  hint: make login TARGET=reference"
        )

    def test_a_valid_storage_state_is_accepted(self, tmp_path: Path) -> None:
        (tmp_path / "a.json").write_text('{"cookies": [], "origins": []}')
        check_files(self.profile(POLICY, f'[login]\nstorage_state = "a.json"\n{POLICY}'), tmp_path)
        check_files(load("reference"), tmp_path)


class TestAccepted:
    """Expressions that resemble a mistake, and are right."""

    @pytest.mark.parametrize(
        "when",
        ["seq == @.total", "kind == 'a' || kind == 'b'", "not_null(error)", "!last", "n > `3`", '"x-type" == \'chat\'', "@ == 'x'", "error"],
    )  # fmt: skip
    def test_a_condition_is_accepted(self, when: str) -> None:
        text = REFERENCE.replace(WHEN, f"when = {toml_value(when)}")
        assert parse(tomllib.loads(text), "acme.toml").wire[1].when == when

    @pytest.mark.parametrize(
        "place", ['"session-id"', "args[0].id", "a || b", "messages[-1].meta.id", "[0]", "@"]
    )
    def test_a_location_is_accepted(self, place: str) -> None:
        text = REFERENCE.replace(SESSION, f"session = {toml_value(place)}", 1)
        session = parse(tomllib.loads(text), "acme.toml").wire[0].session
        assert session is not None
        assert session.json_ == place
