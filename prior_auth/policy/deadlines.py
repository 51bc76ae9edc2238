"""Reads `rules/deadlines/*.yaml`: how long a payer has to answer, by the law of its line of business."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from prior_auth.domain.deadline import DeadlineRow
from prior_auth.domain.request import Urgency
from prior_auth.policy.files import read_shape


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    line: Literal["commercial", "medicare-advantage", "medicaid"]
    what: Literal["drug", "service", "any"]
    urgency: Urgency
    hours: Annotated[int, Field(gt=0)] | None = None
    days: Annotated[int, Field(gt=0)] | None = None
    start: date = Field(alias="from")
    end: date | None = Field(None, alias="until")
    reference: Annotated[str, Field(min_length=1)]
    verified: bool

    @model_validator(mode="after")
    def one_measure(self) -> _Row:
        if (self.hours is None) == (self.days is None):
            raise ValueError("a row has either hours or days")
        return self


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    rows: list[_Row]


def read_deadlines(text: str, *, file: str) -> tuple[DeadlineRow, ...]:
    """The rows of one file. RuleError with `file:line`."""
    content, _ = read_shape(_File, text, file)
    return tuple(
        DeadlineRow(
            line=row.line,
            what=row.what,
            urgency=row.urgency,
            hours=row.hours,
            days=row.days,
            start=row.start,
            end=row.end,
            reference=row.reference,
            verified=row.verified,
        )
        for row in content.rows
    )
