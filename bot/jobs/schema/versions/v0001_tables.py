"""
Make the tables of the first version.

What is there already stays: databases from before there were versions have these tables, or all but the latest of them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make what is missing."""
    op.create_table(
        "jobs",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        sa.Column("team", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("asker", sa.Text, nullable=False),
        sa.Column("thread_ts", sa.Text, nullable=False),
        sa.Column("request", sa.JSON, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("facts", sa.JSON, nullable=False),
        sa.Column("error", sa.JSON),
        sa.Column("tracks_key", sa.Text),
        sa.Column("result_key", sa.Text),
        sa.Column("cancelled_by", sa.Text, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("updated_at", sa.Float, nullable=False),
        if_not_exists=True,
    )
    op.create_index("jobs_by_state", "jobs", ["state"], if_not_exists=True)
    op.create_index("jobs_by_asker", "jobs", ["team", "asker", "number"], if_not_exists=True)
    op.create_index("jobs_by_tracks", "jobs", ["tracks_key"], if_not_exists=True)
    op.create_index("jobs_by_result", "jobs", ["result_key"], if_not_exists=True)
    op.create_table(
        "inbox",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("payload", sa.JSON, nullable=False),
        sa.Column("received_at", sa.Float, nullable=False),
        sa.Column("handled_at", sa.Float),
        if_not_exists=True,
    )
    op.create_table(
        "posts",
        sa.Column("job_id", sa.Text, primary_key=True),
        sa.Column("part", sa.Text, primary_key=True),
        sa.Column("file_ids", sa.JSON, nullable=False),
        sa.Column("ts", sa.Text, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "own_files",
        sa.Column("file_id", sa.Text, primary_key=True),
        sa.Column("job_id", sa.Text),
        if_not_exists=True,
    )
    op.create_table(
        "own_objects",
        sa.Column("uri", sa.Text, primary_key=True),
        sa.Column("job_id", sa.Text),
        if_not_exists=True,
    )
    op.create_table(
        "watches",
        sa.Column("team", sa.Text, primary_key=True),
        sa.Column("channel", sa.Text, primary_key=True),
        sa.Column("bucket", sa.Text, primary_key=True),
        sa.Column("prefix", sa.Text, primary_key=True),
        sa.Column("asker", sa.Text, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "attempts",
        sa.Column("work_id", sa.Text, primary_key=True),
        sa.Column("step", sa.Text, primary_key=True),
        sa.Column("begun", sa.Integer, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "channels",
        sa.Column("team", sa.Text, primary_key=True),
        sa.Column("channel", sa.Text, primary_key=True),
        sa.Column("auto", sa.Boolean, nullable=False),
        if_not_exists=True,
    )
