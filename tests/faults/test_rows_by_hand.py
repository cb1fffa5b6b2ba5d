"""T13: a row deleted or a cell changed by hand, past all guards, is found by one `kezek check`.

The city has lived through every kind of record. What no other record repeats cannot be found, and is listed here by
name and reason; the list is held to be true as well.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from numpy.random import Generator

from queue_engine.night import run as night_run
from queue_engine.store.engine import Database
from support.by_hand import Damage, change_cell, columns, delete_row, opened, tables
from support.figures import Figure, sized
from support.lived import lived_in
from support.postgres import new_database
from support.processes import Finished, kezek_here

SCALE = 0.006
NIGHTS = 25
ATTEMPTS = 12
NEXT_NIGHT = "2021-09-10"

FREE = {
    "application.application_id": "only vouchers repeat it",
    "application.profile_id": "what a family asks is told once",
    "application.wishes": "what a family asks is told once; an organisation that is not there is found",
    "application.benefit": "found where the class is another, but in the archive",
    "application.phones": "told once",
    "application.email": "told once",
    "application.source_line": "told once",
    "application_version.version_id": "orders what one file said of one application twice",
    "application_version.birth_date": "found where the year is another",
    "application_version.profile_id": "told once",
    "application_version.wishes": "told once",
    "application_version.benefit": "found where no law gives it that class, if the department has no rules of its own",
    "bulletin_entry.entry_id": "nothing names it",
    "decision.decision_id": "told once",
    "locality.locality": "the code is told once",
    "movement.movement_id": "orders the movements of one change",
    "movement.reason": "found where a voucher, decision, stop-list entry or the archive repeats it",
    "organization.organization": "the code is told once",
    "profile.languages": "found where it is no code of a language",
    "profile.regimes": "found where it is no word of the rules",
    "profile.group_type": "found where it is no word of the rules",
    "profile.accepts": "found where it is no word of the rules",
    "rule_override.override_id": "orders rules of one day",
    "rule_override.from_day": "found where the value of the last night is another by it",
    "rule_override.reference": "told once",
    "run.calendar": "the edition of the calendar is told once where nothing was issued",
    "run.rules": "found in the parameters that something went by",
    "run.report": "found in the counts that movements and places repeat",
    "settings.name": "settings but the time zone are told once",
    "settings.value": "settings but the time zone are told once",
    "stop_list.entry_id": "orders the stops of one application",
    "vacancy.vacancy_id": "told once",
    "vacancy.organization_id": "told once; of another locality it is found",
    "vacancy.age_group": "told once",
    "vacancy.birth_year": "found where a voucher was given",
    "vacancy.language": "told once",
    "vacancy.group_type": "found where it is no word of the rules",
    "vacancy.regime": "found where it is no word of the rules",
    "vacancy.admission": "found where its dates or a voucher's term are not of that order",
    "vacancy.start_date": "told once",
    "vacancy.vacated_on": "found where a term began before it",
    "voucher.voucher_row": "found where a decision names it",
    "waiting_act.act_id": "orders acts of one day",
    "waiting_act.application_row": "what waits is told once",
    "waiting_act.kind": "what waits is told once",
    "waiting_act.on_day": "what waits is told once",
    "waiting_act.reason": "what waits is told once",
    "withdrawal.reason": "told once",
}
"""Columns in which a change may stay unseen, and why."""
FREE_ROWS = {
    "application_version": "found where class or birth year changed with it",
    "settings": "found if it is the time zone",
    "waiting_act": "what waits is told once",
}
"""Tables from which a row may go unseen, and why."""
SELDOM = {
    "movement.change_id": "found but where another change of the same kind and day could have done it",
    "change.note": "an earlier rule of the department is not kept elsewhere",
    "rule_override.locality": "found where the value of the last night is another by it",
    "vacancy.attend_until": "found where it is missing, or a stay goes by it",
}
"""Columns in which a change is found as it is made here, but another might not be."""
SELDOM_ROWS = {
    "change": "found where anything names it",
    "organization": "found where anything names it",
    "profile": "found where anything names it",
}
"""Tables from which the rows of this city would be missed, but others might not be."""

Hand = Callable[[sqlite3.Connection, Generator], Damage | None]


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of the lived-in city, whole in one file; never to be written to."""
    folder = tmp_path_factory.mktemp("lived")
    lived_in(folder, SCALE)
    whole = folder / "whole.db"
    with closing(sqlite3.connect(folder / "kezek.db")) as source, closing(sqlite3.connect(whole)) as target:
        source.backup(target)
    return whole


def hands(city: Path, *, free: bool) -> list[Hand]:
    """One way to damage each column and each table: of those that are free, or of all others."""

    def cell(table: str, column: str) -> Hand:
        return lambda connection, rng: change_cell(connection, table, column, rng)

    def row(table: str) -> Hand:
        return lambda connection, rng: delete_row(connection, table, rng)

    with opened(city) as connection:
        names = tables(connection)
        cells = [(table, column) for table in names for column, *_ in columns(connection, table)]
    cells = [pair for pair in cells if ".".join(pair) not in SELDOM]
    chosen = [cell(*pair) for pair in cells if (".".join(pair) in FREE) == free]
    return chosen + [row(table) for table in names if table not in SELDOM_ROWS and (table in FREE_ROWS) == free]


def damaged(city: Path, folder: Path, hand: Hand, rng: Generator) -> Iterator[tuple[Damage, Path]]:
    """Copies of the city, each with one thing done by that hand."""
    for _ in range(ATTEMPTS):
        copy = Path(shutil.copyfile(city, folder / "damaged.db"))
        with opened(copy) as connection:
            done = hand(connection, rng)
        if done is not None:
            yield done, copy
        for suffix in ("", "-wal", "-shm"):
            Path(f"{copy}{suffix}").unlink(missing_ok=True)


def check(path: Path) -> Finished:
    answer = kezek_here(path, "check")
    assert answer.code in (0, 3), answer.told
    assert (answer.code == 3) == bool(answer.out), answer.told
    return answer


def test_nothing_is_found_in_a_city_that_nobody_touched(city: Path) -> None:
    answer = check(city)
    assert (answer.code, answer.out) == (0, ""), answer.told
    assert "agree with each other" in answer.err


def test_nothing_is_found_in_the_same_city_on_postgresql_and_damage_is(tmp_path: Path) -> None:
    where = new_database()
    department = lived_in(tmp_path, SCALE, where)
    assert department.kezek("check").out == ""
    database = Database(where)
    for statement, code in (
        ("update vacancy set used = used - 1 where vacancy_row = (select min(vacancy_row) from vacancy where used > 0)",
         "places.used"),
        ("delete from movement where movement_id = (select max(movement_id) from movement)", "application."),
        ("update voucher set number = number + 1 where voucher_row = 1", "voucher.number"),
        ("update stop_list set back_on = back_on + 1 where entry_id = 1", "stop_list.back_on"),
        ("delete from bulletin_entry where entry_id = (select min(entry_id) from bulletin_entry)", "bulletin.vacated"),
    ):  # fmt: skip
        with database.write() as connection:
            connection.exec_driver_sql(statement)
        assert code in department.kezek("check", expect=3).out
    database.engine.dispose()


def test_a_row_deleted_or_a_cell_changed_by_hand_is_found(
    city: Path, tmp_path: Path, figure: Callable[[Figure], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every column and table that is guarded, rows at random; the twin is a night without its checks."""
    rng = np.random.default_rng(13)
    tries, lost, silent, nights = 0, [], 0, 0
    all_hands = hands(city, free=False)
    asked = {int(at) for at in rng.choice(len(all_hands), NIGHTS, replace=False)}
    for round_ in range(sized(1, 10)):
        for at, hand in enumerate(all_hands):
            for done, copy in damaged(city, tmp_path, hand, rng):
                tries += 1
                if check(copy).code != 3:
                    lost.append(done.told)
                if round_ == 0 and at in asked:
                    silent += _goes_on_without_a_word(copy, monkeypatch)
                    nights += 1
                break
    print(*lost, sep="\n")
    assert silent > nights // 2, f"of {nights} nights without checks only {silent} said nothing: the damage is plain"
    figure(
        Figure(
            "T13",
            "a row deleted or a cell changed by hand (SQLite, all tables), then one `kezek check`",
            tries,
            len(lost),
            f"{silent} of {nights} nights went on without a word",
            f"{len(FREE) + len(SELDOM)} columns that nothing repeats are left out by name",
        )
    )


def _goes_on_without_a_word(copy: Path, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether the next night, without its checks, is done as if nothing had happened."""
    with monkeypatch.context() as off:
        off.setattr(night_run, "STEPS", tuple(step for step in night_run.STEPS if step.__name__ != "check_records"))
        answer = kezek_here(copy, "run", "--date", NEXT_NIGHT)
    return answer.code == 0


def test_the_columns_called_free_are_free(city: Path, tmp_path: Path) -> None:
    """A list longer than it must be would hide what can be found: in each, some change stays unseen."""
    rng = np.random.default_rng(7)
    named = []
    for hand in hands(city, free=True):
        last = None
        for done, copy in damaged(city, tmp_path, hand, rng):
            last = done
            if check(copy).code == 0:
                break
        else:
            named += [last.told] if last else []
    assert not named, f"found every time: {named}"
