"""One table of all IDs: who had which one where, and who first."""

from __future__ import annotations

from dataclasses import replace

from e2e.analysis.facts.id_history import contexts, id_history
from e2e.analysis.model.run import Run, assemble
from e2e.analysis.model.schema import ChatRow, MessageRow
from e2e.records.records import Chat
from e2e.selftest.unit.builders import make_run, with_chats

SHARED = "session_shared"


def _run(*, begin: set[int], message: set[int], sent: set[int] = frozenset()) -> Run:  # type: ignore[assignment]
    """One lane. These chats have one ID in the store at their begin, at their message, in their payload."""

    def changed(chat: Chat) -> Chat:
        messages = tuple(
            replace(
                m,
                stored=SHARED if chat.chat in message else m.stored,
                sent=SHARED if chat.chat in sent else m.sent,
            )
            for m in chat.messages
        )
        return replace(
            chat, stored=SHARED if chat.chat in begin else chat.stored, messages=messages, context=chat.chat
        )

    return assemble([with_chats(make_run(chats=4, lanes=1), changed)])


def test_a_context_has_an_id_from_its_first_chat_on_wherever_that_held_it() -> None:
    run = _run(begin={2}, message={1, 3})
    mask_key = run.every(ChatRow)[0].mask_key
    held = id_history(run).holders["stored"][mask_key, SHARED]
    assert [(place[2], order) for place, order in held.items()] == [(1, 1), (2, 2), (3, 3)]
    assert (mask_key, SHARED) not in id_history(run).holders["sent"]


def test_an_id_belongs_to_the_first_that_sent_it_and_came_up_where_it_was_first_stored() -> None:
    run = _run(begin=set(), message={1}, sent={2, 3})
    at = run.every(ChatRow)[0].mask_key, SHARED
    history = id_history(run)
    assert history.owners[at].key.chat == 2
    assert history.first[at][1].chat == 1
    assert {m.key.chat for m in run.every(MessageRow) if m.sent == SHARED} == {2, 3}
    assert len(history.owners) == len(list(history.owners)) == len({m.sent for m in run.every(MessageRow)})


def test_the_ids_of_a_chat_are_in_order_of_their_appearance() -> None:
    run = _run(begin={1}, message=set())
    first, second = run.every(ChatRow)[:2]
    own = [m.stored for m in run.every(MessageRow) if m.key == second.key]
    ids = id_history(run).ids["stored"]
    assert ids[second.key] == (SHARED, *dict.fromkeys(own))
    assert len(ids[first.key]) == 1
    assert list(ids) == [c.key for c in run.every(ChatRow)]
    assert contexts(run)[second.key] == (second.run_id, 0, second.context)
