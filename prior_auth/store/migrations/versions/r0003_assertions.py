"""The payer remembers which client assertions were used, until they are over."""

import sqlalchemy as sa
from alembic import context, op

from prior_auth.store.tables import Instant, Side

revision = "r0003_assertions"
down_revision = "r0002_inquiry"


def upgrade() -> None:
    if context.config.attributes["side"] is not Side.PAYER:
        return
    op.create_table(
        "payer_assertion",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_payer_assertion")),
    )
