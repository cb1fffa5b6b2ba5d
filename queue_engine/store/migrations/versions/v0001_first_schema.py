"""The first schema

Revision: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "calendar_correction",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.CheckConstraint("kind in ('working', 'day_off')", name=op.f("ck_calendar_correction_kind")),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_calendar_correction")),
    )
    op.create_table(
        "change",
        sa.Column("change_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("on_day", sa.Date(), nullable=True),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("change_id", name=op.f("pk_change")),
    )
    op.create_table(
        "locality",
        sa.Column("locality_id", sa.Integer(), nullable=False),
        sa.Column("locality", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("first_run_on", sa.Date(), nullable=True),
        sa.Column("last_run_on", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("locality_id", name=op.f("pk_locality")),
        sa.UniqueConstraint("locality", name=op.f("uq_locality_locality")),
    )
    op.create_table(
        "profile",
        sa.Column("profile_id", sa.Integer(), nullable=False),
        sa.Column("languages", sa.Text(), nullable=False),
        sa.Column("group_type", sa.Text(), nullable=False),
        sa.Column("regimes", sa.Text(), nullable=False),
        sa.Column("accepts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("profile_id", name=op.f("pk_profile")),
        sa.UniqueConstraint(
            "languages",
            "group_type",
            "regimes",
            "accepts",
            name=op.f("uq_profile_languages_group_type_regimes_accepts"),
        ),
    )
    op.create_table(
        "rule_override",
        sa.Column("override_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("locality", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("override_id", name=op.f("pk_rule_override")),
        sa.UniqueConstraint("name", "from_day", "locality", name=op.f("uq_rule_override_name_from_day_locality")),
    )
    op.create_table(
        "settings",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_settings")),
    )
    op.create_table(
        "application",
        sa.Column(
            "application_row",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("application_id", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("locality_id", sa.Integer(), nullable=False),
        sa.Column("birth_year", sa.SmallInteger(), nullable=False),
        sa.Column("class_rank", sa.SmallInteger(), nullable=False),
        sa.Column("filed_at_us", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("birth_date", sa.Date(), nullable=False),
        sa.Column("profile_id", sa.Integer(), nullable=False),
        sa.Column("wishes", sa.LargeBinary(), nullable=False),
        sa.Column("benefit", sa.Text(), nullable=False),
        sa.Column("benefit_confirmed_on", sa.Date(), nullable=True),
        sa.Column("temporary_until", sa.Date(), nullable=True),
        sa.Column("child_iin", sa.Text(), nullable=False),
        sa.Column("phones", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("notice_language", sa.Text(), nullable=False),
        sa.Column("archived_on", sa.Date(), nullable=True),
        sa.Column("archive_reason", sa.Text(), nullable=True),
        sa.Column("registered_change", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("source_line", sa.Integer(), nullable=False),
        sa.CheckConstraint("state in ('queued', 'holding', 'stopped', 'archived')", name=op.f("ck_application_state")),
        sa.CheckConstraint("class_rank between 0 and 2", name=op.f("ck_application_class_rank")),
        sa.ForeignKeyConstraint(["locality_id"], ["locality.locality_id"], name=op.f("fk_application_locality_id")),
        sa.ForeignKeyConstraint(["profile_id"], ["profile.profile_id"], name=op.f("fk_application_profile_id")),
        sa.ForeignKeyConstraint(
            ["registered_change"], ["change.change_id"], name=op.f("fk_application_registered_change")
        ),
        sa.PrimaryKeyConstraint("application_row", name=op.f("pk_application")),
        sa.UniqueConstraint("application_id", name=op.f("uq_application_application_id")),
    )
    with op.batch_alter_table("application", schema=None) as batch_op:
        batch_op.create_index("ix_application_queue", ["locality_id", "birth_year", "state"], unique=False)
        batch_op.create_index(
            "ix_application_stay",
            ["locality_id"],
            unique=False,
            sqlite_where=sa.text("temporary_until IS NOT NULL"),
            postgresql_where=sa.text("temporary_until IS NOT NULL"),
        )
        batch_op.create_index(
            "uq_application_live_child",
            ["child_iin"],
            unique=True,
            sqlite_where=sa.text("state != 'archived'"),
            postgresql_where=sa.text("state != 'archived'"),
        )

    op.create_table(
        "organization",
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("locality_id", sa.Integer(), nullable=False),
        sa.Column("organization", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.ForeignKeyConstraint(["locality_id"], ["locality.locality_id"], name=op.f("fk_organization_locality_id")),
        sa.PrimaryKeyConstraint("organization_id", name=op.f("pk_organization")),
        sa.UniqueConstraint("locality_id", "organization", name=op.f("uq_organization_locality_id_organization")),
    )
    op.create_table(
        "queue_turn",
        sa.Column("locality_id", sa.Integer(), nullable=False),
        sa.Column("birth_year", sa.SmallInteger(), nullable=False),
        sa.Column("first_priority_turns", sa.SmallInteger(), nullable=False),
        sa.Column("general_turns", sa.SmallInteger(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(["locality_id"], ["locality.locality_id"], name=op.f("fk_queue_turn_locality_id")),
        sa.PrimaryKeyConstraint("locality_id", "birth_year", name=op.f("pk_queue_turn")),
    )
    op.create_table(
        "run",
        sa.Column("run_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("locality_id", sa.Integer(), nullable=False),
        sa.Column("on_day", sa.Date(), nullable=False),
        sa.Column("change_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("calendar", sa.Text(), nullable=False),
        sa.Column("suspended", sa.Boolean(), nullable=False),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.Column("report", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["change_id"], ["change.change_id"], name=op.f("fk_run_change_id")),
        sa.ForeignKeyConstraint(["locality_id"], ["locality.locality_id"], name=op.f("fk_run_locality_id")),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_run")),
        sa.UniqueConstraint("locality_id", "on_day", name=op.f("uq_run_locality_id_on_day")),
    )
    op.create_table(
        "application_version",
        sa.Column("version_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("application_row", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("until_change", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("birth_year", sa.SmallInteger(), nullable=False),
        sa.Column("birth_date", sa.Date(), nullable=False),
        sa.Column("class_rank", sa.SmallInteger(), nullable=False),
        sa.Column("profile_id", sa.Integer(), nullable=False),
        sa.Column("wishes", sa.LargeBinary(), nullable=False),
        sa.Column("benefit", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_row"], ["application.application_row"], name=op.f("fk_application_version_application_row")
        ),
        sa.ForeignKeyConstraint(["profile_id"], ["profile.profile_id"], name=op.f("fk_application_version_profile_id")),
        sa.ForeignKeyConstraint(
            ["until_change"], ["change.change_id"], name=op.f("fk_application_version_until_change")
        ),
        sa.PrimaryKeyConstraint("version_id", name=op.f("pk_application_version")),
    )
    with op.batch_alter_table("application_version", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_application_version_application_row"), ["application_row"], unique=False)

    op.create_table(
        "movement",
        sa.Column("movement_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("change_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("application_row", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("locality_id", sa.Integer(), nullable=False),
        sa.Column("birth_year", sa.SmallInteger(), nullable=False),
        sa.Column("class_rank", sa.SmallInteger(), nullable=False),
        sa.Column("filed_at_us", sa.BigInteger(), nullable=False),
        sa.Column("step", sa.SmallInteger(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("on_day", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint("step in (-1, 0, 1)", name=op.f("ck_movement_step")),
        sa.ForeignKeyConstraint(
            ["application_row"], ["application.application_row"], name=op.f("fk_movement_application_row")
        ),
        sa.ForeignKeyConstraint(["change_id"], ["change.change_id"], name=op.f("fk_movement_change_id")),
        sa.ForeignKeyConstraint(["locality_id"], ["locality.locality_id"], name=op.f("fk_movement_locality_id")),
        sa.PrimaryKeyConstraint("movement_id", name=op.f("pk_movement")),
    )
    with op.batch_alter_table("movement", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_movement_application_row"), ["application_row"], unique=False)
        batch_op.create_index("ix_movement_queue", ["locality_id", "birth_year", "change_id"], unique=False)

    op.create_table(
        "run_queue",
        sa.Column("run_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("birth_year", sa.SmallInteger(), nullable=False),
        sa.Column("first_priority_turns", sa.SmallInteger(), nullable=False),
        sa.Column("general_turns", sa.SmallInteger(), nullable=False),
        sa.Column("position_before", sa.SmallInteger(), nullable=False),
        sa.Column("position_after", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.run_id"], name=op.f("fk_run_queue_run_id")),
        sa.PrimaryKeyConstraint("run_id", "birth_year", name=op.f("pk_run_queue")),
    )
    op.create_table(
        "stop_list",
        sa.Column("entry_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("application_row", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("locality_id", sa.Integer(), nullable=False),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("back_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["application_row"], ["application.application_row"], name=op.f("fk_stop_list_application_row")
        ),
        sa.ForeignKeyConstraint(["locality_id"], ["locality.locality_id"], name=op.f("fk_stop_list_locality_id")),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_stop_list")),
    )
    with op.batch_alter_table("stop_list", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_stop_list_application_row"), ["application_row"], unique=False)
        batch_op.create_index(
            "uq_stop_list_open",
            ["application_row"],
            unique=True,
            sqlite_where=sa.text("ended_on IS NULL"),
            postgresql_where=sa.text("ended_on IS NULL"),
        )

    op.create_table(
        "vacancy",
        sa.Column(
            "vacancy_row",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("vacancy_id", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("locality_id", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("published_at_us", sa.BigInteger(), nullable=False),
        sa.Column("age_group", sa.Text(), nullable=False),
        sa.Column("birth_year", sa.SmallInteger(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("group_type", sa.Text(), nullable=False),
        sa.Column("regime", sa.Text(), nullable=False),
        sa.Column("admission", sa.Text(), nullable=False),
        sa.Column("start_date", sa.Date(), nullable=False),
        sa.Column("vacated_on", sa.Date(), nullable=True),
        sa.Column("attend_until", sa.Date(), nullable=True),
        sa.Column("places", sa.Integer(), nullable=False),
        sa.Column("withdrawn", sa.Integer(), server_default="0", nullable=False),
        sa.Column("held", sa.Integer(), server_default="0", nullable=False),
        sa.Column("used", sa.Integer(), server_default="0", nullable=False),
        sa.Column("registered_change", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint("places > 0", name=op.f("ck_vacancy_places")),
        sa.CheckConstraint("withdrawn + held + used <= places", name=op.f("ck_vacancy_scarcity")),
        sa.CheckConstraint("withdrawn >= 0 and held >= 0 and used >= 0", name=op.f("ck_vacancy_counts")),
        sa.ForeignKeyConstraint(["locality_id"], ["locality.locality_id"], name=op.f("fk_vacancy_locality_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.organization_id"], name=op.f("fk_vacancy_organization_id")
        ),
        sa.ForeignKeyConstraint(["registered_change"], ["change.change_id"], name=op.f("fk_vacancy_registered_change")),
        sa.PrimaryKeyConstraint("vacancy_row", name=op.f("pk_vacancy")),
        sa.UniqueConstraint("vacancy_id", name=op.f("uq_vacancy_vacancy_id")),
    )
    with op.batch_alter_table("vacancy", schema=None) as batch_op:
        batch_op.create_index(
            "ix_vacancy_free",
            ["locality_id"],
            unique=False,
            sqlite_where=sa.text("withdrawn + held + used < places"),
            postgresql_where=sa.text("withdrawn + held + used < places"),
        )

    op.create_table(
        "waiting_act",
        sa.Column("act_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("application_row", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("locality_id", sa.Integer(), nullable=False),
        sa.Column("on_day", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_row"], ["application.application_row"], name=op.f("fk_waiting_act_application_row")
        ),
        sa.ForeignKeyConstraint(["locality_id"], ["locality.locality_id"], name=op.f("fk_waiting_act_locality_id")),
        sa.PrimaryKeyConstraint("act_id", name=op.f("pk_waiting_act")),
    )
    op.create_table(
        "run_place",
        sa.Column("run_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("vacancy_row", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("free", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.run_id"], name=op.f("fk_run_place_run_id")),
        sa.ForeignKeyConstraint(["vacancy_row"], ["vacancy.vacancy_row"], name=op.f("fk_run_place_vacancy_row")),
        sa.PrimaryKeyConstraint("run_id", "vacancy_row", name=op.f("pk_run_place")),
    )
    op.create_table(
        "voucher",
        sa.Column("voucher_row", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("voucher_id", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("application_row", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("vacancy_row", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("locality_id", sa.Integer(), nullable=False),
        sa.Column("birth_year", sa.SmallInteger(), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("class_rank", sa.SmallInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("calendar", sa.Text(), nullable=False),
        sa.Column("term_days", sa.SmallInteger(), nullable=True),
        sa.Column("term_from", sa.Date(), nullable=True),
        sa.Column("extended_on", sa.Date(), nullable=True),
        sa.Column("confirm_by", sa.Date(), nullable=True),
        sa.Column("confirmed_on", sa.Date(), nullable=True),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(
            "status in ('issued', 'admitted', 'declined', 'refused', 'expired', 'cancelled')",
            name=op.f("ck_voucher_status"),
        ),
        sa.ForeignKeyConstraint(
            ["application_row"], ["application.application_row"], name=op.f("fk_voucher_application_row")
        ),
        sa.ForeignKeyConstraint(["locality_id"], ["locality.locality_id"], name=op.f("fk_voucher_locality_id")),
        sa.ForeignKeyConstraint(["vacancy_row"], ["vacancy.vacancy_row"], name=op.f("fk_voucher_vacancy_row")),
        sa.PrimaryKeyConstraint("voucher_row", name=op.f("pk_voucher")),
        sa.UniqueConstraint("voucher_id", name=op.f("uq_voucher_voucher_id")),
    )
    with op.batch_alter_table("voucher", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_voucher_application_row"), ["application_row"], unique=False)
        batch_op.create_index("ix_voucher_closed", ["locality_id", "closed_on"], unique=False)
        batch_op.create_index(
            "ix_voucher_term",
            ["locality_id", "expires_on"],
            unique=False,
            sqlite_where=sa.text("status = 'issued'"),
            postgresql_where=sa.text("status = 'issued'"),
        )
        batch_op.create_index(batch_op.f("ix_voucher_vacancy_row"), ["vacancy_row"], unique=False)
        batch_op.create_index(
            "uq_voucher_live",
            ["application_row"],
            unique=True,
            sqlite_where=sa.text("status = 'issued'"),
            postgresql_where=sa.text("status = 'issued'"),
        )

    op.create_table(
        "withdrawal",
        sa.Column("withdrawal_id", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("vacancy_row", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("locality_id", sa.Integer(), nullable=False),
        sa.Column("withdrawn_at_us", sa.BigInteger(), nullable=False),
        sa.Column("places", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("change_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint("state in ('waiting', 'taken', 'refused')", name=op.f("ck_withdrawal_state")),
        sa.CheckConstraint("places > 0", name=op.f("ck_withdrawal_places")),
        sa.ForeignKeyConstraint(["change_id"], ["change.change_id"], name=op.f("fk_withdrawal_change_id")),
        sa.ForeignKeyConstraint(["locality_id"], ["locality.locality_id"], name=op.f("fk_withdrawal_locality_id")),
        sa.ForeignKeyConstraint(["vacancy_row"], ["vacancy.vacancy_row"], name=op.f("fk_withdrawal_vacancy_row")),
        sa.PrimaryKeyConstraint("withdrawal_id", name=op.f("pk_withdrawal")),
    )
    with op.batch_alter_table("withdrawal", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_withdrawal_vacancy_row"), ["vacancy_row"], unique=False)

    op.create_table(
        "bulletin_entry",
        sa.Column("entry_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("locality_id", sa.Integer(), nullable=False),
        sa.Column("on_day", sa.Date(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("vacancy_row", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("places", sa.Integer(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("withdrawal_id", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=True),
        sa.CheckConstraint("kind in ('vacated', 'returned', 'withdrawn')", name=op.f("ck_bulletin_entry_kind")),
        sa.ForeignKeyConstraint(["locality_id"], ["locality.locality_id"], name=op.f("fk_bulletin_entry_locality_id")),
        sa.ForeignKeyConstraint(["vacancy_row"], ["vacancy.vacancy_row"], name=op.f("fk_bulletin_entry_vacancy_row")),
        sa.ForeignKeyConstraint(
            ["withdrawal_id"], ["withdrawal.withdrawal_id"], name=op.f("fk_bulletin_entry_withdrawal_id")
        ),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_bulletin_entry")),
    )
    with op.batch_alter_table("bulletin_entry", schema=None) as batch_op:
        batch_op.create_index("ix_bulletin_entry_day", ["locality_id", "on_day"], unique=False)

    op.create_table(
        "decision",
        sa.Column("decision_id", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("voucher_row", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("decided_on", sa.Date(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("change_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["change_id"], ["change.change_id"], name=op.f("fk_decision_change_id")),
        sa.ForeignKeyConstraint(["voucher_row"], ["voucher.voucher_row"], name=op.f("fk_decision_voucher_row")),
        sa.PrimaryKeyConstraint("decision_id", name=op.f("pk_decision")),
    )


def downgrade() -> None:
    op.drop_table("decision")
    with op.batch_alter_table("bulletin_entry", schema=None) as batch_op:
        batch_op.drop_index("ix_bulletin_entry_day")

    op.drop_table("bulletin_entry")
    with op.batch_alter_table("withdrawal", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_withdrawal_vacancy_row"))

    op.drop_table("withdrawal")
    with op.batch_alter_table("voucher", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_voucher_live", sqlite_where=sa.text("status = 'issued'"), postgresql_where=sa.text("status = 'issued'")
        )
        batch_op.drop_index(batch_op.f("ix_voucher_vacancy_row"))
        batch_op.drop_index(
            "ix_voucher_term", sqlite_where=sa.text("status = 'issued'"), postgresql_where=sa.text("status = 'issued'")
        )
        batch_op.drop_index("ix_voucher_closed")
        batch_op.drop_index(batch_op.f("ix_voucher_application_row"))

    op.drop_table("voucher")
    op.drop_table("run_place")
    op.drop_table("waiting_act")
    with op.batch_alter_table("vacancy", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_vacancy_free",
            sqlite_where=sa.text("withdrawn + held + used < places"),
            postgresql_where=sa.text("withdrawn + held + used < places"),
        )

    op.drop_table("vacancy")
    with op.batch_alter_table("stop_list", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_stop_list_open", sqlite_where=sa.text("ended_on IS NULL"), postgresql_where=sa.text("ended_on IS NULL")
        )
        batch_op.drop_index(batch_op.f("ix_stop_list_application_row"))

    op.drop_table("stop_list")
    op.drop_table("run_queue")
    with op.batch_alter_table("movement", schema=None) as batch_op:
        batch_op.drop_index("ix_movement_queue")
        batch_op.drop_index(batch_op.f("ix_movement_application_row"))

    op.drop_table("movement")
    with op.batch_alter_table("application_version", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_application_version_application_row"))

    op.drop_table("application_version")
    op.drop_table("run")
    op.drop_table("queue_turn")
    op.drop_table("organization")
    with op.batch_alter_table("application", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_application_live_child",
            sqlite_where=sa.text("state != 'archived'"),
            postgresql_where=sa.text("state != 'archived'"),
        )
        batch_op.drop_index(
            "ix_application_stay",
            sqlite_where=sa.text("temporary_until IS NOT NULL"),
            postgresql_where=sa.text("temporary_until IS NOT NULL"),
        )
        batch_op.drop_index("ix_application_queue")

    op.drop_table("application")
    op.drop_table("settings")
    op.drop_table("rule_override")
    op.drop_table("profile")
    op.drop_table("locality")
    op.drop_table("change")
    op.drop_table("calendar_correction")
