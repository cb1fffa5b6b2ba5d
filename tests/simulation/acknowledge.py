"""What the service must answer to a file, and what the onlooker then writes down as acknowledged.

Rows of applications and of the bulletin are foretold one by one (rules A7, B3, B7); of withdrawals and decisions the
answer says how many were taken, and the records which.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date

from sqlalchemy import Connection

from queue_engine.intake.report import ImportReport
from queue_engine.store.bulk import rows_of
from simulation.books import Books
from simulation.operations import Act, File, Operation, Rule
from support.rows import Row

ON_RECORD = {
    "withdrawals": ("withdrawal", "withdrawal_id"),
    "decisions": ("decision", "decision_id"),
}


def foretold(connection: Connection, books: Books, file: File) -> list[Row]:
    """The rows of applications or of a bulletin that are to be taken, each as it will stand in the books."""
    if file.kind == "applications":
        return _applications(connection, books, file.rows)
    return _bulletin(connection, books, file.rows)


def _applications(connection: Connection, books: Books, rows: Sequence[Row]) -> list[Row]:
    names = [row["application_id"] for row in rows]
    children = [row["child_iin"] for row in rows]
    archived = {
        name
        for (name,) in rows_of(
            connection,
            f"select application_id from application where state = 'archived' and application_id in {_marks(names)}",
            tuple(names),
        )
    }
    live = dict(
        rows_of(
            connection,
            "select child_iin, application_id from application where state <> 'archived' "
            f"and child_iin in {_marks(children)}",
            tuple(children),
        )
    )
    taken = []
    for row in rows:
        name = row["application_id"]
        before = books.applications.get(name)
        row = {**row, "filed_at": before["filed_at"]} if before else row
        another = live.get(row["child_iin"], name) != name
        bad = row["child_iin"].startswith("000000")
        if not bad and (row == before or not (another or name in archived)):
            taken.append(row)
    return taken


def _bulletin(connection: Connection, books: Books, rows: Sequence[Row]) -> list[Row]:
    names = [row["vacancy_id"] for row in rows]
    used = {
        name: (count, str(last_run or ""))
        for name, count, last_run in rows_of(
            connection,
            "select vacancy_id, used, last_run_on from vacancy join locality using (locality_id) "
            f"where vacancy_id in {_marks(names)}",
            tuple(names),
        )
    }
    taken = []
    for row in rows:
        before = books.vacancies.get(row["vacancy_id"])
        if before is None:
            if not books.suspended(date.fromisoformat(row["published_at"][:10]), row["locality"]):
                taken.append(row)
            continue
        known, wanted = before["vacated_on"], row["vacated_on"]
        count, last_run = used[row["vacancy_id"]]
        if known and wanted not in ("", known) and (count or known <= last_run):
            continue
        taken.append({**row, "vacated_on": wanted or known})
    return taken


def _marks(values: Collection[str]) -> str:
    return f"({', '.join('?' * len(values))})"


def acknowledge(connection: Connection, books: Books, operation: Operation, taken: Sequence[Row]) -> int:
    """Write down what is on record of an operation; how many rows or acts that is.

    taken: rows of applications or of a bulletin as foretold.
    """
    if isinstance(operation, Rule):
        books.rules.append(operation)
        return 1
    if isinstance(operation, Act):
        found = _acts(connection, operation)
        if found:
            locality = books.applications[operation.application_id]["locality"]
            books.acts.put(operation.reason, operation, locality)
        return found
    if operation.kind == "calendar":
        books.tell_calendar(operation.rows)
        return len(operation.rows)
    if operation.kind in ON_RECORD:
        return _on_record(connection, books, operation)
    shelf = books.applications if operation.kind == "applications" else books.vacancies
    key = "application_id" if operation.kind == "applications" else "vacancy_id"
    for row in taken:
        shelf.put(row[key], row, row["locality"])
    return len(taken)


def _acts(connection: Connection, act: Act) -> int:
    """Whether an act is done or waits for its day."""
    return int(
        any(
            rows_of(
                connection,
                f"select 1 from {table} join application using (application_row) "
                "where application_id = ? and reason = ?",
                (act.application_id, act.reason),
            )
            for table in ("movement", "waiting_act")
        )
    )


def _on_record(connection: Connection, books: Books, file: File) -> int:
    table, key = ON_RECORD[file.kind]
    rows = {row[key]: row for row in file.rows}
    found = rows_of(connection, f"select {key} from {table} where {key} in {_marks(rows)}", tuple(rows))
    for (name,) in found:
        row = rows[name]
        if file.kind == "withdrawals":
            books.withdrawals.put(name, row, books.vacancies[row["vacancy_id"]]["locality"])
        else:
            books.decisions.put(name, row, books.applications[row["application_id"]]["locality"])
    return len(found)


def check_answer(operation: Operation, answer: ImportReport | str, noted: int, *, again: bool) -> None:
    """What the service said is what the records hold; what comes again is taken as nothing new (decision 1.28)."""
    if isinstance(answer, str):
        if isinstance(operation, Act) and not again:
            assert answer.startswith("refused:") == (noted == 0), f"told of {operation}: {answer}"
        return
    assert isinstance(operation, File)
    bad = len(operation.rows) - noted
    told = answer.new + answer.changed + answer.unchanged + answer.waiting
    assert answer.bad == bad, f"{answer.bad} rows refused, {bad} were to be"
    assert told == noted, f"{told} rows taken, {noted} were to be"
    if again:
        assert answer.unchanged == told, "a file that came twice was taken twice"
