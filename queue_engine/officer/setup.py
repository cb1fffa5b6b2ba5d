"""Making the database, the department's rules and its calendar."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import ColumnElement, Connection, and_, case, insert, select, update

from queue_engine.answers.standing import open_turns
from queue_engine.domain.voucher import VoucherStatus
from queue_engine.errors import WrongUsage
from queue_engine.intake.calendar_file import read_calendar_corrections
from queue_engine.intake.report import ImportReport, Tell, good_rows, one_transaction
from queue_engine.law.overrides import Override, read_overrides, to_json
from queue_engine.store import tables as t
from queue_engine.store.engine import Database
from queue_engine.store.records import calendar, localities, new_change, rulebook


def make_database(database: Database, timezone: str, rules: Path | None) -> str:
    """Make the database, or bring one of an earlier release up to date; the sentence to tell.

    Raises: WrongUsage for an unknown time zone, or one other than that on record.
    """
    from queue_engine.store.schema import upgrade  # Alembic is slow to import, and needed only here

    try:
        ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise WrongUsage(
            "init.timezone", f"{timezone} is not a time zone.", next_step="Use a name like Asia/Almaty."
        ) from None
    overrides = read_overrides(rules) if rules else []
    try:
        if database.path is not None:
            database.path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WrongUsage("init.folder", f"the folder of the database cannot be made: {error.strerror}.") from None
    if database.is_foreign():
        raise database.unreadable()
    with database.write() as connection:
        if unknown := upgrade(connection):
            raise WrongUsage(
                "database.version",
                f"the database has schema {unknown}, which this release does not know.",
                next_step="Use the release that made it, or a later one.",
            )
        known = connection.execute(select(t.settings.c.value).where(t.settings.c.name == "timezone")).scalar()
        if known is not None and known != timezone:
            raise WrongUsage(
                "init.timezone",
                f"the database is there already, with the time zone {known}.",
                next_step="Leave --timezone as it was, or make another database.",
            )
        if known is None:
            connection.execute(insert(t.settings).values(name="timezone", value=timezone))
            _store_overrides(connection, overrides)
        elif overrides:
            _import(connection, overrides)
    there = "is up to date" if known else "is made"
    return f"The database {there}; time zone {timezone}, {len(overrides)} rules of the department's own."


def import_rules(database: Database, path: Path) -> str:
    """Take the department's rules in; an entry for the same name, day and locality replaces the earlier."""
    overrides = read_overrides(path)
    with database.write() as connection:
        _import(connection, overrides)
    return f"{len(overrides)} rules of the department's own are on record from this file."


def _import(connection: Connection, overrides: list[Override]) -> None:
    """Keep overrides as a change of the records, with the turn patterns that it changed (rules A5, A6)."""
    before = _patterns(connection)
    change_id = new_change(connection, "rules import")
    _store_overrides(connection, overrides)
    after = _patterns(connection)
    changed = {code: [before[code], after[code]] for code in after if before[code] != after[code]}
    if changed:
        connection.execute(update(t.change).where(t.change.c.change_id == change_id).values(note=json.dumps(changed)))


def _patterns(connection: Connection) -> dict[str, str]:
    """The turn pattern of each locality now (rule A5)."""
    return {entry.locality: str(open_turns(connection, entry).pattern) for entry in localities(connection)}


def _store_overrides(connection: Connection, overrides: list[Override]) -> None:
    o = t.rule_override.c
    for override in overrides:
        locality = override.locality or ""
        connection.execute(
            t.rule_override.delete().where(
                o.name == override.name, o.from_day == override.from_day, o.locality == locality
            )
        )
        connection.execute(
            insert(t.rule_override).values(
                name=override.name,
                from_day=override.from_day,
                locality=locality,
                value=to_json(override.value),
                reference=override.reference,
            )
        )


def import_calendar(database: Database, path: Path, tell: Tell) -> ImportReport:
    """Take corrections of the working calendar in; open terms may grow by them, never shrink (rule D1)."""
    with one_transaction(database, tell, strict=False) as (connection, report):
        new_change(connection, "calendar import")
        c = t.calendar_correction.c
        for row in (row.record for row in good_rows(read_calendar_corrections(path), report)):
            known = connection.execute(select(t.calendar_correction).where(c.day == row.day)).one_or_none()
            if known is not None and (known.kind, known.act) == (row.kind, row.act):
                report.unchanged += 1
                continue
            connection.execute(t.calendar_correction.delete().where(c.day == row.day))
            connection.execute(insert(t.calendar_correction).values(day=row.day, kind=row.kind, act=row.act))
            report.changed += known is not None
            report.new += known is None
        longer = _lengthen_terms(connection)
        if longer:
            tell(f"{longer} live vouchers keep their place longer by the corrected calendar; none shorter.")
    return report


def _lengthen_terms(connection: Connection) -> int:
    """Give live vouchers the later last day, where the corrected calendar has one; how many.

    A last day depends on where and when the term began and how long it is: few different ones, each worked out once.
    All vouchers of a locality are then written by one statement.
    """
    v = t.voucher.c
    running = and_(v.status == VoucherStatus.ISSUED.value, v.expires_on.is_not(None))
    longer = 0
    for (locality_id, country), terms in _running_terms(connection, running).items():
        corrected = calendar(connection, country)
        later = case(
            *(
                (and_(v.term_from == begun, v.term_days == days), corrected.last_day(begun, days))
                for begun, days in terms
            )
        )
        longer += connection.execute(
            update(t.voucher)
            .where(running, v.locality_id == locality_id, v.expires_on < later)
            .values(expires_on=later, calendar=corrected.fingerprint)
        ).rowcount
    return longer


def _running_terms(
    connection: Connection, running: ColumnElement[bool]
) -> dict[tuple[int, str], list[tuple[date, int]]]:
    """First days and lengths of the terms that run, by locality and the country whose calendar they go by."""
    rules = rulebook(connection)
    codes = {entry.locality_id: entry.locality for entry in localities(connection)}
    v = t.voucher.c
    found: dict[tuple[int, str], list[tuple[date, int]]] = {}
    for row in connection.execute(select(v.locality_id, v.term_from, v.term_days).where(running).distinct()):
        country = rules.on(row.term_from, codes[row.locality_id]).country
        found.setdefault((row.locality_id, country), []).append((row.term_from, row.term_days))
    return found
