"""docs/how-to/challenger.md, step by step, in a copy of the project."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from scoring.journal.reader import JournalReader
from tests.conftest import PROJECT
from tests.e2e.project import leave_out_time
from tests.e2e.reader import Reader
from tests.e2e.server import serve

NAME = "card_default"
TOKEN = "a-secret-of-your-own"
GUIDE = (PROJECT / "docs" / "how-to" / "challenger.md").read_text()
STEPS = re.findall(r"```sh\n(.*?)```", GUIDE[GUIDE.index("## Step by step") :], re.DOTALL)
pytestmark = pytest.mark.slow


def test_the_page_can_be_followed(built_project: Path) -> None:
    folder = built_project
    reader = Reader(folder, TOKEN)
    second, shadow, applicants, share, withdrawal, promotion = STEPS
    with serve(
        folder / ".bentoml",
        folder=folder,
        release=False,
        SCOREBOX_RELOAD_TOKEN=TOKEN,
        SCOREBOX_JOURNAL=str(folder / "journal" / NAME),
    ) as server:
        reader.address = f"127.0.0.1:{server.port}"
        old = server.get("/model_info").json()["model"]
        # The page changes the network, which is the champion's family too: the others need not be trained again.
        leave_out_time(folder, ["network"])
        assert "it is the challenger" in reader.run(second)
        assert '"challenger":"card_default:' in reader.run(shadow)
        assert "500 decisions differ" in reader.run(applicants)
        # On a busy machine one of two equal models may look slow.
        patient = share.replace("--score-psi 2", "--score-psi 2 --latency-ratio 1000")
        assert "1,000 decisions differ" in reader.run(patient)
        found = json.loads((folder / "artifacts" / "quick" / NAME / "monitoring" / "compare.json").read_text())
        assert found["champion"] == old
        assert server.get("/model_info").json()["challenger"]["withdrawn"] is False, server.output.read_text()
        assert 100 < found["by_challenger"] < 200
        told = reader.run(withdrawal)
        assert "withdrawn" in told
        assert "latency_ratio" in told
        assert server.get("/model_info").json()["challenger"]["withdrawn"] is True
        ended = reader.run(promotion)
        assert f'"model":"{found["challenger"]}"' in ended
        assert "nothing challenges card_default" in ended
        assert server.get("/model_info").json()["model"] == found["challenger"]
    decided = [record.basis.model for record in JournalReader(folder / "journal" / NAME).decisions()]
    assert len(decided) == 1_300
    assert set(decided) == {old, found["challenger"]}
