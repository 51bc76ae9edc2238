"""The payer finds authorizations by member: keyed digests beside the sealed requests."""

import sqlalchemy as sa
from alembic import context, op

from prior_auth.store.tables import Side

revision = "r0002_inquiry"
down_revision = "r0001_store"


def upgrade() -> None:
    if context.config.attributes["side"] is not Side.PAYER:
        return
    op.create_table(
        "payer_lookup",
        sa.Column("serial", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("authorization_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(
            ["authorization_id"], ["payer_authorization.id"], name=op.f("fk_payer_lookup_authorization_id")
        ),
        sa.PrimaryKeyConstraint("serial", name=op.f("pk_payer_lookup")),
        sa.UniqueConstraint("digest", "authorization_id", name=op.f("uq_payer_lookup_digest_authorization_id")),
    )
