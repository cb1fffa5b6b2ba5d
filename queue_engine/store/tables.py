"""The tables of the store. Scarcity is guarded here: one live voucher an application, places counted and checked.

Names are those of `rules.md`; `*_on` is a date, `*_at_us` microseconds since 1970-01-01T00:00Z.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)
# Ids are compared as text by code point, the same in every database and in Python (rule C4).
Id = Text().with_variant(Text(collation="C"), "postgresql")
# Row ids that the program allots itself (`next_row_id`) have no sequence, so none can be behind.
RowId = BigInteger().with_variant(Integer, "sqlite")

settings = Table(
    "settings",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

locality = Table(
    "locality",
    metadata,
    Column("locality_id", Integer, primary_key=True),
    Column("locality", Id, nullable=False, unique=True),
    Column("timezone", Text, nullable=False),
    Column("first_run_on", Date),
    Column("last_run_on", Date),
)

organization = Table(
    "organization",
    metadata,
    Column("organization_id", Integer, primary_key=True),
    Column("locality_id", ForeignKey("locality.locality_id"), nullable=False),
    Column("organization", Id, nullable=False),
    UniqueConstraint("locality_id", "organization"),
)

# What applications ask for besides organisations: few different answers, so each is kept once.
profile = Table(
    "profile",
    metadata,
    Column("profile_id", Integer, primary_key=True),
    Column("languages", Text, nullable=False),
    Column("group_type", Text, nullable=False),
    Column("regimes", Text, nullable=False),
    Column("accepts", Text, nullable=False),
    UniqueConstraint("languages", "group_type", "regimes", "accepts"),
)

# One transaction that changed the records: an import, a night, an officer's act.
change = Table(
    "change",
    metadata,
    Column("change_id", RowId, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("on_day", Date),
    # of a rules import: JSON object, by locality the turn pattern before and after, where it changed
    Column("note", Text, nullable=False, server_default=""),
)

application = Table(
    "application",
    metadata,
    Column("application_row", RowId, primary_key=True, autoincrement=False),
    Column("application_id", Id, nullable=False, unique=True),
    Column("locality_id", ForeignKey("locality.locality_id"), nullable=False),
    Column("birth_year", SmallInteger, nullable=False),
    Column("class_rank", SmallInteger, nullable=False),
    Column("filed_at_us", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("birth_date", Date, nullable=False),
    Column("profile_id", ForeignKey("profile.profile_id"), nullable=False),
    # int32 little-endian organisation ids, best first; 0 = any other
    Column("wishes", LargeBinary, nullable=False),
    Column("benefit", Text, nullable=False),
    Column("benefit_confirmed_on", Date),
    Column("temporary_until", Date),
    Column("child_iin", Text, nullable=False),
    Column("phones", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("notice_language", Text, nullable=False),
    Column("archived_on", Date),
    Column("archive_reason", Text),
    Column("registered_change", ForeignKey("change.change_id"), nullable=False),
    Column("source_line", Integer, nullable=False),
    CheckConstraint("state in ('queued', 'holding', 'stopped', 'archived')", name="state"),
    CheckConstraint("class_rank between 0 and 2", name="class_rank"),
)
# Rule A7: one live application per child.
Index(
    "uq_application_live_child",
    application.c.child_iin,
    unique=True,
    sqlite_where=application.c.state != "archived",
    postgresql_where=application.c.state != "archived",
)
# A queue is read at once and in order (rules A1, A4).
Index(
    "ix_application_queue",
    application.c.locality_id,
    application.c.birth_year,
    application.c.state,
)

Index(
    "ix_application_stay",
    application.c.locality_id,
    sqlite_where=application.c.temporary_until.is_not(None),
    postgresql_where=application.c.temporary_until.is_not(None),
)

# What an application said before a change of circumstances (rule A7), for explanations of earlier nights.
application_version = Table(
    "application_version",
    metadata,
    Column("version_id", RowId, primary_key=True),
    Column("application_row", ForeignKey("application.application_row"), nullable=False, index=True),
    Column("until_change", ForeignKey("change.change_id"), nullable=False),
    Column("birth_year", SmallInteger, nullable=False),
    Column("birth_date", Date, nullable=False),
    Column("class_rank", SmallInteger, nullable=False),
    Column("profile_id", ForeignKey("profile.profile_id"), nullable=False),
    Column("wishes", LargeBinary, nullable=False),
    Column("benefit", Text, nullable=False),
)

# Every step of an application into a queue (+1), out of one (-1) or beside it (0), with the reason (rule A6).
movement = Table(
    "movement",
    metadata,
    Column("movement_id", RowId, primary_key=True),
    Column("change_id", ForeignKey("change.change_id"), nullable=False),
    Column("application_row", ForeignKey("application.application_row"), nullable=False, index=True),
    Column("locality_id", ForeignKey("locality.locality_id"), nullable=False),
    Column("birth_year", SmallInteger, nullable=False),
    Column("class_rank", SmallInteger, nullable=False),
    Column("filed_at_us", BigInteger, nullable=False),
    Column("step", SmallInteger, nullable=False),
    Column("why", Text, nullable=False),
    Column("on_day", Date, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    CheckConstraint("step in (-1, 0, 1)", name="step"),
    Index("ix_movement_queue", "locality_id", "birth_year", "change_id"),
)

vacancy = Table(
    "vacancy",
    metadata,
    Column("vacancy_row", RowId, primary_key=True, autoincrement=False),
    Column("vacancy_id", Id, nullable=False, unique=True),
    Column("locality_id", ForeignKey("locality.locality_id"), nullable=False),
    Column("organization_id", ForeignKey("organization.organization_id"), nullable=False),
    Column("published_at_us", BigInteger, nullable=False),
    Column("age_group", Text, nullable=False),
    Column("birth_year", SmallInteger, nullable=False),
    Column("language", Text, nullable=False),
    Column("group_type", Text, nullable=False),
    Column("regime", Text, nullable=False),
    Column("admission", Text, nullable=False),
    Column("start_date", Date, nullable=False),
    Column("vacated_on", Date),
    Column("attend_until", Date),
    Column("places", Integer, nullable=False),
    Column("withdrawn", Integer, nullable=False, server_default="0"),
    Column("held", Integer, nullable=False, server_default="0"),
    Column("used", Integer, nullable=False, server_default="0"),
    Column("registered_change", ForeignKey("change.change_id"), nullable=False),
    CheckConstraint("places > 0", name="places"),
    CheckConstraint("withdrawn >= 0 and held >= 0 and used >= 0", name="counts"),
    CheckConstraint("withdrawn + held + used <= places", name="scarcity"),
)
Index(
    "ix_vacancy_free",
    vacancy.c.locality_id,
    sqlite_where=text("withdrawn + held + used < places"),
    postgresql_where=text("withdrawn + held + used < places"),
)

withdrawal = Table(
    "withdrawal",
    metadata,
    Column("withdrawal_id", Id, primary_key=True),
    Column("vacancy_row", ForeignKey("vacancy.vacancy_row"), nullable=False, index=True),
    Column("locality_id", ForeignKey("locality.locality_id"), nullable=False),
    Column("withdrawn_at_us", BigInteger, nullable=False),
    Column("places", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    # waiting for its day (decision 1.3), taken, refused
    Column("state", Text, nullable=False),
    Column("change_id", ForeignKey("change.change_id"), nullable=False),
    CheckConstraint("state in ('waiting', 'taken', 'refused')", name="state"),
    CheckConstraint("places > 0", name="places"),
)

bulletin_entry = Table(
    "bulletin_entry",
    metadata,
    Column("entry_id", RowId, primary_key=True),
    Column("locality_id", ForeignKey("locality.locality_id"), nullable=False),
    Column("on_day", Date, nullable=False),
    Column("kind", Text, nullable=False),
    Column("vacancy_row", ForeignKey("vacancy.vacancy_row"), nullable=False),
    Column("places", Integer, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("withdrawal_id", ForeignKey("withdrawal.withdrawal_id")),
    CheckConstraint("kind in ('vacated', 'returned', 'withdrawn')", name="kind"),
    Index("ix_bulletin_entry_day", "locality_id", "on_day"),
)

run = Table(
    "run",
    metadata,
    Column("run_id", RowId, primary_key=True),
    Column("locality_id", ForeignKey("locality.locality_id"), nullable=False),
    Column("on_day", Date, nullable=False),
    Column("change_id", ForeignKey("change.change_id"), nullable=False),
    Column("calendar", Text, nullable=False),
    Column("suspended", Boolean, nullable=False),
    # JSON object of the rule parameters the run went by, as they were then
    Column("rules", Text, nullable=False),
    # JSON object of counts: what the steps did
    Column("report", Text, nullable=False),
    UniqueConstraint("locality_id", "on_day"),
)

run_queue = Table(
    "run_queue",
    metadata,
    Column("run_id", ForeignKey("run.run_id"), primary_key=True),
    Column("birth_year", SmallInteger, primary_key=True),
    Column("first_priority_turns", SmallInteger, nullable=False),
    Column("general_turns", SmallInteger, nullable=False),
    Column("position_before", SmallInteger, nullable=False),
    Column("position_after", SmallInteger, nullable=False),
)

run_place = Table(
    "run_place",
    metadata,
    Column("run_id", ForeignKey("run.run_id"), primary_key=True),
    Column("vacancy_row", ForeignKey("vacancy.vacancy_row"), primary_key=True),
    Column("free", Integer, nullable=False),
)

queue_turn = Table(
    "queue_turn",
    metadata,
    Column("locality_id", ForeignKey("locality.locality_id"), primary_key=True),
    Column("birth_year", SmallInteger, primary_key=True),
    Column("first_priority_turns", SmallInteger, nullable=False),
    Column("general_turns", SmallInteger, nullable=False),
    Column("position", SmallInteger, nullable=False),
)

voucher = Table(
    "voucher",
    metadata,
    Column("voucher_row", RowId, primary_key=True),
    Column("voucher_id", Id, nullable=False, unique=True),
    Column("application_row", ForeignKey("application.application_row"), nullable=False, index=True),
    Column("vacancy_row", ForeignKey("vacancy.vacancy_row"), nullable=False, index=True),
    Column("locality_id", ForeignKey("locality.locality_id"), nullable=False),
    Column("birth_year", SmallInteger, nullable=False),
    Column("issued_on", Date, nullable=False),
    Column("expires_on", Date),
    Column("status", Text, nullable=False),
    Column("class_rank", SmallInteger, nullable=False),
    Column("number", Integer, nullable=False),
    Column("calendar", Text, nullable=False),
    Column("term_days", SmallInteger),
    Column("term_from", Date),
    Column("extended_on", Date),
    Column("confirm_by", Date),
    Column("confirmed_on", Date),
    Column("closed_on", Date),
    Column("reason", Text, nullable=False, server_default=""),
    CheckConstraint("status in ('issued', 'admitted', 'declined', 'refused', 'expired', 'cancelled')", name="status"),
)
# Rule C3: one voucher at a time per application.
Index(
    "uq_voucher_live",
    voucher.c.application_row,
    unique=True,
    sqlite_where=voucher.c.status == "issued",
    postgresql_where=voucher.c.status == "issued",
)
Index(
    "ix_voucher_term",
    voucher.c.locality_id,
    voucher.c.expires_on,
    sqlite_where=voucher.c.status == "issued",
    postgresql_where=voucher.c.status == "issued",
)
Index("ix_voucher_closed", voucher.c.locality_id, voucher.c.closed_on)

decision = Table(
    "decision",
    metadata,
    Column("decision_id", Id, primary_key=True),
    Column("voucher_row", ForeignKey("voucher.voucher_row"), nullable=False),
    Column("decided_on", Date, nullable=False),
    Column("decision", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("change_id", ForeignKey("change.change_id"), nullable=False),
)

stop_list = Table(
    "stop_list",
    metadata,
    Column("entry_id", RowId, primary_key=True),
    Column("application_row", ForeignKey("application.application_row"), nullable=False, index=True),
    Column("locality_id", ForeignKey("locality.locality_id"), nullable=False),
    Column("from_day", Date, nullable=False),
    Column("back_on", Date, nullable=False),
    Column("reason", Text, nullable=False),
    Column("ended_on", Date),
)
Index(
    "uq_stop_list_open",
    stop_list.c.application_row,
    unique=True,
    sqlite_where=stop_list.c.ended_on.is_(None),
    postgresql_where=stop_list.c.ended_on.is_(None),
)

# Acts of an officer dated after the open day, kept for the night of their day (decision 1.24).
waiting_act = Table(
    "waiting_act",
    metadata,
    Column("act_id", RowId, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("application_row", ForeignKey("application.application_row"), nullable=False),
    Column("locality_id", ForeignKey("locality.locality_id"), nullable=False),
    Column("on_day", Date, nullable=False),
    Column("reason", Text, nullable=False),
)

# The service's own notes (decision 9). They come from the machine's clock, so they are no part of the records: a night
# reads none of them.
heartbeat = Table(
    "heartbeat",
    metadata,
    Column("service", Text, primary_key=True),
    Column("beat_at_us", BigInteger, nullable=False),
    Column("stopped_at_us", BigInteger),
    # the last time that the clock jumped, and by how many seconds
    Column("alarm_at_us", BigInteger),
    Column("jumped_seconds", BigInteger),
)

# The last try of the scheduler at a night of each locality; what nights did is in `run`.
night_outcome = Table(
    "night_outcome",
    metadata,
    Column("locality_id", ForeignKey("locality.locality_id"), primary_key=True),
    Column("on_day", Date, nullable=False),
    Column("ended_at_us", BigInteger, nullable=False),
    Column("duration_ms", Integer, nullable=False),
    # empty = done, else the code of the error
    Column("error", Text, nullable=False),
    # tries that failed, one after another, since the last that did not
    Column("failures", Integer, nullable=False),
    CheckConstraint("(error = '') = (failures = 0)", name="failures"),
)

rule_override = Table(
    "rule_override",
    metadata,
    Column("override_id", RowId, primary_key=True),
    Column("name", Text, nullable=False),
    Column("from_day", Date, nullable=False),
    Column("locality", Text, nullable=False),  # empty = every locality
    Column("value", Text, nullable=False),  # JSON
    Column("reference", Text, nullable=False),
    UniqueConstraint("name", "from_day", "locality"),
)

calendar_correction = Table(
    "calendar_correction",
    metadata,
    Column("day", Date, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("act", Text, nullable=False),
    CheckConstraint("kind in ('working', 'day_off')", name="kind"),
)
