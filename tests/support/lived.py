"""A lived-in city: every kind of record there is, made by the command alone, and two localities."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

from queue_engine.demo.city import TIMEZONE
from queue_engine.demo.show import show
from queue_engine.store.engine import Database
from support.department import Department
from support.rows import Row, application, moved_day, place, rule, temporary, withdrawal

SEED = 2021
FIRST = date(2021, 8, 21)
"""The first day after the demo's own."""


def lived_in(folder: Path, scale: float, database: str | None = None) -> Department:
    """The demo's city with eleven nights behind it, and three weeks in which everything else happens too."""
    folder.mkdir(parents=True, exist_ok=True)
    address = database or f"sqlite:///{folder / 'kezek.db'}"
    played = Database(address)
    show(played, SEED, say=lambda _line: None, scale=scale)
    played.engine.dispose()
    city = Department(folder, TIMEZONE, database=address)
    city.rules(rule("turn.pattern", "1:2", "2021-08-21") + rule("benefit.confirmation_required", True, "2021-08-21"))
    city.applications(*(_application(number) for number in range(20)))
    city.bulletin(*_places())
    _first_week(city)
    _second_week(city)
    return city


def day(offset: int) -> str:
    return (FIRST + timedelta(days=offset)).isoformat()


def _application(number: int, **changes: str) -> Row:
    """L0 to L19, of two localities; some of each class, some who take any kind of place."""
    benefits = ("none", "military", "orphan", "none", "military")
    base = {
        "locality": "astana" if number < 14 else "almaty",
        "birth_date": f"2018-03-{number + 1:02d}",
        "benefit": benefits[number % len(benefits)],
        "accepts": "standard|temporary|early_booking" if number % 2 else "temporary",
        "organizations": "L1|*",
        "languages": "en",
        "filed_at": f"{day(0)}T{8 + number // 2:02d}:{number % 2 * 30:02d}:00+06:00",
    }
    return application(f"L{number}", **{**base, **changes})


def _places() -> list[Row]:
    own = {"birth_year": "2018", "language": "en", "organization": "L1"}
    rows = []
    for locality in ("astana", "almaty"):
        here = {**own, "locality": locality}
        rows += [
            place(f"S-{locality}", day(0), **here, places="3"),
            place(f"E-{locality}", day(0), **here, admission="early_booking"),
            place(f"B-{locality}", day(0), **here, admission="early_booking", vacated_on=day(0)),
            temporary(f"T-{locality}", day(0), day(18), **here, places="2"),
            temporary(f"U-{locality}", day(0), day(9), **here, places="2"),
            place(f"W-{locality}", day(0), **here, regime="round_the_clock", places="3"),
        ]
    return rows


def _decide(city: Department, offset: int, kind: str, places: str) -> None:
    """Decide on one live voucher for such a place, if there is one."""
    for row in city.vouchers():
        if row["status"] == "issued" and row["vacancy_id"] == places:
            reason = "" if kind in ("admit", "extend") else "papers out of date"
            city.decide(row["application_id"], kind, day(offset), reason, expect=(0, 3))
            return


def _first_week(city: Department) -> None:
    """Vouchers of every kind, proofs, decisions, an extension, withdrawals taken and waiting."""
    city.run(day(0))
    for name in [row["application_id"] for row in city.vouchers(day(0)) if row["application_id"].startswith("L")][:4]:
        city.confirm(name, day=day(1), expect=(0, 3))
    city.withdrawals(
        withdrawal("LW1", vacancy_id="W-astana", withdrawn_at=f"{day(1)}T10:00:00+06:00"),
        withdrawal("LW2", vacancy_id="W-astana", withdrawn_at=f"{day(4)}T10:00:00+06:00"),
        withdrawal("LW3", vacancy_id="W-astana", withdrawn_at=f"{day(30)}T10:00:00+06:00"),
    )
    for places, kind in (("S-astana", "extend"), ("T-astana", "admit"), ("U-astana", "admit"), ("B-astana", "decline")):
        _decide(city, 1, kind, places)
    for places, kind in (("S-almaty", "refuse"), ("T-almaty", "admit"), ("B-almaty", "admit")):
        _decide(city, 1, kind, places)
    city.bulletin(
        place("E-astana", day(0), birth_year="2018", language="en", organization="L1", locality="astana",
              admission="early_booking", vacated_on=day(3))
    )  # fmt: skip
    city.run(day(3))


def _second_week(city: Department) -> None:
    """The officer acts, families change what they said, and time goes on: lapses, returns, stays that end."""
    queue = [row["application_id"] for row in city.queue() if row["locality"] == "astana"]
    city.stop_list_add(queue[0], day=day(4))
    city.stop_list_add(queue[1], day=day(4))
    city.stop_list_remove(queue[1], day=day(4))
    city.archive(queue[2], day=day(4))
    city.archive(queue[3], day=day(4))
    city.restore(queue[3], day=day(4))
    city.stop_list_add(queue[4], day=day(6))
    live = [row["application_id"] for row in city.vouchers() if row["status"] == "issued"]
    ours = [name for name in live if name.startswith("L")]
    if ours:
        city.archive(ours[-1], day=day(4))
    changed = [number for number in range(14) if f"L{number}" not in ours[-1:]]
    files = []
    for number in changed[:6]:
        changes = (
            {"benefit": "large_family"},
            {"birth_date": f"2019-04-{number + 1:02d}"},
            {"organizations": "*"},
            {"email": "other@example.kz"},
            {"benefit": "none"},
            {"birth_date": f"2018-05-{number + 1:02d}"},
        )[number % 6]
        files.append(_application(number, **changes))
    city.applications(*files, expect=(0, 1))
    city.calendar([moved_day(day(9), "day_off")])
    city.run(day(14))
    city.stop_list_add(queue[5], day=day(20))
    city.run(day(19))
