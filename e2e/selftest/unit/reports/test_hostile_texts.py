"""Names and texts that a target chose: nothing in them executes or is lost in the pages, tables, charts and the terminal."""

from __future__ import annotations

import csv
import dataclasses
import io
import re
from html import unescape
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from rich.console import Console

from e2e.analysis.judge import judge
from e2e.analysis.model.run import Run, assemble
from e2e.records.evidence import EvidenceWriter, read_run
from e2e.records.printable import as_name
from e2e.records.records import Chat
from e2e.selftest.tools.matrix.samples import read
from reports.charts.charts import drawn_charts
from reports.publish.nightly import add_to_job_summary
from reports.publish.pages import run_page
from reports.summary.aggregate import Judged, summary_files
from reports.summary.summary import summarise
from reports.summary.tables import observations_csv, observations_html
from reports.summary.terminal import terminal_summary
from reports.templates.rendering import bounded, template

NAMES = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</svg><script>alert(1)</script>",
    "[click](javascript:alert(1)) ![x](http://evil.example/p.png)",
    "a|b|c\n\n# heading\n| x |",
    "`code` **bold** ~~~\n~~~",
    "@someone &lt;b&gt; &amp;",
    '=HYPERLINK("http://evil.example")',
    "+1+1",
    "@SUM(A1)",
    "\x1b[31mred\x1b]8;;http://evil.example\x07link",
    "\u202egnp.exe\u2066",
    "\x00nul\u2028line\u2029end\x85",
    "\ud800lone",
    "$\\frac{1}$ and $x",
    "ü" * 1_000_000,
    "{{ 7 * 7 }} {% raw %}",
    "]]> <![CDATA[ <!-- --> &",
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A healthy run whose providers have those names, written and read as evidence is."""
    records = read("healthy", tmp_path_factory.mktemp("sample"))

    def hostile(number: int, chat: Chat) -> Chat:
        name = NAMES[number % len(NAMES)]
        messages = tuple(
            dataclasses.replace(m, reply_provider=name, backend_provider=name, label_provider=name)
            for m in chat.messages
        )
        return dataclasses.replace(
            chat, messages=messages, reason=NAMES[number % len(NAMES)] if chat.reason else ""
        )

    folder = tmp_path_factory.mktemp("out") / "run"
    meta = dataclasses.replace(
        records.meta,
        policy=dataclasses.replace(records.meta.policy, providers=None, provider_count=None, weights=None),
        problems=(),
    )
    writer = EvidenceWriter(folder, meta)
    for event in records.events:
        writer.event(event)
    for number, chat in enumerate(records.chats):
        writer.chat(hostile(number, chat))
    writer.close()
    return assemble([read_run(folder)])


@pytest.fixture(scope="module")
def judged(run: Run) -> Judged:
    return Judged(run, judge(run), summarise(run, judge(run)), (Path("run"),))


def shown() -> list[str]:
    """The names as a report has them."""
    return [as_name(name) for name in NAMES]


def tags(html: str) -> set[str]:
    return set(re.findall(r"<([a-zA-Z][\w-]*)", html))


def test_names_that_differ_stay_different(run: Run) -> None:
    assert set(run.messages["reply_provider"].dropna()) == set(shown())


def test_the_page_of_the_site_has_no_element_or_link_of_a_name(judged: Judged) -> None:
    markdown = summary_files(judged, Path())["summary.md"]
    page = run_page(judged, markdown, ())
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "javascript:" not in "".join(re.findall(r'href="[^"]*"', page))
    text = unescape(re.sub(r"<[^>]+>", "", page))
    assert judged.summary.providers
    for name in judged.summary.providers:
        assert " ".join(name.split())[:100] in " ".join(text.split()), name


@pytest.mark.parametrize("html", [True, False])
def test_markdown_makes_no_html_heading_table_or_mention_of_a_name(judged: Judged, html: bool) -> None:
    """GitHub renders HTML in Markdown; our own site does not."""
    markdown = summary_files(judged, Path())["summary.md"]
    page = MarkdownIt("commonmark", {"html": html}).enable("table").render(markdown)
    assert not tags(page) & {"script", "img", "svg"}
    assert "heading" not in "".join(re.findall(r"<h\d>.*?</h\d>", page))
    assert "evil.example" not in "".join(re.findall(r'(?:href|src)="[^"]*"', page))
    assert not re.search(r"(?<!\w)@someone", markdown)
    for row in re.findall(r"<tr>.*?</tr>", page, re.DOTALL):
        assert row.count("<td") in (0, 2, 3, 4, 5), row


def test_the_terminal_gets_no_control_characters(judged: Judged) -> None:
    out = io.StringIO()
    Console(file=out, width=400, force_terminal=False).print(terminal_summary(judged.summary))
    assert not re.search(
        "[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029\ud800-\udfff]", out.getvalue()
    )


def test_a_spreadsheet_takes_no_cell_for_a_formula(run: Run) -> None:
    rows = list(csv.DictReader(io.StringIO(observations_csv(run))))
    assert len(rows) == len(run.chats)
    cells = [cell for row in rows for cell in row.values()]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert {f"'{name}" for name in shown() if name[0] in "=+@"} <= set(cells)


def test_a_page_of_observations_has_its_own_elements_only(run: Run) -> None:
    page = observations_html(run)
    assert tags(page) <= {"html", "meta", "title", "style", "table", "thead", "tbody", "tr", "th", "td", "p"}
    page.encode()


def test_charts_have_their_own_elements_only(judged: Judged) -> None:
    charts = drawn_charts(judged.run)
    assert charts
    for chart in charts:
        assert not tags(chart.svg.decode()) & {"script", "img", "foreignObject", "a"}, chart.name
    assert charts[0].png


class TestMarkdown:
    def rendered(self, source: str, value: str) -> str:
        return template("release.md.j2").environment.from_string(source).render(v=value)

    @pytest.mark.parametrize(
        "source", ["- {{ v }}", "| {{ v | cell }} |", "| {{ v | name }} |", "`{{ v | code }}`"]
    )
    @pytest.mark.parametrize("text", ["a\nb", "a \n\n# b", "a\n| b |\n|---|\n", "a\n~~~\nb"])
    def test_a_value_stays_on_its_line(self, source: str, text: str) -> None:
        assert "\n" not in self.rendered(source, text)

    @pytest.mark.parametrize(
        "source", ["{{ v }}", "{{ v | cell }}", "{{ v | name }}", "{{ v | code }}", "{{ v | fenced }}"]
    )
    def test_a_long_value_is_cut_before_its_characters_become_entities(self, source: str) -> None:
        shown = self.rendered(source, "<b>" * 400_000)
        assert len(shown) < 40_000
        assert shown.endswith("… (1,200,000 characters)")

    def test_a_value_of_the_usual_length_is_whole(self) -> None:
        assert self.rendered("{{ v }}", "x" * 4_000) == "x" * 4_000

    def test_a_table_that_was_made_before_keeps_its_lines(self) -> None:
        assert self.rendered("{{ v | lines }}", "| a |\n|---|\n| <b> |") == "| a |\n|---|\n| &#60;b> |"

    @pytest.mark.parametrize("character", ["x", "ü", "😀"])
    def test_a_page_has_whole_lines_and_no_more_bytes_than_github_takes(self, character: str) -> None:
        page = f"# {character * 50}\n" * 30_000
        shown = bounded(page)
        assert len(shown.encode()) <= 900_000
        kept, _, note = shown.rpartition("\n\n")
        assert set(kept.split("\n")) == {f"# {character * 50}"}
        assert "summary.json" in note
        assert bounded("a\nb\n") == "a\nb\n"

    def test_several_summaries_share_the_page_of_a_job(self, tmp_path: Path) -> None:
        job = {"GITHUB_STEP_SUMMARY": str(tmp_path / "job.md")}
        for _ in range(4):
            add_to_job_summary("line\n" * 60_000, job)
        assert (tmp_path / "job.md").stat().st_size < 2**20
