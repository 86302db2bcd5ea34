"""What gateways tell of themselves, and what is open of their spools."""

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To come."""
