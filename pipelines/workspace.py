"""Where the stages of one scorecard and one profile keep their files."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RELEASES = Path("releases")
ARTIFACTS = Path("artifacts")
FULL = "full"


@dataclass(frozen=True)
class Workspace:
    """`artifacts/<profile>/<scorecard>/`, and the files in it, in the order in which they are made."""

    scorecard: str
    profile: str
    root: Path = ARTIFACTS

    @property
    def folder(self) -> Path:
        """The folder of all files."""
        return self.root / self.profile / self.scorecard

    @property
    def incoming(self) -> Path:
        """Folder of files that are being taken in; gone when that has ended."""
        return self.folder / ".incoming"

    @property
    def raw(self) -> Path:
        """Folder of the raw snapshot."""
        return self.folder / "raw"

    def raw_table(self, name: str) -> Path:
        """Return a table of the raw snapshot."""
        return self.raw / f"{name}.parquet"

    @property
    def pushed(self) -> Path:
        """The part of this workspace that is in the model store, as `push` wrote it."""
        return self.folder / "push.json"

    @property
    def reports(self) -> Path:
        """Folder of reports on the data and the model."""
        return self.folder / "reports"

    @property
    def ingestion(self) -> Path:
        """Ingestion summary."""
        return self.reports / "ingestion_summary.json"

    @property
    def freshness(self) -> Path:
        """How old each feed is."""
        return self.reports / "data_freshness.json"

    @property
    def cutoff(self) -> Path:
        """The proposed cut-off next to the one in force, and the curve."""
        return self.reports / "cutoff.json"

    @property
    def cutoff_plot(self) -> Path:
        """The curve as a picture."""
        return self.reports / "cutoff.png"

    @property
    def promotion(self) -> Path:
        """The gates of the last promotion that was tried."""
        return self.reports / "promotion.json"

    @property
    def contract(self) -> Path:
        """Verdict of the raw tables' contracts."""
        return self.folder / "contract.json"

    @property
    def parameters(self) -> Path:
        """The scorecard's entry of `params.yaml` with every default."""
        return self.folder / "parameters.json"

    @property
    def applications(self) -> Path:
        """One row per application, holding the scorecard's contract."""
        return self.folder / "applications.parquet"

    @property
    def lineage(self) -> Path:
        """Tables that each column of the applications was made from."""
        return self.folder / "lineage.json"

    @property
    def features_contract(self) -> Path:
        """Verdict of the scorecard's contract on the applications."""
        return self.folder / "features_contract.json"

    @property
    def train(self) -> Path:
        """Training rows."""
        return self.folder / "train.parquet"

    @property
    def test(self) -> Path:
        """Test rows."""
        return self.folder / "test.parquet"

    @property
    def split(self) -> Path:
        """Rows, shares and hashes of the split."""
        return self.folder / "split.json"

    @property
    def candidates(self) -> Path:
        """How each candidate did, and who won."""
        return self.folder / "candidates.json"

    @property
    def model(self) -> Path:
        """Folder of the winner: its own format, calibration and specification."""
        return self.folder / "model"

    @property
    def fp32(self) -> Path:
        """FP32 graph."""
        return self.folder / "fp32.onnx"

    @property
    def int8(self) -> Path:
        """INT8 graph; missing where the winner has nothing to quantise."""
        return self.folder / "int8" / "int8.onnx"

    def explain(self, variant: str) -> Path:
        """Return the graph that explains a variant."""
        return self.folder / "explain" / f"{variant}.onnx"

    @property
    def benchmark(self) -> Path:
        """The variants side by side."""
        return self.folder / "benchmark.json"

    @property
    def leakage(self) -> Path:
        """Figures that careless splits would have reported."""
        return self.folder / "leakage.md"

    @property
    def report(self) -> Path:
        """Folder of metrics, plots, fairness and the report."""
        return self.folder / "report"

    @property
    def report_record(self) -> Path:
        """The report as JSON; the store's record of the model is taken from it."""
        return self.report / "report.json"

    @property
    def verification(self) -> Path:
        """Verdict of the absolute checks on the trained model."""
        return self.reports / "verification.json"

    @property
    def crossvalidation(self) -> Path:
        """Each candidate on folds of the whole data set."""
        return self.folder / "crossvalidation.json"

    @property
    def monitoring(self) -> Path:
        """Folder of reports on the model while it serves."""
        return self.folder / "monitoring"

    @property
    def release(self) -> Path:
        """The release that the service follows."""
        return RELEASES / f"{self.scorecard}.json"

    @property
    def policy(self) -> Path:
        """The cut-off policy that the service follows; missing where the scorecard's own cut-off decides."""
        return RELEASES / f"{self.scorecard}.policy.json"

    @property
    def challenge(self) -> Path:
        """Which challenger meets the champion; missing without one."""
        return RELEASES / f"{self.scorecard}.challenger.json"

    @property
    def comparison(self) -> Path:
        """Champion and challenger on the same applications; the page and the picture are next to it."""
        return self.monitoring / "compare.json"

    @property
    def history(self) -> Path:
        """The history of a scorecard that has one, as the service reads it."""
        return RELEASES / f"{self.scorecard}.history.sqlite"


def find_profile(scorecard: str) -> tuple[str, str]:
    """Return the profile that a command takes where none is given, and why; no reason where it is the default.

    It is the profile whose artifacts made the released model, else the only one that has artifacts, else `full`.
    """
    workspaces = [Workspace(scorecard, folder.parent.name) for folder in sorted(ARTIFACTS.glob(f"*/{scorecard}"))]
    released = _tags(Workspace(scorecard, FULL).release)
    serving = [space.profile for space in workspaces if released & (_tags(space.pushed) | _promoted(space.promotion))]
    if serving:
        return serving[0], "what serves"
    made = [space.profile for space in workspaces if space.ingestion.exists()]
    if len(made) == 1:
        return made[0], "the only one that has artifacts"
    return FULL, ""


def _tags(path: Path) -> set[str]:
    """Return the model tags in a release or a record of a push; none if the file cannot be read."""
    return set(_read(path).get("tags", {}).values())


def _promoted(path: Path) -> set[str]:
    """Return the model tag that a promotion made champion; none if it refused it, or the file cannot be read."""
    promotion = _read(path)
    return {promotion["candidate"]["model"]} if promotion.get("promoted") else set()


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
