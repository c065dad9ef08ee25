"""Users, tokens, grants, ended sessions and the audit log."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "user_account",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("password", sa.Text, nullable=False),
        sa.Column("session_version", sa.Integer, nullable=False),
        sa.Column("created", sa.DateTime, nullable=False),
    )
    op.create_table(
        "api_token",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column(
            "user", sa.String(64), sa.ForeignKey("user_account.name", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("label", sa.String(80), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False, unique=True),
        sa.Column("created", sa.DateTime, nullable=False),
        sa.Column("expires", sa.DateTime),
    )
    op.create_index("ix_api_token_user", "api_token", ["user"])
    op.create_table(
        "episode_grant",
        sa.Column("episode", sa.String(255), primary_key=True),
        sa.Column("person", sa.String(64), primary_key=True),
    )
    op.create_table(
        "ended_session",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("ended", sa.DateTime, nullable=False),
    )
    op.create_index("ix_ended_session_ended", "ended_session", ["ended"])
    op.create_table(
        "audit",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("person", sa.String(64), nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("subject", sa.String(300), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
    )
    op.create_index("audit_person", "audit", ["person", "number"])


def downgrade() -> None:
    for table in ("audit", "ended_session", "episode_grant", "api_token", "user_account"):
        op.drop_table(table)
