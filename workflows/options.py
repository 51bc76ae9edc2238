"""The names of queues, ids and deadlines, and how each kind of activity is timed and retried."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TypedDict

from temporalio.common import RetryPolicy

PRACTICE_QUEUE = "practice"
PAYER_QUEUE = "payer"

# Raised as ApplicationError types by activities: retrying cannot help, a person must look.
BAD_INPUT = "BadInput"
RULE_ERROR = "RuleError"
REFUSED = "FatalTransportError"
CONFLICT = "Conflict"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long each side waits before a person is asked (settings)."""

    evidence: timedelta
    silence: timedelta
    renewal: timedelta = timedelta(days=30)  # before the end of what was granted


class Options(TypedDict, total=False):
    start_to_close_timeout: timedelta
    schedule_to_close_timeout: timedelta
    retry_policy: RetryPolicy


# Our own store and rules: quick, and for ever, because a defect there is mended and the case must go on.
OURS = Options(
    start_to_close_timeout=timedelta(seconds=60),
    retry_policy=RetryPolicy(
        initial_interval=timedelta(seconds=1), backoff_coefficient=2, maximum_interval=timedelta(minutes=1)
    ),
)

# One call to a payer: as long as it takes, with growing pauses; what a payer refuses is not sent again (pas.md 1.3).
CALL_PAYER = Options(
    start_to_close_timeout=timedelta(seconds=60),
    retry_policy=RetryPolicy(
        initial_interval=timedelta(seconds=2),
        backoff_coefficient=2,
        maximum_interval=timedelta(minutes=15),
        non_retryable_error_types=[REFUSED, BAD_INPUT],
    ),
)

# A question over a gap: nothing waits for its answer, so it does not hold the story up for long.
INQUIRE = Options(
    start_to_close_timeout=timedelta(seconds=60),
    schedule_to_close_timeout=timedelta(minutes=15),
    retry_policy=RetryPolicy(
        initial_interval=timedelta(seconds=2),
        backoff_coefficient=2,
        maximum_interval=timedelta(minutes=5),
        non_retryable_error_types=[REFUSED, BAD_INPUT],
    ),
)

# A notification is carried for days (crd_dtr.md 4); after that the subscription is in error and a person is told.
DELIVER = Options(
    start_to_close_timeout=timedelta(seconds=30),
    schedule_to_close_timeout=timedelta(days=5),
    retry_policy=RetryPolicy(
        initial_interval=timedelta(seconds=1), backoff_coefficient=2, maximum_interval=timedelta(hours=1)
    ),
)


def authorization_id(case_id: str) -> str:
    return f"authorization-{case_id}"


def review_id(authorization: str) -> str:
    return f"review-{authorization}"


def renewal_id(case_id: str) -> str:
    return f"renewal-{case_id}"


def delivery_id(notification: str) -> str:
    return f"delivery-{notification}"
