"""Whose the files of the input folder are, the trash, and what a fair queue of jobs needs to know."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables and columns; jobs of before are of no batch, and of the usual priority."""
    op.create_table(
        "input_reader",
        sa.Column("input", sa.String(1000), primary_key=True),
        sa.Column("person", sa.String(200), primary_key=True),
        sa.Column("owner", sa.Boolean, nullable=False),
    )
    op.create_table(
        "trash",
        sa.Column("id", sa.String(12), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("name", sa.String(1000), nullable=False),
        sa.Column("person", sa.String(200), nullable=False),
        sa.Column("owners", sa.JSON, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("detail", sa.JSON, nullable=False),
    )
    op.add_column("job", sa.Column("batch", sa.String(12), nullable=False, server_default=""))
    op.add_column("job", sa.Column("priority", sa.Integer, nullable=False, server_default="0"))
    op.add_column("job", sa.Column("short", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("job", sa.Column("begun", sa.DateTime, nullable=True))
    op.add_column("job", sa.Column("trashed", sa.String(12), nullable=False, server_default=""))
    op.create_index("ix_job_begun", "job", ["begun"])


def downgrade() -> None:
    """Drop them. What is in the trash stays in its folders."""
    op.drop_index("ix_job_begun", "job")
    for column in ("trashed", "begun", "short", "priority", "batch"):
        op.drop_column("job", column)
    op.drop_table("trash")
    op.drop_table("input_reader")
