"""T23: a city is backed up while its night runs, loses its machine, and lives on elsewhere as if nothing had been."""

from __future__ import annotations

import csv
import os
import shutil
import sqlite3
import stat
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from time import perf_counter

import pytest
from sqlalchemy import make_url

from queue_engine.demo.city import APPLICATION_COLUMNS, City
from support import postgres
from support.figures import Figure, sized
from support.nation import Nation
from support.processes import (
    Finished,
    Records,
    Where,
    finish,
    go_on,
    integrity,
    kezek,
    kezek_here,
    records,
    runs_on_record,
    start,
    told_line,
)

DAYS = ("2021-08-10", "2021-08-11", "2021-08-12", "2021-08-17")
"""With the last of them the vouchers of the first lapse."""
BACKED_UP_IN = 1
HELD, REFUSED, WRONG = 75, 1, 2
Tell = Callable[[Figure], None]

PAUSE_IN_THE_SECOND_LOCALITY = """
import sys
from queue_engine.night import run
def paused(night, serve=run.STEPS[-1]):
    serve(night)
    if night.locality.locality == "region01":
        print("inside", flush=True)
        sys.stdin.readline()
run.STEPS = (*run.STEPS[:-1], paused)
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Where:
    """A place for records, on each of the two stores."""
    if request.param == "sqlite":
        return tmp_path / "city.db"
    monkeypatch.setenv("PATH", f"{postgres.tools()}{os.pathsep}{os.environ['PATH']}")
    return postgres.new_database()


@pytest.fixture(scope="module")
def nation(tmp_path_factory: pytest.TempPathFactory) -> Nation:
    """Two localities of some 230 applications each."""
    return Nation.make(tmp_path_factory.mktemp("nation"), scale=0.01, localities=2)


@pytest.fixture(scope="module")
def incoming(tmp_path_factory: pytest.TempPathFactory, nation: Nation) -> list[Path]:
    """A file of late applications for every day."""
    folder, files = tmp_path_factory.mktemp("incoming"), []
    for number, day in enumerate(DAYS):
        files.append(folder / f"{day}.csv")
        with files[-1].open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(APPLICATION_COLUMNS)
            for n, row in enumerate(City.make(seed=100 + number, scale=0.001).applications):
                writer.writerow((f"N{number}-{row[0]}", row[1], nation.localities[n % 2], *row[3:]))
    return files


def elsewhere(where: Where, tmp_path: Path) -> Where:
    """A place for records that nobody has used, on the same store."""
    return tmp_path / "elsewhere" / "city.db" if isinstance(where, Path) else postgres.new_database()


def lose(where: Where) -> None:
    """The machine is gone with all that was on it."""
    if isinstance(where, Path):
        for file in where.parent.glob(f"{where.name}*"):
            file.unlink()


def good(answer: Finished) -> Finished:
    assert answer.code == 0, answer.told
    assert "Traceback" not in answer.err
    return answer


def live(where: Where, incoming: list[Path], days: range) -> None:
    """The files and nights of these days."""
    for n in days:
        assert kezek_here(where, "import", "applications", str(incoming[n])).code in (0, REFUSED)
        good(kezek_here(where, "run", "--date", DAYS[n]))


@pytest.fixture
def calm(where: Where, nation: Nation, incoming: list[Path], tmp_path: Path) -> Records:
    """The exports of a city that nothing happened to, on the same store."""
    place = elsewhere(where, tmp_path / "calm")
    nation.take_in(place, kezek_here)
    live(place, incoming, range(len(DAYS)))
    return records(place)


@pytest.fixture
def at_night(
    where: Where, nation: Nation, incoming: list[Path], started: list[subprocess.Popen[str]]
) -> subprocess.Popen[str]:
    """The run of a city that stands in the middle of its second locality's night."""
    nation.take_in(where, kezek_here)
    live(where, incoming, range(BACKED_UP_IN))
    assert kezek_here(where, "import", "applications", str(incoming[BACKED_UP_IN])).code in (0, REFUSED)
    night = start(where, "run", "--date", DAYS[BACKED_UP_IN], prologue=PAUSE_IN_THE_SECOND_LOCALITY)
    started.append(night)
    assert told_line(night) == "inside"
    return night


def test_a_city_restored_from_a_backup_of_its_night_ends_as_the_undisturbed_one(
    where: Where,
    at_night: subprocess.Popen[str],
    incoming: list[Path],
    calm: Records,
    tmp_path: Path,
    figure: Tell,
) -> None:
    """T23: the missed files and nights again, and vouchers, bulletin and queue are equal, byte for byte."""
    backup = tmp_path / "backup"
    told = good(kezek(where, "backup", str(backup))).err
    assert f"the last night is that of {DAYS[BACKED_UP_IN]}" in told
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    go_on(at_night)
    good(finish(at_night))
    live(where, incoming, range(BACKED_UP_IN + 1, len(DAYS) - 1))
    lose(where)

    new = elsewhere(where, tmp_path)
    told = good(kezek_here(new, "restore", str(backup))).err
    assert f"the last night is that of {DAYS[BACKED_UP_IN]}" in told
    assert "made at 20" in told
    assert runs_on_record(new) == 2 + 2 * BACKED_UP_IN + 1  # the night of the first locality, none of the second
    live(new, incoming, range(BACKED_UP_IN, len(DAYS)))
    figure(
        Figure(
            "T23",
            f"backup in the middle of a night, machine lost, restored elsewhere ({_store(where)})",
            tries=1,
            losses=int(records(new) != calm),
            twin="see the plain copy" if isinstance(where, str) else "a plain copy lacks nights, or is torn",
            note="exports byte-equal after the missed nights",
        )
    )


def _store(where: Where) -> str:
    return "SQLite" if isinstance(where, Path) else "PostgreSQL"


@pytest.mark.parametrize("where", ["sqlite"], indirect=True)
def test_a_plain_copy_of_the_file_lacks_what_was_told_to_be_done(
    where: Path, at_night: subprocess.Popen[str], tmp_path: Path
) -> None:
    """The twin: a copy of the file without its log, at the same moment. The backup has the first locality's night."""
    copy, backup, restored = (tmp_path / name for name in ("copy.db", "backup.db", "restored.db"))
    good(kezek(where, "backup", str(backup)))
    shutil.copyfile(where, copy)
    refused = kezek(restored, "restore", str(copy))
    assert refused.code == REFUSED
    assert "[backup.foreign]" in refused.err
    assert not restored.exists()
    go_on(at_night)
    good(finish(at_night))
    good(kezek(restored, "restore", str(backup)))
    assert (runs_on_record(copy), runs_on_record(restored)) == (4, 5)


@pytest.mark.parametrize("where", ["sqlite"], indirect=True)
def test_a_plain_copy_that_takes_as_long_as_a_night_is_torn(
    where: Path, at_night: subprocess.Popen[str], tmp_path: Path
) -> None:
    """The twin: half of the file is read before the night is folded in, and half after it."""
    copy = tmp_path / "copy.db"
    with where.open("rb") as source:
        first = source.read(where.stat().st_size // 2)
        before = records(where)
        go_on(at_night)
        good(finish(at_night))
        copy.write_bytes(first + source.read())
    after = records(where)
    try:
        seen: object = records(copy) if integrity(copy) == "ok" else "damaged"
    except Exception as error:
        seen = error
    assert seen not in (before, after)


def test_a_backup_is_not_written_over_another_unless_asked(where: Where, nation: Nation, tmp_path: Path) -> None:
    nation.take_in(where, kezek_here)
    file = tmp_path / "backup"
    file.write_bytes(b"somebody's work")
    refused = kezek_here(where, "backup", str(file))
    assert (refused.code, file.read_bytes()) == (WRONG, b"somebody's work")
    assert "[backup.there]" in refused.err
    good(kezek_here(where, "backup", str(file), "--overwrite"))
    assert file.stat().st_size > 1_000
    assert [path.name for path in tmp_path.glob("backup*")] == ["backup"]


def test_records_are_replaced_only_if_asked_and_what_is_lost_is_told(
    where: Where, nation: Nation, incoming: list[Path], tmp_path: Path
) -> None:
    nation.take_in(where, kezek_here)
    file, early = tmp_path / "backup", records(where)
    good(kezek_here(where, "backup", str(file)))
    live(where, incoming, range(2))
    late = records(where)
    refused = kezek_here(where, "restore", str(file))
    assert refused.code == WRONG
    assert "[restore.there]" in refused.err
    assert records(where) == late
    told = good(kezek_here(where, "restore", str(file), "--overwrite")).err
    assert "6 changes" in told
    assert f"the last night is that of {DAYS[1]}" in told
    assert records(where) == early
    live(where, incoming, range(2))
    assert records(where) == late


def test_records_that_a_run_holds_are_not_replaced(
    where: Where, at_night: subprocess.Popen[str], tmp_path: Path
) -> None:
    """Exit 75, and the run ends as if nobody had asked."""
    file, before = tmp_path / "backup", records(where)
    good(kezek(where, "backup", str(file)))
    refused = kezek(where, "restore", str(file), "--overwrite")
    assert refused.code == HELD, refused.told
    assert "[restore.held]" in refused.err
    assert (records(where), runs_on_record(where)) == (before, 5)
    go_on(at_night)
    good(finish(at_night))
    assert runs_on_record(where) == 6


@pytest.mark.parametrize("where", ["sqlite"], indirect=True)
def test_a_file_that_a_program_has_open_is_not_replaced(
    where: Path, nation: Nation, started: list[subprocess.Popen[str]], tmp_path: Path
) -> None:
    """A reader that closes the old file last would delete the log of the new one by its name."""
    nation.take_in(where, kezek_here)
    file, before = tmp_path / "backup", records(where)
    good(kezek(where, "backup", str(file)))
    reader = start(where, "export", "queue", prologue=PAUSE_IN_THE_EXPORT)
    started.append(reader)
    assert told_line(reader) == "inside"
    refused = kezek(where, "restore", str(file), "--overwrite")
    assert refused.code == HELD, refused.told
    go_on(reader)
    good(finish(reader))
    good(kezek(where, "restore", str(file), "--overwrite"))
    assert records(where) == before


PAUSE_IN_THE_EXPORT = """
import sys
from queue_engine.answers import exports
def paused(*arguments, queue=exports.queue):
    print("inside", flush=True)
    sys.stdin.readline()
    return queue(*arguments)
exports.queue = paused
"""


def spoilt(backup: Path, how: str) -> bytes:
    """The backup with something wrong."""
    whole = bytearray(backup.read_bytes())
    if how == "cut":
        return bytes(whole[: len(whole) * 2 // 3])
    if how == "changed":
        middle = len(whole) // 2
        whole[middle : middle + 8_000] = bytes(8_000)
        return bytes(whole)
    return b"application_id,filed_at\nA1,2021-08-01\n" if how == "a table" else b""


@pytest.mark.parametrize("how", ["cut", "changed", "a table", "empty"])
def test_a_backup_that_is_not_whole_is_refused_and_nothing_is_touched(
    where: Where, nation: Nation, how: str, tmp_path: Path
) -> None:
    nation.take_in(where, kezek_here)
    good(kezek_here(where, "backup", str(tmp_path / "backup")))
    bad = tmp_path / "bad"
    bad.write_bytes(spoilt(tmp_path / "backup", how))
    before, new = records(where), elsewhere(where, tmp_path)
    for place, words in ((where, ["--overwrite"]), (new, [])):
        refused = kezek_here(place, "restore", str(bad), *words)
        assert refused.code == REFUSED, refused.told
        assert "[backup.damaged]" in refused.err or "[backup.foreign]" in refused.err
        assert "Nothing was touched." in refused.err
    assert records(where) == before
    assert kezek_here(new, "export", "queue").code == WRONG
    good(kezek_here(new, "restore", str(tmp_path / "backup")))
    assert records(new) == before


def test_a_backup_of_a_later_release_is_refused(where: Where, nation: Nation, tmp_path: Path) -> None:
    """A schema that this release does not know; the same backup before that change is taken."""
    nation.take_in(where, kezek_here)
    backup, later = tmp_path / "backup", tmp_path / "later"
    good(kezek_here(where, "backup", str(backup)))
    if isinstance(where, Path):
        shutil.copyfile(backup, later)
        with closing(sqlite3.connect(later)) as connection, connection:
            connection.execute("update alembic_version set version_num = '9999'")
    else:
        for program, words in (
            ("psql", ["--command", "update alembic_version set version_num = '9999'"]),
            ("pg_dump", ["--format=custom", f"--file={later}"]),
        ):
            subprocess.run([postgres.tools() / program, f"--dbname={where}", *words], check=True, capture_output=True)
    new = elsewhere(where, tmp_path)
    refused = kezek_here(new, "restore", str(later))
    assert refused.code == REFUSED
    assert "[backup.newer]" in refused.err
    assert "9999" in refused.err
    good(kezek_here(new, "restore", str(backup)))


def test_a_database_of_something_else_is_neither_restored_nor_replaced(nation: Nation, tmp_path: Path) -> None:
    place, backup, photos = tmp_path / "city.db", tmp_path / "backup", tmp_path / "photos.db"
    with closing(sqlite3.connect(photos)) as connection, connection:
        connection.execute("create table photo (name)")
    nation.take_in(place, kezek_here)
    good(kezek_here(place, "backup", str(backup)))
    for refused, code in (
        (kezek_here(tmp_path / "new.db", "restore", str(photos)), "[backup.foreign]"),
        (kezek_here(photos, "restore", str(backup), "--overwrite"), "[restore.foreign]"),
        (kezek_here(place, "backup", str(place), "--overwrite"), "[backup.same]"),
        (kezek_here(place, "restore", str(place), "--overwrite"), "[backup.same]"),
        (kezek_here(place, "restore", "A000001"), "[restore.file]"),
        (kezek_here(place, "restore", str(backup), "--date", "2026-03-20"), "[usage.restore]"),
        (kezek_here(place, "restore", "A000001", "--reason", "mistake", "--overwrite"), "[usage.restore]"),
    ):
        assert code in refused.err
        assert refused.code in (REFUSED, WRONG)
    with closing(sqlite3.connect(photos)) as connection:
        assert connection.execute("select name from sqlite_master").fetchall() == [("photo",)]


@pytest.mark.parametrize("kept", [0, 100_001], ids=["nothing of it", "a part of it"])
def test_a_damaged_database_is_replaced_by_its_backup_and_its_log_with_it(
    nation: Nation, kept: int, tmp_path: Path
) -> None:
    """The log that a damaged file left behind must not be read into the restored one. Twin: with it, records differ."""
    place, backup, log = tmp_path / "city.db", tmp_path / "backup", tmp_path / "city.db-wal"
    nation.take_in(place, kezek_here)
    good(kezek_here(place, "backup", str(backup)))
    before = records(place)
    stale = _log_of_another_night(place, tmp_path)
    place.write_bytes(place.read_bytes()[:kept] + bytes(20_000))
    log.write_bytes(stale)
    good(kezek(place, "restore", str(backup), "--overwrite"))
    assert not log.exists() or log.read_bytes() != stale
    assert (records(place), integrity(place)) == (before, "ok")

    by_hand = tmp_path / "by_hand.db"
    shutil.copyfile(place, by_hand)
    (tmp_path / "by_hand.db-wal").write_bytes(stale)
    assert records(by_hand) != before


def _log_of_another_night(place: Path, tmp_path: Path) -> bytes:
    """The `-wal` that a killed run leaves beside a copy of the file."""
    other = Path(shutil.copyfile(place, tmp_path / "other.db"))
    night = start(other, "run", "--date", DAYS[0], prologue=PAUSE_IN_THE_SECOND_LOCALITY)
    assert told_line(night) == "inside"
    night.kill()
    finish(night)
    return (tmp_path / "other.db-wal").read_bytes()


SPIES = """#!/bin/sh
echo "$@" >> "{notes}"
echo "$PGPASSWORD" >> "{secrets}"
exec "{program}" "$@"
"""


@pytest.mark.parametrize("where", ["postgresql"], indirect=True)
def test_a_password_is_never_on_a_command_line(
    where: str, nation: Nation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Any user of the machine can read the words of a command."""
    nation.take_in(where, kezek_here)
    notes, secrets = tmp_path / "words", tmp_path / "secrets"
    for name in ("pg_dump", "pg_restore"):
        spy = tmp_path / "bin" / name
        spy.parent.mkdir(exist_ok=True)
        spy.write_text(SPIES.format(notes=notes, secrets=secrets, program=postgres.tools() / name))
        spy.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    address = make_url(where).set(password="s3cret").render_as_string(hide_password=False)
    said = good(kezek_here(address, "backup", str(tmp_path / "backup")))
    said = Finished(0, "", said.err + good(kezek_here(address, "restore", str(tmp_path / "backup"), "--overwrite")).err)
    assert "--snapshot" in notes.read_text()
    assert "--clean" in notes.read_text()
    assert "s3cret" not in notes.read_text() + said.err
    assert "s3cret" in secrets.read_text()
    monkeypatch.setenv("PATH", str(tmp_path))
    missing = kezek_here(where, "backup", str(tmp_path / "another"))
    assert (missing.code, (tmp_path / "another").exists()) == (WRONG, False)
    assert "[backup.tools]" in missing.err


def test_a_large_city_is_restored_within_a_minute(nation: Nation, tmp_path: Path, figure: Tell) -> None:
    """T23: rows of applications, multiplied in place."""
    place, backup, new = tmp_path / "city.db", tmp_path / "backup", tmp_path / "new" / "city.db"
    nation.take_in(place, kezek_here)
    rows = multiply_applications(place, sized(20_000, 1_000_000))
    started = perf_counter()
    good(kezek(place, "backup", str(backup)))
    backed_up = perf_counter()
    good(kezek(new, "restore", str(backup)))
    seconds = perf_counter() - backed_up
    with closing(sqlite3.connect(new)) as connection:
        assert connection.execute("select count(*) from application").fetchone()[0] == rows
    size = backup.stat().st_size / 1e6
    figure(
        Figure(
            "T23",
            f"restore of {rows:,} applications with their movements (SQLite)",
            tries=1,
            losses=int(seconds >= 60),
            twin="no guard: a figure",
            note=f"{size:,.0f} MB; backup {backed_up - started:.1f} s, restore {seconds:.1f} s, both checked",
        )
    )


def multiply_applications(place: Path, wanted: int) -> int:
    """Copy every application with its movements under new ids until there are `wanted`; how many there are."""
    with closing(sqlite3.connect(place)) as connection, connection:

        def number(question: str) -> int:
            return int(connection.execute(question).fetchone()[0])

        times = -(-wanted // number("select count(*) from application"))
        step = number("select max(application_row) + 1 from application")
        most = number("select max(movement_id) + 1 from movement")
        anew = {
            "application_row": f"application_row + n * {step}",
            "application_id": "application_id || '-' || n",
            "child_iin": "child_iin || '-' || n",
            "movement_id": f"movement_id + n * {most}",
        }
        for table in ("application", "movement"):
            columns = [row[1] for row in connection.execute(f"pragma table_info({table})")]
            connection.execute(
                f"with recursive copy(n) as (select 1 union all select n + 1 from copy where n < {times - 1}) "
                f"insert into {table} ({', '.join(columns)}) "
                f"select {', '.join(anew.get(name, name) for name in columns)} from {table}, copy"
            )
        return number("select count(*) from application")
