"""The first schema: the ledger, the practice's tables, the payer's tables; each side gets its own."""

import sqlalchemy as sa
from alembic import context, op

from prior_auth.store.tables import Instant, Side

revision = "r0001_store"
down_revision = None


def upgrade() -> None:
    _ledger()
    if context.config.attributes["side"] is Side.PRACTICE:
        _practice()
    else:
        _payer()


def _ledger() -> None:
    op.create_table(
        "message",
        sa.Column("serial", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("owner", sa.String(length=255), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("direction", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=255), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("serial", name=op.f("pk_message")),
        sa.UniqueConstraint("id", name=op.f("uq_message_id")),
        sa.UniqueConstraint("owner", "key", name=op.f("uq_message_owner_key")),
    )
    op.create_index(op.f("ix_message_sha256"), "message", ["sha256"], unique=False)
    op.create_table(
        "document",
        sa.Column("owner", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "name", name=op.f("pk_document")),
    )
    op.create_table(
        "timeline",
        sa.Column("serial", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("owner", sa.String(length=255), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("what", sa.String(length=255), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("serial", name=op.f("pk_timeline")),
        sa.UniqueConstraint("owner", "key", name=op.f("uq_timeline_owner_key")),
    )
    op.create_table(
        "news",
        sa.Column("owner", sa.String(length=255), nullable=False),
        sa.Column("stirred", sa.Integer(), nullable=False),
        sa.Column("seen", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("owner", name=op.f("pk_news")),
    )
    op.create_table(
        "setting",
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_setting")),
    )


def _practice() -> None:
    op.create_table(
        "practice_case",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=255), nullable=False),
        sa.Column("waiting_for", sa.String(length=255), nullable=True),
        sa.Column("payer", sa.String(length=255), nullable=True),
        sa.Column("plan", sa.String(length=255), nullable=True),
        sa.Column("service", sa.String(length=255), nullable=False),
        sa.Column("opened_at", Instant(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.Column("due_at", Instant(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("chart", sa.LargeBinary(), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_practice_case")),
        sa.UniqueConstraint("key", name=op.f("uq_practice_case_key")),
    )
    op.create_index(op.f("ix_practice_case_status_changed_at"), "practice_case", ["status", "changed_at"], unique=False)
    op.create_table(
        "practice_evidence",
        sa.Column("serial", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["practice_case.id"], name=op.f("fk_practice_evidence_case_id")),
        sa.PrimaryKeyConstraint("serial", name=op.f("pk_practice_evidence")),
        sa.UniqueConstraint("case_id", "key", name=op.f("uq_practice_evidence_case_id_key")),
    )
    op.create_table(
        "practice_claim",
        sa.Column("identifier", sa.String(length=64), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["practice_case.id"], name=op.f("fk_practice_claim_case_id")),
        sa.PrimaryKeyConstraint("identifier", name=op.f("pk_practice_claim")),
    )
    op.create_table(
        "practice_notice",
        sa.Column("serial", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("event_number", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("serial", name=op.f("pk_practice_notice")),
        sa.UniqueConstraint("key", name=op.f("uq_practice_notice_key")),
    )


def _payer() -> None:
    op.create_table(
        "payer_authorization",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("sender", sa.String(length=255), nullable=False),
        sa.Column("status", sa.String(length=255), nullable=False),
        sa.Column("waiting_for", sa.String(length=255), nullable=True),
        sa.Column("plan", sa.String(length=255), nullable=True),
        sa.Column("service", sa.String(length=255), nullable=False),
        sa.Column("received_at", Instant(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.Column("due_at", Instant(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("told", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payer_authorization")),
        sa.UniqueConstraint("key", name=op.f("uq_payer_authorization_key")),
    )
    op.create_index(
        op.f("ix_payer_authorization_status_changed_at"), "payer_authorization", ["status", "changed_at"], unique=False
    )
    op.create_table(
        "payer_submission",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("authorization_id", sa.String(length=36), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.String(length=36), nullable=False),
        sa.Column("resent", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["authorization_id"], ["payer_authorization.id"], name=op.f("fk_payer_submission_authorization_id")
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_payer_submission")),
        sa.UniqueConstraint("authorization_id", "version", name=op.f("uq_payer_submission_authorization_id_version")),
    )
    op.create_table(
        "payer_claim",
        sa.Column("serial", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("identifier", sa.String(length=64), nullable=False),
        sa.Column("authorization_id", sa.String(length=36), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["authorization_id"], ["payer_authorization.id"], name=op.f("fk_payer_claim_authorization_id")
        ),
        sa.PrimaryKeyConstraint("serial", name=op.f("pk_payer_claim")),
        sa.UniqueConstraint(
            "identifier", "authorization_id", "version", name=op.f("uq_payer_claim_identifier_authorization_id_version")
        ),
    )
    op.create_table(
        "payer_word",
        sa.Column("serial", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("authorization_id", sa.String(length=36), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["authorization_id"], ["payer_authorization.id"], name=op.f("fk_payer_word_authorization_id")
        ),
        sa.PrimaryKeyConstraint("serial", name=op.f("pk_payer_word")),
        sa.UniqueConstraint("authorization_id", "key", name=op.f("uq_payer_word_authorization_id_key")),
        sa.UniqueConstraint("authorization_id", "revision", name=op.f("uq_payer_word_authorization_id_revision")),
    )
    op.create_table(
        "payer_subscription",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("sender", sa.String(length=255), nullable=False),
        sa.Column("status", sa.String(length=255), nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payer_subscription")),
        sa.UniqueConstraint("key", name=op.f("uq_payer_subscription_key")),
    )
    op.create_table(
        "payer_notification",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("subscription_id", sa.String(length=36), nullable=False),
        sa.Column("authorization_id", sa.String(length=36), nullable=True),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("event_number", sa.Integer(), nullable=False),
        sa.Column("body_message", sa.String(length=36), nullable=True),
        sa.Column("delivered", sa.Boolean(), nullable=False),
        sa.Column("delivered_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(
            ["authorization_id"], ["payer_authorization.id"], name=op.f("fk_payer_notification_authorization_id")
        ),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["payer_subscription.id"], name=op.f("fk_payer_notification_subscription_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payer_notification")),
        sa.UniqueConstraint(
            "subscription_id", "event_number", name=op.f("uq_payer_notification_subscription_id_event_number")
        ),
        sa.UniqueConstraint("subscription_id", "key", name=op.f("uq_payer_notification_subscription_id_key")),
    )
