"""
Know what processes share: storage, Slack's limits, threads, what only one of them does, and figures of all.

A program that knows version 3 goes on beside this: it fills none of the new columns.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and the tables."""
    op.add_column("executors", sa.Column("storage", sa.Text, nullable=False, server_default=""))
    op.add_column("executors", sa.Column("shown", sa.Integer, nullable=False, server_default="0"))
    op.create_table(
        "threads",
        sa.Column("team", sa.Text, primary_key=True),
        sa.Column("channel", sa.Text, primary_key=True),
        sa.Column("thread_ts", sa.Text, primary_key=True),
        sa.Column("job_id", sa.Text, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "duties",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("done_at", sa.Float, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "totals",
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("label", sa.Text, primary_key=True),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        if_not_exists=True,
    )
