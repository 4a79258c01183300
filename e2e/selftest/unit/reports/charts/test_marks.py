"""Where the charts draw what: each mark at its value, each text at its mark, and all of it inside the axes."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import Any, cast

import pytest
from matplotlib.colors import to_hex

from e2e.analysis.facts.sessions import provider_counts
from e2e.analysis.id_patterns.positions import Position
from e2e.analysis.model.run import Run, assemble
from e2e.analysis.model.verdict import ChatKey
from e2e.records.records import Chat, Policy
from e2e.selftest.unit.builders import PROVIDERS, judge_run, make_run, with_chats
from reports.charts import charts, structure, timeline
from reports.charts.charts import band, chat_timeline, lanes_strip, provider_distribution
from reports.charts.drawing import ALARM, BAND, BAR, CELL_INK, INK, NOTHING, PALETTE, QUIET, Chart
from reports.charts.flow import LAYERS, flow_of
from reports.charts.structure import id_structure, structure_alt

RUN_ID = "2026-11-22T0215Z-2f9c"


HEALTHY = judge_run()
STALE = judge_run("stale-state", chats=6, lanes=2, backend=False)
SMALL = judge_run(chats=6, lanes=2)


def axes_of(chart: Chart | None) -> Any:
    assert chart is not None
    return chart._figure.axes[0]


MARKS: dict[int, dict[str, str]] = {}


@pytest.fixture(autouse=True)
def not_rendered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rendering takes most of a chart's time, and is tested elsewhere: here a chart is its figure, texts and table."""

    def finish(figure: Any, axes: Any, name: str, title: str, alt: str, **more: Any) -> Chart:
        table = tuple(tuple(str(cell) for cell in row) for row in more["rows"])
        chart = Chart(name, title, alt, b"", tuple(more["head"]), table, figure)
        MARKS[id(chart)] = more["marks"]
        return chart

    for module in (charts, structure, timeline):
        monkeypatch.setattr(module, "finish", finish)


def marks_of(chart: Chart | None) -> dict[str, str]:
    """The gid of each mark with its text."""
    return MARKS[id(chart)]


def boxes(axes: Any, colour: str) -> list[tuple[float, float, float, float]]:
    """Left, top, width and height of the drawn rectangles of this colour."""
    return [
        tuple(round(float(v), 6) for v in (p.get_x(), p.get_y(), p.get_width(), p.get_height()))  # type: ignore[misc]
        for p in axes.patches
        if p.get_gid() is None and to_hex(p.get_facecolor()) == colour
    ]


def areas(axes: Any) -> dict[str, Any]:
    """The invisible rectangles that a pointer can hit."""
    return {p.get_gid(): p for p in axes.patches if p.get_gid() is not None}


def holds(area: Any, x: float, y: float) -> bool:
    return bool(
        area.get_x() <= x <= area.get_x() + area.get_width()
        and area.get_y() <= y <= area.get_y() + area.get_height()
    )


def assert_inside(axes: Any) -> None:
    """Every rectangle and every text's place is within the limits."""
    (left, right), (low, high) = sorted(axes.get_xlim()), sorted(axes.get_ylim())
    for p in axes.patches:
        assert left <= p.get_x() <= p.get_x() + p.get_width() <= right + 1e-9
        assert low <= p.get_y() <= p.get_y() + p.get_height() <= high + 1e-9


class TestProviders:
    def test_bars_bands_and_texts_stand_at_the_counts(self) -> None:
        run = HEALTHY
        chart = provider_distribution(run)
        axes, counts = axes_of(chart), provider_counts(run)
        names = [t.get_text() for t in axes.get_yticklabels()]
        assert names == sorted(PROVIDERS, key=lambda name: (-counts[name], name))
        low, high = band(20, 1 / 9)
        assert [(x, w) for x, _, w, _ in boxes(axes, BAR)] == [(0, counts[name]) for name in names]
        assert [(x, w) for x, _, w, _ in boxes(axes, BAND)] == [(low, high - low)] * 9
        assert [t.get_text() for t in axes.texts] == [f"{counts[n]} ({5 * counts[n]} %)" for n in names]
        assert [line.get_xdata()[0] for line in axes.lines] == pytest.approx([20 / 9] * 9)
        for row, (text, line) in enumerate(zip(axes.texts, axes.lines, strict=True)):
            x, y = text.get_position()
            assert y == row
            assert counts[names[row]] < x < counts[names[row]] + 0.5
            assert [round(v, 2) for v in line.get_ydata()] == [round(row - 0.39, 2), round(row + 0.39, 2)]
            # the bar lies in the middle of its band, and both under the area of the mark
            area = areas(axes)[f"provider-{row}"]
            for _, y, _, height in (boxes(axes, BAR)[row], boxes(axes, BAND)[row]):
                assert y + height / 2 == pytest.approx(row)
                assert holds(area, 0, y)
                assert holds(area, high, y + height)
        assert_inside(axes)
        assert axes.get_ylim()[0] > axes.get_ylim()[1]  # the most frequent one is on top
        assert "new sessions; band: 95 % of healthy runs" in axes.get_xlabel()

    def test_each_mark_and_each_row_has_the_numbers(self) -> None:
        run = HEALTHY
        chart, counts = provider_distribution(run), provider_counts(run)
        assert chart is not None
        low, high = band(20, 1 / 9)
        first = chart.rows[0][0]
        n = counts[first]
        assert chart.rows[0] == (first, str(n), "2.2", f"{low} to {high}")
        assert (
            marks_of(chart)["provider-0"]
            == f"{first}: {n} of 20 sessions ({5 * n} %); expected 2.2; 95 % of healthy runs: {low} to {high}"
        )

    def test_a_provider_that_the_profile_does_not_name_has_no_band(self) -> None:
        run = judge_run("provider-pinned", policy=Policy(providers=("Tin drum",)))
        chart = provider_distribution(run)
        assert chart is not None
        assert chart.rows == (("Big hat", "20", "", "not expected"), ("Tin drum", "0", "20.0", "20 to 20"))
        assert len(boxes(axes_of(chart), BAND)) == 1
        assert marks_of(chart)["provider-0"] == "Big hat: 20 of 20 sessions (100 %); not expected"
        assert_inside(axes_of(chart))

    @pytest.mark.parametrize(
        ("policy", "known", "expected"),
        [
            (Policy(), "", ""),
            (Policy(provider_count=4), " of 4", "5.0"),
            (Policy(providers=("Big hat", "Tin drum")), " of 2", "10.0"),
            (Policy(weights={"Big hat": 0.25, "Tin drum": 0.5, "Old oak": 0.25}), " of 3", "5.0"),
        ],
    )
    def test_what_is_expected_follows_from_the_policy(
        self, policy: Policy, known: str, expected: str
    ) -> None:
        chart = provider_distribution(judge_run("provider-pinned", policy=policy))
        assert chart is not None
        assert chart.title == f"20 new sessions on 1 provider{known}"
        assert chart.rows[0][:3] == ("Big hat", "20", expected)
        assert ("band" in axes_of(chart).get_xlabel()) == bool(expected)

    def test_the_description_counts_every_provider(self) -> None:
        chart = provider_distribution(
            judge_run("provider-pinned", policy=Policy(providers=("Big hat", "Tin drum")))
        )
        assert chart is not None
        assert chart.alt == "20 new sessions on 1 provider of 2: Big hat 20, Tin drum 0"


def without(records: Any, change: Any) -> Run:
    return assemble([with_chats(records, change)])


class TestLanes:
    def test_cells_show_session_and_provider_of_each_chat(self) -> None:
        run = SMALL
        chart = lanes_strip(run)
        axes = axes_of(chart)
        assert chart is not None
        texts = {t.get_position(): t for t in axes.texts}
        letters = {t[:2] for t in re.findall(r"[A-Z]{2} \w+ \w+", axes.get_xlabel())}
        for n, row in enumerate(chart.rows):
            x, y = n % 3, n // 3
            session, provider = texts[x + 0.48, y + 0.19], texts[x + 0.48, y + 0.42 + 0.19]
            assert session.get_text() == row[2][-4:]
            assert provider.get_text() in letters
            assert provider.get_text() == "".join(w[0] for w in row[4].upper().split())
            assert (session.get_color(), provider.get_color()) == (CELL_INK, CELL_INK)
            area = areas(axes)[f"chat-{y}-{x}"]
            assert holds(area, *session.get_position())
            assert holds(area, *provider.get_position())
        assert [t.get_text() for t in axes.texts if t.get_position()[0] < 0] == ["lane 0", "lane 1"]
        assert [t.get_text() for t in axes.get_xticklabels()] == ["0", "1", "2"]
        assert list(axes.get_xticks()) == [0.48, 1.48, 2.48]
        assert_inside(axes)
        assert axes.get_ylim()[0] > axes.get_ylim()[1]

    def test_one_session_has_one_colour_and_neighbours_differ(self) -> None:
        axes = axes_of(lanes_strip(STALE))
        cells = [to_hex(p.get_facecolor()) for p in axes.patches if p.get_gid() is None]
        assert cells[0::2] == [PALETTE[0]] * 3 + [PALETTE[1]] * 3
        framed = [
            to_hex(p.get_edgecolor()) == ALARM and p.get_linewidth() > 0
            for p in axes.patches
            if p.get_gid() is None
        ]
        assert framed[0::2] == [False, True, True] * 2
        assert not any(framed[1::2])
        healthy = axes_of(lanes_strip(judge_run(chats=14, lanes=2, backend=False)))
        colours = [to_hex(p.get_facecolor()) for p in healthy.patches if p.get_gid() is None][0::2]
        assert colours == [PALETTE[n % len(PALETTE)] for n in range(14)]

    def test_what_was_not_seen_is_a_pale_gap(self) -> None:
        run = without(
            make_run(chats=4, lanes=1, backend=False),
            lambda c: replace(c, messages=(), status="lost", scenario="reload") if c.chat == 1 else c,
        )
        chart = lanes_strip(run)
        assert chart is not None
        axes = axes_of(chart)
        cells = [p for p in axes.patches if p.get_gid() is None]
        assert [to_hex(p.get_facecolor()) for p in cells[2:4]] == [NOTHING, NOTHING]
        assert [p.get_alpha() for p in cells] == [1, 1, 0.45, 0.45, 1, 1, 1, 1]
        assert [t.get_text() for t in axes.texts if t.get_color() == INK and t.get_position()[0] > 0] == [
            "–",
            "–",
        ]
        assert chart.rows[1] == ("lane 0", "1", "nothing", "", "–", "reload")
        assert marks_of(chart)["chat-0-1"] == "lane 0, chat 1 (reload): sent no session ID; provider not seen"
        assert "paler: chats of scenarios" in axes.get_xlabel()
        assert chart.alt == "Sessions and providers of each lane: lane 0: 3 sessions in 4 chats"

    def test_the_legend_explains_only_what_is_there(self) -> None:
        label = axes_of(lanes_strip(SMALL)).get_xlabel()
        assert "red frame" not in label
        assert "paler" not in label
        assert "(red frame: sent before)" in axes_of(lanes_strip(STALE)).get_xlabel()

    def test_a_reused_session_is_noted_in_text_and_table(self) -> None:
        chart = lanes_strip(judge_run("stale-state", chats=2, lanes=1))
        assert chart is not None
        assert [row[3] for row in chart.rows] == ["", "sent before"]
        assert ", sent before; provider " in marks_of(chart)["chat-0-1"]
        assert "sent before" not in marks_of(chart)["chat-0-0"]

    def test_lanes_of_pooled_runs_are_named_with_their_run(self) -> None:
        run = assemble(
            [
                make_run(chats=2, lanes=1, run_id="run-aaaa"),
                make_run(chats=2, lanes=1, run_id="run-bbbb", seed=3),
            ]
        )
        chart = lanes_strip(run)
        assert chart is not None
        assert [row[0] for row in chart.rows] == ["aaaa lane 0"] * 2 + ["bbbb lane 0"] * 2

    def test_more_lanes_than_rows_are_cut_and_the_title_tells(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(charts, "_ROWS", 2)
        monkeypatch.setattr(charts, "_TABLE_ROWS", 5)
        chart = lanes_strip(judge_run(chats=6, lanes=3, backend=False))
        assert chart is not None
        assert chart.title == "Sessions and providers of each lane (first 2 of 3 lanes)"
        assert chart.alt.count("lane ") == 2 + 1  # two lanes, and the title's
        assert len(chart.rows) == 5

    def test_a_long_lane_goes_on_in_rows_of_their_own(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(charts, "_COLUMNS", 4)
        chart = lanes_strip(judge_run(chats=10, lanes=1, backend=False))
        axes = axes_of(chart)
        labels = [t for t in axes.texts if t.get_position()[0] < 0]
        assert [t.get_text() for t in labels] == ["lane 0", "from 4", "from 8"]
        assert [round(t.get_position()[1], 2) for t in labels] == [0.4, 1.4, 2.4]
        assert set(areas(axes)) == {f"chat-{n // 4}-{n % 4}" for n in range(10)}
        assert_inside(axes)


class TestTimeline:
    def test_points_stand_at_their_time_and_layer(self) -> None:
        run, key = STALE, ChatKey(RUN_ID, 0, 1)
        flow, axes = flow_of(run, key), axes_of(chat_timeline(run, key))
        assert flow is not None
        points = [line for line in axes.lines if line.get_marker() in ("D", "o")]
        end = max(p.seconds for p in flow.points)
        at: list[Any] = [(float(line.get_xdata()[0]), line.get_ydata()[0]) for line in points]
        assert at[0] == (pytest.approx(-0.12 * end), 1)  # the chat before, however long ago, at the left edge
        assert at[1:] == [(pytest.approx(p.seconds), p.layer) for p in flow.points[1:]]
        assert [line.get_marker() == "D" for line in points] == [p.wrong for p in flow.points]
        assert [line.get_color() == ALARM for line in points] == [p.wrong for p in flow.points]
        texts = [t for t in axes.texts if t.get_text() in {p.text for p in flow.points}]
        assert [t.get_text() for t in texts] == [p.text for p in flow.points]
        for number, (text, point, (x, layer)) in enumerate(zip(texts, flow.points, at, strict=True)):
            assert text.get_position()[0] == pytest.approx(x)
            assert 0.2 < abs(text.get_position()[1] - layer) < 0.5
            assert text.get_color() == (ALARM if point.wrong else INK)
            area = areas(axes)[f"point-{number}"]
            assert area.get_x() + area.get_width() / 2 == pytest.approx(x)
            assert area.get_y() + area.get_height() / 2 == pytest.approx(layer)
        assert_inside(axes)
        assert [t.get_text() for t in axes.texts][:5] == list(LAYERS)
        assert [t.get_position()[1] for t in axes.texts][:5] == list(range(5))
        assert axes.get_ylim()[0] > axes.get_ylim()[1]

    def test_texts_of_one_layer_that_are_close_do_not_cover_each_other(self) -> None:
        run, key = SMALL, ChatKey(RUN_ID, 0, 1)
        axes = axes_of(chat_timeline(run, key))
        stored = [t for t in axes.texts[5:] if t.get_text() == "removed" or round(t.get_position()[1]) == 0]
        removed, written = [
            t.get_position()[1] for t in stored if t.get_text() == "removed" or t.get_text().startswith("…")
        ][:2]
        assert (removed < 0) != (written < 0)

    def test_marks_table_and_description_name_each_event(self) -> None:
        run, key = STALE, ChatKey(RUN_ID, 0, 1)
        chart, flow = chat_timeline(run, key), flow_of(run, key)
        assert chart is not None
        assert flow is not None
        assert chart.rows == tuple(
            (f"{p.seconds:+.3f}", LAYERS[p.layer], p.sentence, "wrong" if p.wrong else "")
            for p in flow.points
        )
        assert list(marks_of(chart).values()) == [
            f"{p.seconds:+.3f} s: {p.sentence}" + (" (wrong)" if p.wrong else "") for p in flow.points
        ]
        assert chart.title == "Chat 1 of lane 0 over the five layers"
        assert (chart.name, chart.kind) == ("timeline-0-1", "timeline")
        assert chart.alt.startswith(chart.title + ": -0.750 s sent ID …")
        assert " New Chat" in [t.get_text() for t in axes_of(chart).texts]


def position(index: int, kind: str, distinct: int) -> Position:
    return cast(Position, {"index": index, "kind": kind, "distinct": distinct})


class TestStructure:
    FOUND = [
        position(0, "constant", 1),
        position(1, "varying", 4),
        position(2, "varying", 3),
        position(3, "ragged", 2),
    ]

    def test_the_description_joins_positions_of_one_kind(self) -> None:
        assert structure_alt(self.FOUND) == (
            "position 1: constant; positions 2 to 3: varies; position 4: missing in shorter IDs"
        )

    def test_bars_stand_at_their_positions(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(structure, "id_positions", lambda run: self.FOUND)
        monkeypatch.setattr(structure, "structure_title", lambda run: "Structure")
        chart = id_structure(judge_run(chats=1, lanes=1, backend=False))
        axes = axes_of(chart)
        assert chart is not None
        bars = [p for p in axes.patches if p.get_gid() is None]
        assert [(round(p.get_x() + p.get_width() / 2, 6), p.get_height()) for p in bars] == [
            (1, 1),
            (2, 4),
            (3, 3),
            (4, 2),
        ]
        assert [to_hex(p.get_facecolor()) for p in bars] == [NOTHING, BAR, BAR, BAND]
        assert len({p.get_hatch() for p in bars}) == 3
        for n, bar in enumerate(bars):
            area = areas(axes)[f"position-{n}"]
            assert holds(area, bar.get_x(), 0)
            assert holds(area, bar.get_x() + bar.get_width(), bar.get_height())
        assert [t.get_text() for t in axes.get_legend().get_texts()] == [
            "constant",
            "varies",
            "missing in shorter IDs",
        ]
        handles = axes.get_legend().legend_handles
        assert [to_hex(p.get_facecolor()) for p in handles] == [NOTHING, BAR, BAND]
        assert [p.get_hatch() for p in handles] == [bars[n].get_hatch() for n in (0, 1, 3)]
        assert {(to_hex(p.get_edgecolor()), p.get_linewidth()) for p in (*bars, *handles)} == {(QUIET, 0.5)}
        assert chart.rows == (
            ("1", "1", "constant"),
            ("2", "4", "varies"),
            ("3", "3", "varies"),
            ("4", "2", "missing in shorter IDs"),
        )
        assert marks_of(chart)["position-0"] == "position 1: 1 different symbol, constant"
        assert marks_of(chart)["position-1"] == "position 2: 4 different symbols, varies"
        assert chart.alt == f"Structure: {structure_alt(self.FOUND)}"

    def test_the_legend_names_only_kinds_that_are_there(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(structure, "id_positions", lambda run: self.FOUND[1:3])
        monkeypatch.setattr(structure, "structure_title", lambda run: "Structure")
        axes = axes_of(id_structure(judge_run(chats=1, lanes=1, backend=False)))
        assert [t.get_text() for t in axes.get_legend().get_texts()] == ["varies"]


class TestFlow:
    def test_a_healthy_chat_is_distinguished_from_the_chat_before_to_its_last_reply(self) -> None:
        flow = flow_of(SMALL, ChatKey(RUN_ID, 0, 1))
        assert flow is not None
        assert flow.began_by == "New Chat"
        assert [(p.layer, re.sub(r"…\w+", "…", p.sentence)) for p in flow.points] == [
            (1, "the chat before sent its last message with …"),
            (0, "the stored ID was removed"),
            (0, "… was stored"),
            (1, "message 0 was sent with …"),
            (2, "Tin drum began its reply"),
            (3, "the backend named Tin drum for the session"),
            (4, "the screen named Tin drum"),
        ]
        assert [p.text[:1] for p in flow.points] == ["…", "r", "…", "…", "T", "T", "T"]
        assert not any(p.wrong for p in flow.points)
        assert flow.points[0].seconds == pytest.approx(-0.75, abs=0.001)
        first = flow_of(SMALL, ChatKey(RUN_ID, 0, 0))
        assert first is not None
        assert first.began_by == "page load"

    def test_the_owner_of_an_old_id_is_named(self) -> None:
        def sentences(key: ChatKey, *faults: str, **fields: Any) -> str:
            flow = flow_of(judge_run(*faults, chats=8, lanes=2, **fields), key)
            assert flow is not None
            return "; ".join(p.sentence for p in flow.points if p.wrong and p.layer == 1)

        assert "the ID of the chat before, while the store held nothing" in sentences(
            ChatKey(RUN_ID, 0, 1), "stale-state"
        )
        assert ", the ID of chat 0, while" in sentences(ChatKey(RUN_ID, 0, 2), "stale-state")
        assert sentences(ChatKey(RUN_ID, 1, 1), id_pattern="fixed").endswith(", the ID of lane 0 chat 0")

    def test_payloads_without_an_id_are_wrong_where_messages_carry_one(self) -> None:
        def unsent(c: Chat) -> Chat:
            return replace(c, messages=tuple(replace(m, sent=None) for m in c.messages)) if c.chat == 1 else c

        run = without(make_run(chats=6, lanes=2), unsent)
        flow, after = flow_of(run, ChatKey(RUN_ID, 0, 1)), flow_of(run, ChatKey(RUN_ID, 0, 2))
        assert flow is not None
        assert after is not None
        [sent] = [p for p in flow.points if p.layer == 1 and p.seconds > 0]
        assert sent.sentence.startswith("message 0 was sent with no ID, while the store held …")
        assert (sent.text, sent.wrong) == ("nothing", True)
        assert after.points[0].sentence == "the chat before sent its last message with no ID"

    def test_what_was_not_seen_of_a_message_is_no_event(self) -> None:
        def unseen(c: Chat) -> Chat:
            blank: dict[str, Any] = {
                "sent_seen": False,
                "reply_provider": None,
                "label_provider": None,
                "backend_provider": None,
            }
            return replace(c, messages=tuple(replace(m, **blank) for m in c.messages)) if c.chat == 1 else c

        run = without(make_run(chats=6, lanes=2), unseen)
        flow, after = flow_of(run, ChatKey(RUN_ID, 0, 1)), flow_of(run, ChatKey(RUN_ID, 0, 2))
        assert flow is not None
        assert after is not None
        assert Counter(p.layer for p in flow.points) == {0: 2, 1: 1}
        assert not [p for p in after.points if p.seconds < 0]

    def test_the_label_is_compared_with_the_backend_where_the_reply_names_nobody(self) -> None:
        def silent(c: Chat) -> Chat:
            reply = replace(c.messages[0], reply_provider=None)
            return replace(c, messages=(reply if c.chat != 1 else replace(reply, label_provider="Nobody"),))

        run = without(make_run(chats=6, lanes=2, continue_last=False), silent)
        for chat, wrong in ((0, False), (1, True)):
            flow = flow_of(run, ChatKey(RUN_ID, 0, chat))
            assert flow is not None
            assert [p.wrong for p in flow.points if p.layer == 4] == [wrong]
            assert [p.wrong for p in flow.points if p.layer == 3] == [False]

    def test_a_backend_that_names_another_provider_is_wrong(self) -> None:
        def other(c: Chat) -> Chat:
            return (
                replace(c, messages=(replace(c.messages[0], backend_provider="Nobody"),))
                if c.chat == 1
                else c
            )

        flow = flow_of(without(make_run(chats=6, lanes=2, continue_last=False), other), ChatKey(RUN_ID, 0, 1))
        assert flow is not None
        assert [(p.text, p.wrong) for p in flow.points if p.layer == 3] == [("Nobody", True)]
