"""Heartbeat of the scheduler and the last outcome of each locality

Revision: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "heartbeat",
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("beat_at_us", sa.BigInteger(), nullable=False),
        sa.Column("stopped_at_us", sa.BigInteger(), nullable=True),
        sa.Column("alarm_at_us", sa.BigInteger(), nullable=True),
        sa.Column("jumped_seconds", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("service", name=op.f("pk_heartbeat")),
    )
    op.create_table(
        "night_outcome",
        sa.Column("locality_id", sa.Integer(), nullable=False),
        sa.Column("on_day", sa.Date(), nullable=False),
        sa.Column("ended_at_us", sa.BigInteger(), nullable=False),
        sa.Column("duration_ms", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.CheckConstraint("(error = '') = (failures = 0)", name=op.f("ck_night_outcome_failures")),
        sa.ForeignKeyConstraint(["locality_id"], ["locality.locality_id"], name=op.f("fk_night_outcome_locality_id")),
        sa.PrimaryKeyConstraint("locality_id", name=op.f("pk_night_outcome")),
    )
