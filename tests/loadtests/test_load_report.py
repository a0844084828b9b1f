"""The page of load held to targets: made by the command, and the present one has its form."""

from __future__ import annotations

import re

from loadtests.curves import Scenario, Shape
from loadtests.load_report import Run, markdown
from loadtests.targets import Seen, Targets, evaluate
from tests.conftest import PROJECT

PRESENT = (PROJECT / "docs" / "measured" / "targets.md").read_text()


def run(scenario: Scenario, shape: Shape, seen: Seen) -> Run:
    return Run(scenario, shape, evaluate(Targets.read().scenario(scenario, "card_default").target(shape), seen))


def test_a_line_has_the_figures_of_its_run_and_names_the_targets_that_it_missed() -> None:
    page = markdown(
        [
            run(Scenario.SINGLE, Shape.SOAK, Seen(1000, 0, 3, 4, 4, 401.4, 0.12)),
            run(Scenario.BATCH, Shape.RAMP, Seen(1000, 5, 2, 4, 900, 59.6)),
        ],
        {"Date": "today"},
        "Made by hand.",
    )
    assert "\n| Date | today |\n" in page
    assert "\n2 targets are missed.\n" in page
    assert "\n| single | soak | 3 | 4 | 4 | 0.00% | 401 | 0.1 | held |\n" in page
    assert "\n| batch of 64 | ramp | 2 | 4 | 900 | 0.50% | 60 |  | missed: p99 ms, failure share |\n" in page


def test_the_present_page_has_every_scenario_under_every_shape_in_the_form_of_the_command() -> None:
    lines = re.findall(r"^\| (?:single|batch|mixed).*\|$", PRESENT, re.MULTILINE)
    assert len(lines) == len(Scenario) * len(Shape)
    head = markdown([], {}, "").splitlines()
    assert [line for line in head if line.startswith("| users")] == re.findall(r"^\| users.*$", PRESENT, re.MULTILINE)
