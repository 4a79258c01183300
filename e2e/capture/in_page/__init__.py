"""Scripts that run inside the page."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent


def _script(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8").strip()


def _wire() -> str:
    names = [path.stem for path in sorted((_HERE / "wire").glob("*.js")) if path.stem != "wire"]
    each = ",\n".join(f"{name}: {_script(f'wire/{name}.js')}" for name in names)
    parts = f"{{ __proto__: null,\n{each} }}"
    return f"(natives, tools) => {{ 'use strict'; ({_script('wire/wire.js')})(natives, tools, {parts}); }}"


NATIVES = _script("natives.js")
"""Takes the browser's own functions before the page's code can replace them; all other scripts use those."""
CHANNEL = _script("channel.js")
"""Reports what was seen, sealed with the secret of a `signals.PageSignals`, and lets the suite call the other scripts' verbs."""
RECORDER = _script("recorder.js")
"""Sees what the page stores and sends, and where a marked element is."""
WIRE = _wire()
"""Watches the requests, replies and sockets of the page, in engines whose protocol does not show them."""
DISGUISE = _script("disguise.js")
"""Makes what stands for a function of the browser look like it, in pages and in workers."""
IN_WORKER = _script("worker.js")
"""Brings `WIRE` into a worker."""
TYPED = _script("typed.js")
"""Keeps the last texts that were typed, and where; `ChatPage.arrived` asks it."""
FLOODS = _script("floods.js")
"""Keeps a page that writes to the console, or throws, without end from filling the browser's protocol."""
_BINDING = _script("binding.js")
STORES = _script("stores.js")
"""Reads all stores of a page at once."""


def recorder_script(config: Mapping[str, Any], name: str, *, in_page: bool) -> str:
    """The script that runs in every frame before the page's own code; ``config`` is read by its parts.

    ``in_page``: it watches requests and sockets too. Its ``name`` keeps its frames out of the stacks: Firefox gives it the page's address.
    """
    if (
        in_page
    ):  # a worker gets the scripts as texts, and a secret of its own: its code might look for the page's
        sources = {
            "wireSource": WIRE,
            "disguiseSource": DISGUISE,
            "nativesSource": NATIVES,
            "inWorker": IN_WORKER,
        }
        config = {"events": [], **config, **sources, "workerSecret": secrets.token_hex(8)}
    return f"""((config) => {{
  const natives = ({NATIVES})();
  const channel = ({CHANNEL})(natives, config);
  if (channel === null) return;
  const verbs = natives.bare();
  let known;
  try {{
    if (channel.depth) known = parent[config.name](config.secret, "hidden");
  }} catch {{
    // the page around this frame is of another origin
  }}
  const disguise = ({DISGUISE})(known);
  verbs.hidden = () => disguise.hidden;
  const add = (more) => {{
    for (const name of natives.ownKeys(more)) verbs[name] = more[name];
  }};
  ({FLOODS})(natives);
  add(({TYPED})(natives));
  add(({RECORDER})(natives, channel, disguise, config, {WIRE if in_page else "null"}));
  channel.answer(verbs);
}})({json.dumps(config)});
//# sourceURL={name}
"""


def safe_binding(passphrase: str = "") -> str:
    """The script that keeps Playwright's binding from broken calls, for all pages of a context; before those that use it."""
    return f"({_BINDING})({json.dumps(passphrase)});"
