"""The model card of the trained project."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from inline_snapshot import snapshot

from scoring.expected import DataError
from tests.markdown import unpadded
from tests.pipelines.governed import CARD, Governed
from training.evaluation.card import SECTIONS, check

BELOW_HEAD = re.compile(r"^\|[-| ]+\|$", re.MULTILINE)
"""The line below the head of a table."""


def structure(text: str) -> list[str]:
    """Headings, heads of tables and plots, in order; columns without their padding."""
    lines = text.splitlines()
    return [
        unpadded(line)
        for line, following in zip(lines, [*lines[1:], ""], strict=True)
        if line.startswith(("#", "![")) or BELOW_HEAD.match(following)
    ]


def card(governed: Governed) -> str:
    return (governed.workspace.report / "card.md").read_text()


def test_the_card_has_its_sections_tables_and_plots(governed: Governed) -> None:
    assert structure(card(governed)) == snapshot(
        [
            "# Model card: Default of credit card clients (card_default)",
            "## Purpose and intended use",
            "| band | PD from | PD below |",
            "## Out of scope",
            "## Data",
            "| item | value |",
            "## Features",
            "| protected column | read by the model |",
            "## Candidates",
            "| candidate | inputs | AUC (deviation) | Brier | calibration | calibration error | reasons, standard µs | gates |",  # noqa: E501
            "## Performance",
            "| metric | value | from | to |",
            "![ROC](plots/roc.png)",
            "![precision and recall](plots/precision_recall.png)",
            "![score distribution](plots/scores.png)",
            "![gains](plots/gains.png)",
            "## Calibration",
            "| rows | mean PD | share of defaults |",
            "![reliability](plots/reliability.png)",
            "## Reasons",
            "| reason group | mean contribution | stated in |",
            "![reasons](plots/reasons.png)",
            "## Fairness",
            "| column | group | rows | share of defaults | mean PD | approval rate |",
            "| column | gap | adverse impact ratio |",
            "| candidate | protected columns | inputs | AUC | Brier | approval rate |",
            "## Gates",
            "| gate | value | limit | verdict |",
            "| check | value | rule | limit | verdict |",
            "## Variants",
            "| variant | bytes | largest PD difference | mean | flipped | AUC | Brier | µs, 1 row | µs, 64 rows | µs, 1,024 rows | µs, 65,536 rows | reasons, standard µs |",  # noqa: E501
            "## Limits and caveats",
            "## Lineage",
            "| item | value |",
        ]
    )


def test_the_card_is_of_this_model(governed: Governed) -> None:
    text = card(governed)
    report = governed.read(governed.workspace.report / "report.json")
    verification = governed.read(governed.workspace.reports / "verification.json")
    metric = report["metrics"]["auc"]
    assert f"| auc | {metric['value']:.4f} | {metric['low']:.4f} | {metric['high']:.4f} |" in text
    assert CARD.purpose in text
    assert all(limit in text for limit in CARD.limits)
    assert report["mlflow_run_id"] in text
    assert report["graph_sha256"]["fp32"] in text
    assert governed.release["version"] in text
    for group in verification["figures"]["groups"]:
        assert f"| {group['column']} | {group['group']} | {group['rows']} |" in text
    assert "**SAMPLE DATA.**" in text


def test_the_page_holds_everything_that_it_shows(governed: Governed) -> None:
    page = (governed.workspace.report / "card.html").read_text()
    sources = re.findall(r'src="([^"]{0,30})', page)
    assert len(sources) == 6
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert not re.search(r'(href|src)="(http|plots)', page)
    for section in SECTIONS:
        assert f"<h2>{section}</h2>" in page
    assert page.count("<table>") == len(BELOW_HEAD.findall(card(governed)))


def test_the_same_model_gives_the_same_card(governed: Governed) -> None:
    before = card(governed), (governed.workspace.report / "card.html").read_bytes()
    assert governed.run("card", CARD.name)[0] == 0
    assert (card(governed), (governed.workspace.report / "card.html").read_bytes()) == before


def test_an_empty_cell_is_named_and_the_old_card_stays(governed: Governed) -> None:
    before = card(governed)
    path = governed.workspace.ingestion
    path.write_text(json.dumps(governed.read(path) | {"licence": " "}))
    code, printed = governed.run("card", CARD.name)
    assert code == 1
    assert "error the model card's section 'Data' has no value in row 'licence', column 'value': ''" in printed
    assert card(governed) == before


def test_a_missing_plot_is_named(governed: Governed) -> None:
    (governed.workspace.report / "plots" / "gains.png").unlink()
    code, printed = governed.run("card", CARD.name)
    assert code == 1
    assert "gains.png is missing; run: scorebox report" in printed


def test_figures_of_other_graphs_make_no_card(governed: Governed) -> None:
    path = governed.workspace.reports / "verification.json"
    path.write_text(json.dumps(governed.read(path) | {"graph_sha256": {"fp32": "0" * 64}}))
    code, printed = governed.run("card", CARD.name)
    assert code == 1
    assert "the graphs are not those that `scorebox verify` measured; run it again" in printed


@pytest.mark.parametrize("empty", ["", "nan", "nan%", "None", "-", "–"])
def test_every_kind_of_empty_cell_fails(governed: Governed, empty: str) -> None:
    text = re.sub(r"\| brier \| [\d.]+ \|", f"| brier | {empty} |", card(governed))
    with pytest.raises(DataError, match=r"section 'Performance' has no value in row 'brier', column 'value'"):
        check(text)


def test_an_empty_section_fails_and_a_missing_one_too(governed: Governed) -> None:
    text = card(governed)
    head, _, rest = text.partition("## Variants\n")
    with pytest.raises(DataError, match="section 'Variants' is empty"):
        check(f"{head}## Variants\n\n## Limits{rest.partition('## Limits')[2]}")
    with pytest.raises(DataError, match="has no section 'Variants'"):
        check(text.replace("## Variants\n", ""))


def test_a_table_without_rows_and_a_sentence_without_its_figure_fail(governed: Governed) -> None:
    text = card(governed)
    empty = re.sub(r"(\| band \| PD from \| PD below \|\n\| --- \| --- \| --- \|\n)(\|.*\n)+", r"\1", text)
    with pytest.raises(DataError, match="has a table without rows: band, PD from, PD below"):
        check(empty)
    with pytest.raises(DataError, match="section 'Purpose and intended use' has a figure that is not a number"):
        check(re.sub(r"[\d.]+% are approved", "nan% are approved", text))


def test_html_in_a_text_is_shown_and_not_obeyed(tmp_path: Path) -> None:
    from training.evaluation.card import page

    shown = page("# A <b>card</b>\n\n## Data\n\n<script>alert(1)</script>\n", tmp_path)
    assert "<script>" not in shown
    assert "<title>A &lt;b&gt;card&lt;/b&gt;</title>" in shown
