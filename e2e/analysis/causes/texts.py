"""The causes in words: layer, explanation and advice. What a cause rests on is in `diagnosis`.

Explanations are filled with what was seen: ``{change}`` (what New Chat did to the key, and where), ``{send}`` and ``{write}``
(" at file:line", or nothing where the page's code could not be resolved).
"""

from __future__ import annotations

from typing import NamedTuple


class Text(NamedTuple):
    """What the report says about a cause."""

    layer: str
    explanation: str
    advice: str


TEXTS: dict[str, Text] = {
    "new-chat-unavailable": Text(
        "frontend UI",
        "New Chat could not be clicked: the button is missing, covered or disabled, or the profile's locator is wrong",
        "open the page and look at the button; correct steps.new_chat in the profile if it has only been renamed",
    ),
    "id-shared": Text(
        "ID generator",
        "different browsers{write} came to the same session ID: it is made from what they have in common "
        "(a constant, a fingerprint, a clock), not from anything of the chat",
        "mint IDs at random, 128 bits of crypto.randomUUID() or crypto.getRandomValues(), for each chat",
    ),
    "id-collision": Text(
        "ID generator",
        "the minting code{write} made an ID that an earlier chat, not the one before, has had",
        "mint IDs from more random bits: 128 of crypto.randomUUID() or crypto.getRandomValues()",
    ),
    "id-constant": Text(
        "ID generator",
        "New Chat minted an ID anew{write}, and it is the same as before: the generator gives this browser one ID",
        "mint IDs at random, 128 bits of crypto.randomUUID() or crypto.getRandomValues(), for each chat",
    ),
    "session-restored": Text(
        "frontend storage",
        "New Chat {change}, and the same ID was written back{write}",
        "let New Chat also clear what the session is restored from (persisted state, a cache, a cookie)",
    ),
    "session-not-ended": Text(
        "frontend storage",
        "no write to the key changed it between New Chat and the next message{send}: the old session goes on",
        "let New Chat end the session: remove or replace the stored ID, and hand the new one to the state",
    ),
    "late-rotation": Text(
        "race",
        "the first payload after New Chat{send} was still sent with the old ID, later ones of the same chat with the new",
        "rotate before anything is awaited, or hold sending back until the new ID is there",
    ),
    "stale-closure": Text(
        "frontend state",
        "New Chat {change}, and the next send{send} carried the ID of the chat before: one chat behind each time",
        "read the ID when sending (a ref or the store), or list it among the callback's dependencies",
    ),
    "id-never-sent": Text(
        "frontend state",
        "the store held a session ID, and nothing that the page sent{send} carried it in any form: no payload, header or URL",
        "put the stored ID into each of the chat's requests; one that the server issued has to be sent back",
    ),
    "stale-state": Text(
        "frontend state",
        "New Chat {change}, the next send{send} still carried the old ID",
        "let the function that ends the session mint the new ID and hand it to the hook's state",
    ),
    "over-rotation": Text(
        "frontend state",
        "several fresh IDs were sent inside one chat{send}",
        "mint the ID once per chat: at New Chat or at the first message, not at each render or send",
    ),
    "split-session": Text(
        "frontend state",
        "two fresh IDs were minted for one chat: one was stored{write}, another was sent{send}",
        "mint in one place, and let the store and the state take the ID from there",
    ),
    "history-bleed": Text(
        "frontend state",
        "the payload of a new chat{send} contained text of an earlier one",
        "let New Chat clear the messages that the payload's history is built from",
    ),
    "id-guessable": Text(
        "ID generator",
        "the session ID is a credential (bearer = true in the profile), and its form has too little room for randomness",
        "make it of 128 random bits or more: crypto.randomUUID() or crypto.getRandomValues()",
    ),
    "message-lost": Text(
        "frontend state",
        "the page accepted a message (emptied its box, or showed it) and never sent it, while other messages went through",
        "keep a message until it can be sent: hold it while New Chat is under way or the connection is opened, and send it then",
    ),
    "tab-bleed": Text(
        "storage scope",
        "New Chat in one tab changed the session of the chat that was going on in the other tab: its next send{send} "
        "carried the other tab's ID",
        "keep the running chat's ID in the tab's own state, and read the shared store only when the page is loaded",
    ),
    "session-unbound": Text(
        "frontend state",
        "going back to an older chat did not bring its session back: the next send{send} carried the newest chat's ID",
        "store the session with the chat, and let opening a chat set the current session",
    ),
    "restored-on-load": Text(
        "frontend storage",
        "a page load brought back a session that New Chat had ended{write}: the next send{send} carried its ID",
        "let New Chat end every copy of the session that a page load reads from",
    ),
    "ended-on-leave": Text(
        "frontend storage",
        "leaving the page ended the chat's session{write}: the page that was loaded again, or gone back to, had lost it",
        "end a session only where the user ends the chat; a reload and the back/forward cache leave the page too",
    ),
    "late-stream": Text(
        "race",
        "text of the reply that was still streaming at New Chat arrived in the new chat",
        "abort the stream at New Chat, and drop every chunk whose stream is not the one of the chat on the screen",
    ),
    "cached-reply": Text(
        "delivery",
        "a reply came from a cache or a service worker, and nothing was asked of the backend",
        "answer the chat's requests from the network only: no-store, and a service worker that passes them on",
    ),
    "provider-sticky": Text(
        "backend",
        "fresh session IDs were sent, and the provider followed the browser, the user or the chat before instead of the session",
        "look for affinity by cookie, address or user in the load balancer or the assignment",
    ),
    "provider-cycles": Text(
        "backend",
        "fresh session IDs were sent, and the providers answered in a fixed order",
        "draw the provider at random; a round robin can be foreseen, and ties neighbours together",
    ),
    "label-stale": Text(
        "presentation",
        "the screen named a provider that answered earlier, not the one of this reply",
        "take the label from the reply itself, not from what was kept at the first one",
    ),
    "provider-pinned": Text(
        "backend",
        "fresh session IDs were sent, and one provider answered all of them, beyond chance",
        "look at the assignment: a default that is never left, a sticky rule, or providers that are all down but one",
    ),
    "provider-skewed": Text(
        "backend",
        "fresh session IDs were sent, and the providers' shares are off beyond chance",
        "compare the assignment's weights with the profile's, and look for providers that refuse sessions",
    ),
    "provider-flaps": Text(
        "backend",
        "one session was given to several providers",
        "look up the session's assignment before drawing a new one, and store it where all instances see it",
    ),
    "session-leaked": Text(
        "backend",
        "a session was still there after its removal had been confirmed",
        "let the removal delete the assignment, and answer only when that is done",
    ),
    "unexplained": Text(
        "unknown",
        "what was seen fits none of the known causes",
        "look at the evidence; the chat's timeline shows what was stored and sent, and when",
    ),
}

VARIANTS: dict[str, str] = {
    "session": "the session of the reply that was still streaming at New Chat came into the new chat{write}: its end stored the old "
    "chat's ID, and the new chat goes on in the old conversation",
    "address": "the session ID is in the page's address, and after New Chat the next send{send} left from the same address: "
    "the old session goes on",
    "published": "New Chat {change}, and the next send{send} carried the old ID from memory and stored it again",
    "provider": "New Chat in one tab ended the session that the other tab's chat was using: that chat kept its ID, and another "
    "provider answered it from then on",
    "retried": "New Chat {change}, and a message that failed was sent again{send} with the old ID",
    "besides": "New Chat {change}, the messages carried the new ID, and another request{send} went on with an old one",
    "unstored": "nothing is stored, and after New Chat the next send{send} still carried the old ID; a page load brought another",
}
"""Explanations in place of the usual one, by the rule's variant."""
