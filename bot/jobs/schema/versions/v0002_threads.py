"""Find the jobs of a thread."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index."""
    op.create_index("jobs_by_thread", "jobs", ["team", "channel", "thread_ts"], if_not_exists=True)
