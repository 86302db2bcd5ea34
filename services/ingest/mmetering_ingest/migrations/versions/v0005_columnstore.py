"""Chunks, columnstore and retention, where TimescaleDB has them."""

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To come."""
