"""The tables of a journal's copy in PostgreSQL."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

SCHEMA = "journal"
"""A schema of its own, so that the copy can share a database with other tables."""

metadata = MetaData(
    schema=SCHEMA,
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    },
)

journals = Table(
    "journals",
    metadata,
    Column("journal", Uuid(as_uuid=False), primary_key=True),
    # The last records copied, and their proofs: what comes next must be sealed after them.
    Column("decisions", BigInteger, nullable=False),
    Column("decision_proof", LargeBinary, nullable=False),
    Column("challenges", BigInteger, nullable=False),
    Column("challenge_proof", LargeBinary, nullable=False),
)
"""Where the copying of each journal stands; locked by whoever copies it."""

bases = Table(
    "bases",
    metadata,
    Column("sha256", LargeBinary, primary_key=True),
    Column("scorecard", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("variant", Text, nullable=False),
    Column("policy", Text, nullable=False),
    Column("cutoff", Double, nullable=False),
    Column("content", JSONB, nullable=False, comment="the whole basis"),
)
"""The bases of decisions, as `scoring.decision.Basis`."""

decisions = Table(
    "decisions",
    metadata,
    Column("decision_id", Uuid(as_uuid=False), primary_key=True),
    Column("journal", Uuid(as_uuid=False), ForeignKey(journals.c.journal), nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("decided_at", DateTime(timezone=True), nullable=False, index=True),
    Column("request_id", Text, nullable=False),
    Column("basis", LargeBinary, ForeignKey(bases.c.sha256), nullable=False),
    Column("pd", Double, nullable=False, comment="exactly the float32 that the graph gave"),
    Column("declined", Boolean, nullable=False),
    Column("points", Integer, nullable=False),
    Column("band", Text, nullable=False),
    Column("thin", Boolean),
    Column("reasons", ARRAY(Text), nullable=False, comment="codes, the first weighs most"),
    Column("contributions", LargeBinary, comment="little-endian float32, in the order of the basis's groups"),
    Column("applicant", Text),
    Column("application", JSONB(none_as_null=True), comment="NULL once erased, as are applicant, inputs and salt"),
    Column("inputs", LargeBinary, comment="little-endian float32: what the graph read"),
    Column("salt", LargeBinary),
    Column("payload_sha256", LargeBinary, nullable=False),
    Column("proof", LargeBinary, nullable=False),
    UniqueConstraint("journal", "sequence"),
)
Index(None, decisions.c.applicant, postgresql_where=decisions.c.applicant.is_not(None))

challenges = Table(
    "challenges",
    metadata,
    Column("journal", Uuid(as_uuid=False), ForeignKey(journals.c.journal), primary_key=True),
    Column("sequence", BigInteger, primary_key=True),
    Column("decision_id", Uuid(as_uuid=False), nullable=False, index=True),
    Column("scored_at", DateTime(timezone=True), nullable=False),
    Column("basis", LargeBinary, ForeignKey(bases.c.sha256), nullable=False),
    Column("pd", Double, nullable=False),
    Column("declined", Boolean, nullable=False),
    Column("inputs", LargeBinary),
    Column("salt", LargeBinary),
    Column("payload_sha256", LargeBinary, nullable=False),
    Column("proof", LargeBinary, nullable=False),
    # The proof is of the sequence too, so no two records share one: the same record comes in once only.
    UniqueConstraint("proof"),
)

erasures = Table(
    "erasures",
    metadata,
    Column("decision_id", Uuid(as_uuid=False), primary_key=True),
    Column("journal", Uuid(as_uuid=False), ForeignKey(journals.c.journal), nullable=False),
    Column("erased_at", DateTime(timezone=True), nullable=False),
)
