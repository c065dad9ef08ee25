"""Which jobs make their owner an owner of the episode, and that somebody has said who may see one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

JOB = sa.table(
    "job",
    sa.column("number", sa.Integer),
    sa.column("owner", sa.String),
    sa.column("episode", sa.String),
    sa.column("work", sa.JSON),
    sa.column("lease", sa.Integer),
    sa.column("owning", sa.Boolean),
)
GRANT = sa.table("episode_grant", sa.column("episode", sa.String), sa.column("person", sa.String))


def upgrade() -> None:
    """Keep closed what was: an episode that only other work made somebody's is given to those people."""
    op.add_column("job", sa.Column("owning", sa.Boolean(), nullable=False, server_default=sa.false()))
    connection = op.get_bind()
    rows = connection.execute(
        sa.select(JOB.c.number, JOB.c.owner, JOB.c.episode, JOB.c.work, JOB.c.lease).order_by(JOB.c.number)
    ).all()
    makers: dict[str, str] = {}
    workers: dict[str, set[str]] = {}
    for row in rows:
        if row.lease:
            workers.setdefault(row.episode, set()).add(row.owner)
            if row.work["kind"] == "dub":
                makers.setdefault(row.episode, row.owner)
    for row in rows:
        if row.work["kind"] == "dub" and makers.get(row.episode, row.owner) == row.owner:
            connection.execute(JOB.update().where(JOB.c.number == row.number).values(owning=True))
    given = set(connection.scalars(sa.select(GRANT.c.episode).distinct()))
    kept = [
        {"episode": episode, "person": person}
        for episode, people in workers.items()
        if episode not in makers and episode not in given
        for person in people
    ]
    closed = given | {grant["episode"] for grant in kept}
    said = [{"episode": episode, "person": ""} for episode in sorted(closed)]
    if said:
        connection.execute(GRANT.insert(), kept + said)


def downgrade() -> None:
    """Forget it."""
    op.execute(GRANT.delete().where(GRANT.c.person == ""))
    op.drop_column("job", "owning")
