"""What must hold on the morning after a night, by locality; every check is told from the rules, none from the engine.

The walk is judged by `allocators.checks`, fed with the onlooker's books and the vouchers on record (support.judged).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime

from sqlalchemy import Connection

from queue_engine.answers import exports
from queue_engine.store.bulk import rows_of
from simulation.books import Books
from simulation.records import Record, Voucher, read_contents, read_record, read_states
from support.judged import CLASSES, judge_night, reached_on, told
from support.rows import Row
from support.weeks import BARS, RETURNS, STREAMS, Key, order_of_service

ENDINGS = {"admit": "admitted", "decline": "declined", "refuse": "refused"}


def check_locality(connection: Connection, books: Books, locality: str) -> None:
    """AssertionError, with the rule it is against, if anything is wrong after the last night of the locality."""
    record = read_record(connection, locality)
    if record is None:
        return
    states = read_states(connection, record.locality_id)
    _check_acknowledged(connection, books, record)
    _check_states(books, record, states)
    _check_vouchers(books, record)
    _check_places(connection, books, record)
    _check_terms_over(connection, books, record, states)
    _check_numbers(connection, books, record, states)
    _check_service(books, record, states)


def _same(what: str, found: Iterable[object], told: Iterable[object]) -> None:
    """What is on record is what was acknowledged: nothing lost, nothing invented."""
    there, wanted = set(found), set(told)
    lost, invented = sorted(wanted - there, key=str), sorted(there - wanted, key=str)
    assert not lost, f"{what} acknowledged and lost: {lost[:3]}"
    assert not invented, f"{what} that nobody asked for: {invented[:3]}"


def said(row: Row) -> tuple[str, ...]:
    """The changeable cells of an application, as `read_contents` gives them."""
    names = ("birth_date", "child_iin", "benefit", "email", "languages", "group_type", "regimes")
    return (*(row[name] for name in names), row["accepts"] or "standard", row["organizations"])


def _check_acknowledged(connection: Connection, books: Books, record: Record) -> None:
    """Every acknowledged operation is there, and nothing else (reliability: a)."""
    key, locality = record.locality_id, record.locality
    applications = books.applications.of(locality)
    contents = read_contents(connection, key)
    _same("applications", contents.items(), ((name, said(row)) for name, row in applications.items()))
    vacancies = rows_of(
        connection, "select vacancy_id, places, vacated_on from vacancy where locality_id = ?", (record.locality_id,)
    )
    _same(
        "vacancies",
        ((name, str(places), vacated or "") for name, places, vacated in vacancies),
        (
            (name, row["places"], row["vacated_on"] if row["admission"] == "early_booking" else "")
            for name, row in books.vacancies.of(locality).items()
        ),
    )
    withdrawals = rows_of(
        connection,
        "select withdrawal_id, vacancy_id, w.places from withdrawal w join vacancy using (vacancy_row) "
        "where w.locality_id = ?",
        (key,),
    )
    asked = books.withdrawals.of(locality).items()
    _same("withdrawals", withdrawals, ((name, row["vacancy_id"], int(row["places"])) for name, row in asked))
    decisions = rows_of(
        connection,
        "select decision_id, application_id, decision, decided_on from decision join voucher using (voucher_row) "
        "join application using (application_row) where voucher.locality_id = ?",
        (key,),
    )
    taken = (
        (name, row["application_id"], row["decision"], row["decided_on"])
        for name, row in books.decisions.of(locality).items()
    )
    _same("decisions", decisions, taken)
    _check_acts(connection, books, record)


def _check_acts(connection: Connection, books: Books, record: Record) -> None:
    """An act acknowledged is done, waits for its day, or a night said that it could not be done (decision 1.24)."""
    applications = books.applications.of(record.locality)
    done = {
        row[0]
        for table in ("movement", "waiting_act")
        for row in rows_of(
            connection,
            f"select distinct reason from {table} where locality_id = ? and reason like 'act %'",
            (record.locality_id,),
        )
    }
    asked = set(books.acts.of(record.locality))
    assert done <= asked, f"acts that nobody asked for: {sorted(done - asked)[:3]}"
    refused = sum(count for name, count in books.refused_acts.items() if name in applications)
    if record.locality not in books.lost:
        assert len(asked - done) <= refused, f"acts acknowledged and lost: {sorted(asked - done)[:3]}"
    late = rows_of(
        connection,
        "select reason from waiting_act where locality_id = ? and on_day <= ?",
        (record.locality_id, record.last_run.isoformat()),
    )
    assert not late, f"acts whose day is over still wait: {late[:3]} (decision 1.24)"


def _check_states(books: Books, record: Record, states: dict[str, tuple[object, ...]]) -> None:
    """Each application is in one place, its movements say so, and its moment of filing stays (rules A4, A6, C3)."""
    for name, (state, filed_at_us, archived, live, stopped, steps) in states.items():
        filed = int(datetime.fromisoformat(books.applications[name]["filed_at"]).timestamp()) * 1_000_000
        assert filed_at_us == filed, f"{name}: the moment of filing changed (A4)"
        is_in = ("archived" if archived else "", "holding" if live else "", "stopped" if stopped else "")
        places = [where for where in is_in if where] or ["queued"]
        assert places == [state], f"{name} is {state}, its records say {places}"
        assert live in (0, 1), f"{name} holds {live} live vouchers (C3)"
        assert steps == (state == "queued"), f"{name} is {state}, its movements add up to {steps} (A6)"
    by_child = Counter(voucher.child_iin for voucher in record.vouchers if voucher.status == "issued")
    assert all(count == 1 for count in by_child.values()), "a child holds two live vouchers (A7, C3)"


def _check_vouchers(books: Books, record: Record) -> None:
    """Vouchers ended as was decided, none lapsed early, and new terms are those of the calendar (rules D)."""
    day = record.last_run.isoformat()
    decided = Counter(
        (row["application_id"], ENDINGS[row["decision"]])
        for row in books.decisions.of(record.locality).values()
        if row["decision"] in ENDINGS
    )
    ended = Counter((each.application_id, each.status) for each in record.vouchers if each.status in ENDINGS.values())
    assert ended == decided, (
        f"vouchers ended otherwise than decided: {sorted((ended - decided) + (decided - ended))} (D)"
    )
    validity = int(books.in_force("voucher.validity", record.last_run, record.locality))
    for voucher in record.vouchers:
        if voucher.status == "expired":
            assert voucher.expires_on <= voucher.closed_on, f"{voucher.voucher_id} lapsed before its last day (D6)"
        if voucher.status == "issued" and voucher.term_from == day:
            last = books.last_day(record.last_run, validity).isoformat()
            assert voucher.expires_on == last, f"{voucher.voucher_id} ends on {voucher.expires_on}, not {last} (D1)"


def _check_places(connection: Connection, books: Books, record: Record) -> None:
    """Places = free + held + used + withdrawn, counted anew from vouchers and withdrawals (reliability: c)."""
    held = Counter(each.vacancy_id for each in record.vouchers if each.status == "issued")
    used = Counter(each.vacancy_id for each in record.vouchers if each.status == "admitted")
    for name, *counts in rows_of(
        connection,
        "select vacancy_id, withdrawn, held, used from vacancy where locality_id = ?",
        (record.locality_id,),
    ):
        plain = [record.withdrawn[name], held[name], used[name]]
        assert counts == plain, f"{name}: withdrawn, held, used are {counts}, counted anew {plain} (B6)"
        places = int(books.vacancies[name]["places"])
        assert sum(plain) <= places, f"{name}: {sum(plain)} of {places} places are taken (C3)"


def _check_terms_over(
    connection: Connection, books: Books, record: Record, states: dict[str, tuple[object, ...]]
) -> None:
    """Nothing is left over past its day: vouchers, stop-list entries, stays, children over age (D6, E1, B4, A8)."""
    day = record.last_run.isoformat()
    for what, query in {
        "live past its last day (D6)": "voucher where status = 'issued' and expires_on <= ?",
        "left on the stop-list (E1)": "stop_list where ended_on is null and back_on <= ?",
        "in a temporary stay that is over (D3)": "application where temporary_until <= ?",
    }.items():
        left = rows_of(connection, f"select count(*) from {query} and locality_id = ?", (day, record.locality_id))
        assert left == [(0,)], f"{left[0][0]} {what}"
    months = 12 * int(books.in_force("age.max", record.last_run, record.locality))
    ahead = _held_later(record)
    for name, (state, *_) in states.items():
        row = books.applications[name]
        if state in ("queued", "stopped") and name not in ahead and row["filed_at"][:10] <= day:
            reached = reached_on(date.fromisoformat(row["birth_date"]), months)
            assert reached > record.last_run, f"{name} is over age since {reached} (A8)"


def _held_later(record: Record) -> dict[str, Voucher]:
    """By application: vouchers ended after the day of the night; at its end they were live (decision 1.2)."""
    day = record.last_run.isoformat()
    return {each.application_id: each for each in record.vouchers if each.closed_on > day}


def _check_numbers(connection: Connection, books: Books, record: Record, states: dict[str, tuple[object, ...]]) -> None:
    """The exported queue is the plain count of who is served when (rule A6)."""
    exported = list(exports.queue(connection, record.locality))
    queued = [books.applications[name] for name, (state, *_) in states.items() if state == "queued"]
    open_day = date.fromordinal(record.last_run.toordinal() + 1)
    turn = books.turn(open_day, record.locality)
    spent = {year: position for year, (pattern, position) in record.turns.items() if pattern == turn}
    rows = {row["application_id"]: books.judged(row, record.last_run, record.locality) for row in queued}
    expected = _numbers(rows.values(), turn, spent)
    found = {row[3]: row[2] for row in exported}
    assert found == expected, f"numbers differ from a plain recount: {_first_difference(found, expected)} (A6)"
    for _locality, year, _number, name, code, _filed in exported:
        assert code == STREAMS[CLASSES[rows[name]["benefit"]]], f"{name} stands in {code} (A3)"
        assert str(year) == rows[name]["birth_date"][:4], f"{name} stands in the queue of {year} (A1)"


def _numbers(rows: Iterable[Row], turn: tuple[int, int], spent: dict[int, int]) -> dict[str, int]:
    """Application id to number, by the naive order of service."""
    queues: dict[int, list[Key]] = {}
    for row in rows:
        key = CLASSES[row["benefit"]], datetime.fromisoformat(row["filed_at"]), row["application_id"]
        queues.setdefault(int(row["birth_date"][:4]), []).append(key)
    return {
        name: number
        for year, keys in queues.items()
        for number, name in enumerate(order_of_service(keys, turn, spent.get(year, 0)), 1)
    }


def _first_difference(found: dict[str, int], expected: dict[str, int]) -> str:
    name = next(name for name in sorted({*found, *expected}) if found.get(name) != expected.get(name))
    return f"{name} has {found.get(name)}, by service {expected.get(name)}"


def _check_service(books: Books, record: Record, states: dict[str, tuple[object, ...]]) -> None:
    """Nobody earlier was skipped: the vouchers of the night are the only lawful ones (rules A4, A5, C, F2)."""
    day, locality = record.last_run, record.locality
    evening = day.isoformat()
    issued = {each.application_id: each for each in record.vouchers if each.issued_on == evening}
    if books.suspended(day, locality):
        assert not issued, f"vouchers in suspended days: {sorted(issued)[:3]} (B7)"
        return
    ahead = _held_later(record)
    stood = {name for name, (state, *_) in states.items() if state == "queued"} | set(issued)
    # A voucher of this night that a decision ended already stood in the queue when the night began.
    standing = [
        books.judged(books.applications[name], day, locality)
        for name in sorted(stood)
        if (name not in ahead or name in issued) and books.applications[name]["filed_at"][:10] <= evening
    ]
    offered = [
        row
        for row in books.vacancies.of(locality).values()
        if row["published_at"][:10] <= evening and (row["attend_until"] or "9999") > evening
    ]
    findings = judge_night(
        standing,
        offered,
        _free(record, offered),
        {name: each.vacancy_id for name, each in issued.items()},
        age_min_months=int(books.in_force("age.min", day, locality)),
        age_max_years=int(books.in_force("age.max", day, locality)),
        turn=books.turn(day, locality),
        positions={year: before for year, (before, _after) in record.served.items()},
        positions_after={year: after for year, (_before, after) in record.served.items()},
        barred={(each.application_id, each.vacancy_id) for each in record.vouchers if each.status in BARS},
        in_stay=_stays(books, record),
    )
    assert not findings, "; ".join(told(findings, standing, offered))
    spent = {year: before for year, (before, _after) in record.served.items()}
    numbers = _numbers(standing, books.turn(day, locality), spent)
    for name, voucher in issued.items():
        assert voucher.number == numbers[name], f"{name} was served as {voucher.number}, by service {numbers[name]}"


def _stays(books: Books, record: Record) -> set[str]:
    day = record.last_run.isoformat()
    return {
        each.application_id
        for each in record.vouchers
        if each.status == "admitted" and books.vacancies[each.vacancy_id]["attend_until"] > day
    }


def _free(record: Record, offered: Iterable[Row]) -> dict[str, int]:
    """Places less withdrawn, less held, less taken by pupils, when the night began to serve (rule F2)."""
    evening = record.last_run.isoformat()
    gone = Counter(record.withdrawn)
    for voucher in record.vouchers:
        if voucher.issued_on < evening and (voucher.status not in RETURNS or voucher.closed_on > evening):
            gone[voucher.vacancy_id] += 1
    return {row["vacancy_id"]: int(row["places"]) - gone[row["vacancy_id"]] for row in offered}
