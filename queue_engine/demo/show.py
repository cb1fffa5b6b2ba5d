"""`kezek demo`: the main job on a made city, told in words and figures."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from sqlalchemy import insert, select

from bulletins.vacancy import AdmissionOrder
from queue_engine.answers.explanation import explain
from queue_engine.demo.city import INTAKE_DAY, LOCALITY, TIMEZONE, City
from queue_engine.demo.life import DayFiles, Life, LiveVoucher
from queue_engine.errors import WrongUsage
from queue_engine.intake.applications import import_applications
from queue_engine.intake.bulletins import import_bulletin, import_withdrawals
from queue_engine.intake.decisions import import_decisions
from queue_engine.intake.report import ImportReport
from queue_engine.night.context import NightReport
from queue_engine.night.run import run_nights
from queue_engine.officer.setup import make_database
from queue_engine.store import tables as t
from queue_engine.store.bulk import rows_of
from queue_engine.store.engine import Database

MARK = "demo"
WIDEST_BAR = 40


def show(database: Database, seed: int, say: Callable[[str], None] = print, scale: float = 1.0) -> None:
    """Make the city, play its intake night and ten ordinary days, and say what happened.

    Raises: WrongUsage if a database that is no demo's stands in the way.
    """
    started = perf_counter()
    _clear(database)
    make_database(database, TIMEZONE, None)
    with database.write() as connection:
        connection.execute(insert(t.settings).values(name=MARK, value=str(seed)))
    city = City.make(seed, scale)
    with TemporaryDirectory() as folder:
        _take_intake(database, city, Path(folder), say)
        intake = _run(database, INTAKE_DAY)
        _tell_intake(database, intake, say)
        nights = _ordinary_days(database, city.life(), Path(folder), say)
    _tell_chart(nights, say)
    _tell_example(database, say)
    say(f"\nAll of this took {perf_counter() - started:.0f} seconds. The records are in {database}.")


def _clear(database: Database) -> None:
    """Take the last demo's database away; anything else is somebody's work."""
    if database.is_foreign():
        raise database.unreadable()
    if database.exists():
        with database.read() as connection:
            if connection.execute(select(t.settings.c.value).where(t.settings.c.name == MARK)).scalar() is None:
                raise WrongUsage(
                    "demo.database",
                    "there is a database here already, and it is not a demo's.",
                    next_step="Run the demo in another folder, or name another file with --database.",
                )
    database.store.clear()


def _take_intake(database: Database, city: City, folder: Path, say: Callable[[str], None]) -> None:
    organizations, applying = len(city.organizations.codes), len(city.applications)
    say(f"A made city, {LOCALITY}: {organizations} organisations, {applying:,} applications.")
    applications, bulletin = folder / "applications.csv", folder / "bulletin.csv"
    city.write_applications(applications)
    city.write_bulletin(bulletin)
    taken = _import(database, import_applications, applications)
    placed = _import(database, import_bulletin, bulletin)
    say(f"Taken in and checked: {taken.new:,} applications, {placed.new:,} vacancies.")


def _import(database: Database, take: Callable[..., ImportReport], file: Path) -> ImportReport:
    """Import one file of the made city; nothing in it may be refused."""
    refused: list[str] = []
    report = take(database, file, strict=False, tell=refused.append, progress=lambda _done, _size: None)
    if report.bad:
        raise WrongUsage("demo.refused", f"the made city's own file was refused: {refused[0]}")
    return report


def _run(database: Database, day: date) -> NightReport:
    return list(run_nights(database, lambda _locality: day, LOCALITY))[-1]


def _tell_intake(database: Database, night: NightReport, say: Callable[[str], None]) -> None:
    with database.read() as connection:
        rows = rows_of(
            connection,
            "select a.birth_year, count(distinct a.application_row), count(v.voucher_row), "
            "count(*) filter (where v.class_rank = 0), count(*) filter (where v.class_rank = 1) from application a "
            "left join voucher v on v.application_row = a.application_row group by 1 order by 1 desc",
        )
        places = dict(rows_of(connection, "select birth_year, sum(places) from vacancy group by 1"))
    say(f"\nThe intake night of {night.day}: {night.free:,} places, {night.vouchers:,} vouchers.\n")
    say(f"  {'born in':>8} {'places':>8} {'applied':>8} {'vouchers':>9} {'out of turn':>12} {'first priority':>15}")
    for year, applied, vouchers, out_of_turn, first_priority in rows:
        if places.get(year):
            say(
                f"  {year:>8} {places[year]:>8,} {applied:>8,} {vouchers:>9,} {out_of_turn or 0:>12,} "
                f"{first_priority or 0:>15,}"
            )
    waiting = night.standing - night.vouchers
    say(f"\n{waiting:,} children wait on; {night.free - night.vouchers:,} places suited none of them.")


def _ordinary_days(database: Database, life: Life, folder: Path, say: Callable[[str], None]) -> list[NightReport]:
    say("\nTen ordinary days: families come or do not, places are handed over and taken back.\n")
    say("  day         new  vacated  admitted  declined  refused  lapsed  back  vouchers")
    nights = []
    for day in life.days:
        files = life.day_files(folder, day, *_morning(database, day))
        _import(database, import_decisions, files.decisions)
        _import(database, import_applications, files.applications)
        _import(database, import_bulletin, files.bulletin)
        _import(database, import_withdrawals, files.withdrawals)
        night = _run(database, day)
        nights.append(night)
        say(_day_line(files, night))
    return nights


def _day_line(files: DayFiles, night: NightReport) -> str:
    counts = files.counts
    return (
        f"  {night.day} {counts.new_applications:>4} {counts.places_vacated:>8} {counts.admissions:>9,} "
        f"{counts.declines:>9} {counts.refusals:>8} {night.lapsed:>7,} {night.back:>5,} {night.vouchers:>9,}"
    )


def _morning(database: Database, day: date) -> tuple[list[LiveVoucher], dict[str, int]]:
    """Live vouchers and free places when a day begins."""
    with database.read() as connection:
        vouchers = rows_of(
            connection,
            "select v.voucher_id, a.application_id, p.vacancy_id, v.issued_on, v.expires_on from voucher v "
            "join application a on a.application_row = v.application_row "
            "join vacancy p on p.vacancy_row = v.vacancy_row where v.status = 'issued' order by v.voucher_id",
        )
        free = rows_of(
            connection,
            "select vacancy_id, places - withdrawn - held - used from vacancy where withdrawn + held + used < places "
            "and (admission <> ? or attend_until > ?) order by vacancy_id",
            (AdmissionOrder.TEMPORARY.value, day.isoformat()),
        )
    live = [
        LiveVoucher(row[0], row[1], row[2], date.fromisoformat(row[3]), date.fromisoformat(row[4]) if row[4] else None)
        for row in vouchers
    ]
    return live, dict(free)


def _tell_chart(nights: list[NightReport], say: Callable[[str], None]) -> None:
    say("\nVouchers issued by night; ▒ as many places had come back by lapse that night:\n")
    most = max(night.vouchers for night in nights) or 1
    for night in nights:
        width = round(WIDEST_BAR * night.vouchers / most)
        again = min(width, round(WIDEST_BAR * night.lapsed / most))
        say(f"  {night.day}  {'▒' * again}{'█' * (width - again)} {night.vouchers:,}")


def _tell_example(database: Database, say: Callable[[str], None]) -> None:
    """Explain one family's intake night: one that was served, but not with its first wish."""
    with database.read() as connection:
        waiting = rows_of(
            connection,
            "select a.application_id from application a join queue_turn q on q.birth_year = a.birth_year "
            "where a.state = 'queued' and a.class_rank = 1 order by a.filed_at_us, a.application_id limit 1",
        )
        served = rows_of(
            connection,
            "select a.application_id from voucher v join application a on a.application_row = v.application_row "
            "where v.issued_on = ? order by v.number desc, a.application_id limit 1",
            (INTAKE_DAY.isoformat(),),
        )
        example = served[0][0]
        say(f"\nWhy one family got what it got (kezek explain {example} --date {INTAKE_DAY}):\n")
        say("\n".join(f"  {line}" for line in explain(connection, example, INTAKE_DAY).splitlines()[:8]))
    say("\nTry next:")
    for command in (
        f"kezek number {waiting[0][0] if waiting else example}",
        f"kezek explain {example} --date {INTAKE_DAY}",
        f"kezek export vouchers --date {INTAKE_DAY}",
        "kezek export queue --format json",
        "kezek rules show",
    ):
        say(f"  {command}")
