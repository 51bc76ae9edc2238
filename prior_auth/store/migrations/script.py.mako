"""${message}"""

import sqlalchemy as sa
from alembic import context, op

from prior_auth.store.tables import Side

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    if context.config.attributes["side"] is Side.PRACTICE:
        ...
