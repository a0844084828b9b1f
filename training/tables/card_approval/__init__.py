"""card_approval's raw tables in two forms: applications with months of credit, or applications with a label."""

from __future__ import annotations

from pathlib import Path

from training.tables import TableSet
from training.tables.card_approval import generator
from training.tables.table import ForeignKey, raw_table

FOLDER = Path(__file__).parent
SCHEMA = FOLDER / "schema"

APPLICATIONS = raw_table(SCHEMA / "application_record.csv")
# 25.8 % of the published months are of clients without an application.
MONTHS = raw_table(
    SCHEMA / "credit_record.csv", ["ID", "MONTHS_BALANCE"], [ForeignKey("ID", "application_record", 0.3)]
)
LABELLED = raw_table(SCHEMA / "application_record_with_default.csv", ["ID"])

TABLES = (
    TableSet("card_approval", "ID", (APPLICATIONS, MONTHS), generator.generate, FOLDER / "records"),
    TableSet("card_approval", "ID", (LABELLED,), generator.generate_labelled, FOLDER / "labelled"),
)
