"""The tables of both sides. Each side's database holds the ledger's tables and its own, never the other's.

In the clear: opaque ids, SHA-256 of keys and bodies, keyed digests of member ids, states, counts, instants, and codes
of payer, plan and service. Everything else, chart references and people's names included, lies in `sealed` columns.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.engine import Dialect

REVISION = "r0003_assertions"  # the newest migration; a test holds it equal to Alembic's head


class Side(StrEnum):
    PRACTICE = "practice"
    PAYER = "payer"


class Instant(TypeDecorator[datetime]):
    """An instant, aware on both ways: kept in UTC, read in UTC (SQLite itself knows no zones)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        if value.utcoffset() is None:
            raise ValueError("an instant without a zone cannot be kept")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_Serial = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts only INTEGER keys by itself


def _serial() -> Column[int]:
    return Column("serial", _Serial, primary_key=True, autoincrement=True)


def _id(name: str, **rest: Any) -> Column[str]:
    return Column(name, String(36), nullable=False, **rest)


def _id_of(table: str, name: str) -> Column[str]:
    return Column(name, String(36), ForeignKey(f"{table}.id"), nullable=False)


def _digest(name: str, **rest: Any) -> Column[str]:
    """SHA-256 in hex."""
    return Column(name, String(64), nullable=False, **rest)


def _sealed(name: str = "sealed") -> Column[bytes]:
    return Column(name, LargeBinary, nullable=False)


def _word(name: str, *, nullable: bool = False) -> Column[str]:
    return Column(name, String(255), nullable=nullable)


def _count(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False)


def _at(name: str, *, nullable: bool = False) -> Column[datetime]:
    return Column(name, Instant, nullable=nullable)


# -- both sides: the ledger ------------------------------------------------------------------------------------------

message = Table(
    "message",
    metadata,
    _serial(),
    _id("id", unique=True),
    _word("owner"),
    _digest("key"),
    _word("direction"),
    _word("kind"),
    _count("version"),
    _digest("sha256"),
    _at("at"),
    _sealed(),
    UniqueConstraint("owner", "key"),
    Index(None, "sha256"),
)

document = Table(
    "document",
    metadata,
    Column("owner", String(255), primary_key=True),
    Column("name", String(255), primary_key=True),
    _sealed(),
)

timeline = Table(
    "timeline",
    metadata,
    _serial(),
    _word("owner"),
    _digest("key"),
    _word("what"),
    _at("at"),
    _sealed(),
    UniqueConstraint("owner", "key"),
)

news = Table(  # what stirred an owner, and how much of it the owner's story has seen
    "news",
    metadata,
    Column("owner", String(255), primary_key=True),
    _count("stirred"),
    _count("seen"),
)

setting = Table("setting", metadata, Column("name", String(255), primary_key=True), _sealed())

# -- the practice ----------------------------------------------------------------------------------------------------

case = Table(
    "practice_case",
    metadata,
    Column("id", String(36), primary_key=True),
    _digest("key", unique=True),
    _word("status"),
    _word("waiting_for", nullable=True),
    _word("payer", nullable=True),
    _word("plan", nullable=True),
    _word("service"),
    _at("opened_at"),
    _at("changed_at"),
    _at("due_at", nullable=True),
    _count("version"),
    _sealed("chart"),
    _sealed("request"),
    Index(None, "status", "changed_at"),
)

evidence = Table(
    "practice_evidence",
    metadata,
    _serial(),
    _id_of("practice_case", "case_id"),
    _digest("key"),
    _at("at"),
    _sealed(),
    UniqueConstraint("case_id", "key"),
)

claim = Table(
    "practice_claim",
    metadata,
    Column("identifier", String(64), primary_key=True),
    _id_of("practice_case", "case_id"),
)

notice = Table(
    "practice_notice",
    metadata,
    _serial(),
    _digest("key", unique=True),
    _count("event_number"),
    _digest("sha256"),
    _at("at"),
    _sealed(),
)

# -- the payer -------------------------------------------------------------------------------------------------------

authorization = Table(
    "payer_authorization",
    metadata,
    Column("id", String(36), primary_key=True),
    _digest("key", unique=True),
    _word("sender"),
    _word("status"),
    _word("waiting_for", nullable=True),
    _word("plan", nullable=True),
    _word("service"),
    _at("received_at"),
    _at("changed_at"),
    _at("due_at", nullable=True),
    _count("version"),
    _count("revision"),
    _count("told"),
    Index(None, "status", "changed_at"),
)

submission = Table(
    "payer_submission",
    metadata,
    _digest("key", primary_key=True),
    _id_of("payer_authorization", "authorization_id"),
    _count("version"),
    _id("message_id"),
    _count("resent"),
    UniqueConstraint("authorization_id", "version"),
)

claim_version = Table(
    "payer_claim",
    metadata,
    _serial(),
    _digest("identifier"),
    _id_of("payer_authorization", "authorization_id"),
    _count("version"),
    UniqueConstraint("identifier", "authorization_id", "version"),
)

lookup = Table(  # whom an authorization is about: keyed digests of member ids, which are guessable
    "payer_lookup",
    metadata,
    _serial(),
    _digest("digest"),
    _id_of("payer_authorization", "authorization_id"),
    UniqueConstraint("digest", "authorization_id"),
)

word = Table(
    "payer_word",
    metadata,
    _serial(),
    _id_of("payer_authorization", "authorization_id"),
    _digest("key"),
    _count("revision"),
    _count("version"),
    _at("at"),
    _sealed(),
    UniqueConstraint("authorization_id", "key"),
    UniqueConstraint("authorization_id", "revision"),
)

subscription = Table(
    "payer_subscription",
    metadata,
    Column("id", String(36), primary_key=True),
    _digest("key", unique=True),
    _word("sender"),
    _word("status"),
    _count("events"),
    _sealed(),
)

notification = Table(
    "payer_notification",
    metadata,
    Column("id", String(36), primary_key=True),
    _id_of("payer_subscription", "subscription_id"),
    Column("authorization_id", String(36), ForeignKey("payer_authorization.id"), nullable=True),  # none: a handshake
    _digest("key"),
    _count("event_number"),
    Column("body_message", String(36), nullable=True),
    Column("delivered", Boolean, nullable=False),
    _at("delivered_at", nullable=True),
    UniqueConstraint("subscription_id", "key"),
    UniqueConstraint("subscription_id", "event_number"),
)

assertion = Table(  # client assertions that were used: each is good for one token
    "payer_assertion",
    metadata,
    _digest("key", primary_key=True),
    _at("expires_at"),
)

LEDGER = (message, document, timeline, news, setting)
TABLES = {
    Side.PRACTICE: (*LEDGER, case, evidence, claim, notice),
    Side.PAYER: (
        *LEDGER,
        authorization,
        submission,
        claim_version,
        lookup,
        word,
        subscription,
        notification,
        assertion,
    ),
}
