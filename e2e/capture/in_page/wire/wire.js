// Watches what leaves and what comes in from inside the page, or inside a worker: for engines without a protocol that shows it.
// Sees, never changes: the page gets the browser's own promises, responses, sockets and errors, at their own times. `tools` is what
// the recorder hands over: `note` (report a record; later, when `lazy`), `send` (a request leaves now), `flush`, `now`, `watched`
// (whether the body of a reply from this URL is wanted), `cookies` (what the page sees of them), `place` (which frame this is), `events`
// (names of server-sent events that rules read), `workers` (how one is started) and `disguise` (what stands for a function looks like
// it). `parts` are the other scripts of this folder, each with what it needs of those before.
(natives, tools, parts) => {
  const kit = parts.kit(natives, tools);
  const bodies = parts.bodies(natives, kit);
  const exchanges = parts.exchanges(natives, kit, bodies);
  const streams = parts.streams(natives, kit);
  parts.fetch(natives, kit, bodies, exchanges, streams);
  parts.xhr(natives, kit, bodies, exchanges);
  parts.event_source(natives, kit, exchanges);
  parts.leaving(natives, kit, bodies, exchanges);
  parts.web_socket(natives, kit, bodies, exchanges);
  parts.workers(natives, kit, bodies);
}
