"""`scorebox performance`: its verdict, its files and its gauges."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from inline_snapshot import snapshot
from numpy.typing import NDArray
from prometheus_client.parser import text_string_to_metric_families

from scoring.outcomes.store import Outcome, Outcomes
from tests.conftest import Project
from tests.pipelines.conftest import Run
from tests.pipelines.governed import Governed
from tests.pipelines.realised import CARD, MATURED_ON, draw_labels, draw_pds, journal_of
from tests.scoring.journal import made_up

JOURNAL = Path("journal") / CARD.name
WRITTEN = Path("artifacts") / "full" / CARD.name / "monitoring"
MODEL = made_up.BASIS.model
MONTHS = ("2026-01", "2026-02", "2026-03")
PDS = draw_pds(1_500)
GOOD = draw_labels(PDS)


def realise(names: list[str], labels: NDArray[np.int64]) -> None:
    store = Outcomes(JOURNAL)
    pairs = zip(names, labels.tolist(), strict=True)
    assert set(store.record([Outcome(name, label, MATURED_ON, "test") for name, label in pairs])) == {"recorded"}


def written() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((WRITTEN / "performance.json").read_text())
    return content


def gauges(text: str) -> dict[str, float]:
    """Values of the one model by metric."""
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    assert {sample.labels["scorecard"] for sample in samples} == {CARD.name}
    assert {sample.labels["model"] for sample in samples} == {MODEL}
    return {sample.name: sample.value for sample in samples}


def test_outcomes_as_the_pds_said_are_ok(scorebox: Run) -> None:
    realise(journal_of(JOURNAL, PDS, MONTHS), GOOD)
    code, printed = scorebox("performance", CARD.name, "--fail")
    assert code == 0
    assert f"verdict: ok: {WRITTEN}/performance.html" in printed
    assert f"{MODEL} is no longer in the model store" in printed
    result = written()
    assert result["verdict"] == "ok"
    assert [(item["month"], item["figures"]["matured"]) for item in result["cohorts"]] == [
        (month, 500) for month in MONTHS
    ]
    overall = result["overall"]
    assert (overall["decisions"], overall["matured"], overall["defaults"]) == (1_500, 1_500, int(GOOD.sum()))
    assert overall["matured_approved"] == int((PDS < 0.25).sum())
    values = gauges((WRITTEN / "performance.prom").read_text())
    assert values == {
        "scorebox_realised_auc": overall["metrics"]["auc"]["value"],
        "scorebox_realised_ks": overall["metrics"]["ks"]["value"],
        "scorebox_realised_gini": overall["metrics"]["gini"]["value"],
        "scorebox_realised_brier": overall["metrics"]["brier"]["value"],
        "scorebox_calibration_error": overall["metrics"]["expected_calibration_error"]["value"],
        "scorebox_matured_decisions": 1_500,
        "scorebox_performance_decay": 0,
    }


def test_the_profile_that_is_asked_for_gets_the_files(scorebox: Run, project: Project) -> None:
    realise(journal_of(JOURNAL, PDS, MONTHS), GOOD)
    params = yaml.safe_load((project.folder / "params.yaml").read_text())
    params["profiles"]["quick"] = params["profiles"]["full"]
    (project.folder / "params.yaml").write_text(yaml.safe_dump(params))
    code, printed = scorebox("performance", CARD.name, "--profile", "quick")
    assert code == 0
    asked = Path("artifacts/quick") / CARD.name / "monitoring"
    assert f"verdict: ok: {asked}/performance.html" in printed
    assert (asked / "performance.json").exists()
    assert not WRITTEN.exists()


def test_decay_is_named_and_ends_with_exit_code_1_only_where_asked(scorebox: Run) -> None:
    realise(journal_of(JOURNAL, PDS, MONTHS), 1 - GOOD)
    code, printed = scorebox("performance", CARD.name)
    assert code == 0
    assert f"decay {MODEL}: AUC 0." in printed
    assert f"decay {MODEL}: all bands: " in printed
    code, printed = scorebox("performance", CARD.name, "--fail")
    assert code == 1
    assert f"error a model of {CARD.name} has decayed" in printed
    assert written()["verdict"] == "decay"
    assert gauges((WRITTEN / "performance.prom").read_text())["scorebox_performance_decay"] == 1


def test_the_page_says_the_verdict_first_and_holds_its_plots(scorebox: Run) -> None:
    realise(journal_of(JOURNAL, PDS, MONTHS), 1 - GOOD)
    scorebox("performance", CARD.name)
    page = (WRITTEN / "performance.html").read_text()
    texts = [" ".join(text.split()) for text in re.findall(r"<(?:h\d|strong)>([^<]+)<", page)]
    assert texts == snapshot(
        [
            "Default of credit card clients: how decisions turned out",
            "Decay",
            "Figures",
            "card_default:1-fp32",
            "Expected and observed defaults",
            "By month of decision",
            "How the verdict is found",
        ]
    )
    assert page.index("Decay") < page.index("<table>")
    for flag in written()["models"][0]["flags"]:
        assert f"<li>{flag}</li>" in page
    sources = re.findall(r'src="([^"]{0,26})', page)
    assert sources == ["data:image/svg+xml;base64,"] * 3
    assert not re.search(r'(href|src)="http|\bnan\b|None', re.sub(r'src="[^"]*"', "", page))
    for month in MONTHS:
        assert f"<td>{month}</td>" in page


def test_the_same_journal_gives_the_same_page(scorebox: Run) -> None:
    realise(journal_of(JOURNAL, PDS[:300]), GOOD[:300])
    pages = []
    for _ in range(2):
        scorebox("performance", CARD.name)
        pages.append(re.sub(r"Made \S+", "", (WRITTEN / "performance.html").read_text()))
    assert pages[0] == pages[1]


def test_figures_of_approvals_only_say_so(scorebox: Run) -> None:
    names = journal_of(JOURNAL, PDS)
    approved = np.flatnonzero(PDS < 0.25)
    realise([names[place] for place in approved], GOOD[approved])
    code, printed = scorebox("performance", CARD.name)
    assert code == 0
    assert f"{len(approved):,}, approvals only" in printed
    page = (WRITTEN / "performance.html").read_text()
    assert "Every known outcome is of an approval." in page
    assert "<th>metric, approvals only</th>" in page


def test_too_few_outcomes_or_none_are_said_to_be_so(scorebox: Run) -> None:
    names = journal_of(JOURNAL, PDS, MONTHS)
    code, _printed = scorebox("performance", CARD.name, "--fail")
    assert (code, written()["verdict"]) == (0, "too few")
    assert "Too few matured outcomes" in (WRITTEN / "performance.html").read_text()
    realise(names[:199], 1 - GOOD[:199])
    assert scorebox("performance", CARD.name, "--fail")[0] == 0
    realise(names[199:200], 1 - GOOD[199:200])
    assert scorebox("performance", CARD.name, "--fail")[0] == 1


def test_a_window_and_versions_of_a_model_are_judged_by_themselves(scorebox: Run) -> None:
    other = replace_model("card_default:2-fp32")
    realise(journal_of(JOURNAL, PDS[:500], ["2026-01"]), 1 - GOOD[:500])
    realise(journal_of(JOURNAL, PDS[500:1_000], ["2026-02"], other), GOOD[500:1_000])
    scorebox("performance", CARD.name)
    result = written()
    assert {item["model"]: item["verdict"] for item in result["models"]} == {
        MODEL: "decay",
        other.model: "ok",
    }
    assert result["verdict"] == "decay"
    assert scorebox("performance", CARD.name, "--since", "2026-02-01", "--fail")[0] == 0
    assert [item["model"] for item in written()["models"]] == [other.model]
    scorebox("performance", CARD.name, "--until", "2026-02-01")
    assert [item["model"] for item in written()["models"]] == [MODEL]
    code, printed = scorebox("performance", CARD.name, "--since", "2030-01-01")
    assert code == 1
    assert f"the journal {JOURNAL} has no decisions of that time" in printed
    assert "it is not a date such as 2026-10-01" in scorebox("performance", CARD.name, "--since", "2030")[1]


def replace_model(tag: str) -> Any:
    return made_up.BASIS.model_copy(update={"model": tag})


def test_what_was_set_aside_is_counted_and_what_waited_is_taken(scorebox: Run) -> None:
    names = journal_of(JOURNAL, PDS[:300])
    realise(names, GOOD[:300])
    store = Outcomes(JOURNAL)
    store.record([Outcome(names[0], 1 - int(GOOD[0]), MATURED_ON, "test"), Outcome("nobody", 1, MATURED_ON, "test")])
    scorebox("performance", CARD.name)
    assert written()["set_aside"] == {"conflicting": 1, "unknown": 1}
    assert "Set aside: 1 conflicting, 1 unknown" in (WRITTEN / "performance.html").read_text()


def test_a_model_is_held_to_its_own_record(governed: Governed) -> None:
    release = governed.release
    tag = release["tags"][release["serving"]]
    realise(journal_of(JOURNAL, PDS, basis=replace_model(tag)), GOOD)
    code, printed = governed.run("performance", CARD.name)
    assert code == 0, printed
    assert "no longer in the model store" not in printed
    (judged,) = written()["models"]
    assert judged["model"] == tag
    metrics = governed.read(governed.workspace.report / "report.json")["metrics"]
    assert judged["tested"]["auc"] == pytest.approx(metrics["auc"]["value"], abs=1e-6)
    assert f"<td>{judged['tested']['auc']:.4f}</td>" in (WRITTEN / "performance.html").read_text()


@contextmanager
def pushgateway(status: int) -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    """A gateway on a free port, and what is sent to it."""
    sent: list[tuple[str, str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            sent.append((self.command, self.path, body))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", sent
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_gauges_go_to_a_pushgateway_too(scorebox: Run) -> None:
    realise(journal_of(JOURNAL, PDS[:300]), GOOD[:300])
    with pushgateway(200) as (url, sent):
        assert scorebox("performance", CARD.name, "--pushgateway", url)[0] == 0
    ((method, path, body),) = sent
    assert (method, path) == ("PUT", f"/metrics/job/scorebox_performance_{CARD.name}")
    assert gauges(body) == gauges((WRITTEN / "performance.prom").read_text())


def test_a_pushgateway_that_refuses_is_one_line_and_the_files_are_there(
    scorebox: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    realise(journal_of(JOURNAL, PDS[:300]), GOOD[:300])
    with pushgateway(500) as (url, _):
        monkeypatch.setenv("SCOREBOX_PUSHGATEWAY", url)
        code, printed = scorebox("performance", CARD.name)
    assert code == 1
    assert f"the Pushgateway at {url} does not take the gauges" in printed
    assert sorted(path.name for path in WRITTEN.iterdir()) == [
        "performance.html",
        "performance.json",
        "performance.prom",
    ]
