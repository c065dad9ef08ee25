"""Jobs, their events, and the slots they hold."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of the jobs."""
    op.create_table(
        "job",
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(12), nullable=False, unique=True),
        sa.Column("owner", sa.String(200), nullable=False),
        sa.Column("key", sa.String(200), nullable=True),
        sa.Column("episode", sa.String(255), nullable=False),
        sa.Column("work", sa.JSON(), nullable=False),
        sa.Column("needs_generator", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.Column("updated", sa.DateTime(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("lease", sa.Integer(), nullable=False),
        sa.Column("worker", sa.String(200), nullable=False),
        sa.Column("lease_until", sa.DateTime(), nullable=True),
        sa.Column("cancelling", sa.Boolean(), nullable=False),
        sa.Column("progress", sa.JSON(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("degraded", sa.JSON(), nullable=False),
        sa.Column("result", sa.JSON(), nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.UniqueConstraint("owner", "key", name="uq_job_owner_key"),
    )
    op.create_index("ix_job_state_number", "job", ["state", "number"])
    op.create_index("ix_job_episode", "job", ["episode"])
    op.create_table(
        "job_event",
        sa.Column("job", sa.String(12), sa.ForeignKey("job.id"), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
    )
    op.create_table(
        "slot",
        sa.Column("name", sa.String(300), primary_key=True),
        sa.Column("job", sa.String(12), sa.ForeignKey("job.id"), nullable=False),
    )


def downgrade() -> None:
    """Drop the tables of the jobs."""
    op.drop_table("slot")
    op.drop_table("job_event")
    op.drop_table("job")
