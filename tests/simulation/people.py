"""Made children, families and kindergartens: single rows of the public files, drawn by the dice."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from simulation.dice import Dice
from support.rows import Row, application, iin, vacancy

BENEFITS = ("none",) * 8 + ("large_family", "large_family", "orphan", "teacher", "military", "special_state_body")
WISHES = ("*", "*", "K1", "K1|K2", "K2|*", "*|K1", "K3|K1", "K4|K2|*")
LANGUAGES = ("kk", "kk", "kk|ru", "ru|kk", "ru")
REGIMES = ("full_day", "full_day|half_day", "half_day|full_day")
ACCEPTS = ("", "", "early_booking|standard", "standard|temporary", "temporary", "standard|temporary|early_booking")
GROUPS = ("general",) * 9 + ("special",)
ADMISSIONS = ("", "", "", "early_booking", "early_booking", "temporary")
HOURS = ("08:00:00", "08:00:00", "10:30:00", "17:59:59", "00:00:00", "23:59:59")
"""Few, so that equal moments are common and ids must decide; the first and the last second of a day among them."""


def moment(dice: Dice, day: date, zone: ZoneInfo) -> str:
    """A moment of the day in the locality's time zone."""
    return datetime.fromisoformat(f"{day}T{dice.pick(HOURS)}").replace(tzinfo=zone).isoformat()


def birth_date(dice: Dice, today: date) -> str:
    """Mostly of two or three years of birth; some are too young for any place, some soon too old."""
    kind = dice.between(1, 12)
    if kind == 1:
        return _years_before(today, 6, dice.between(-2, 45))
    if kind == 2:
        return _years_before(today, 2, dice.between(-60, 20))
    return f"{today.year - dice.pick((3, 3, 4))}-{dice.between(1, 12):02d}-{dice.between(1, 28):02d}"


def _years_before(day: date, years: int, later: int) -> str:
    return (date(day.year - years, day.month, 1) + timedelta(days=day.day - 1 + later)).isoformat()


def asks(dice: Dice) -> Row:
    """What a family asks for."""
    return {
        "benefit": dice.pick(BENEFITS),
        "organizations": dice.pick(WISHES),
        "languages": dice.pick(LANGUAGES),
        "regimes": dice.pick(REGIMES),
        "accepts": dice.pick(ACCEPTS),
        "group_type": dice.pick(GROUPS),
    }


def family(dice: Dice, name: str, locality: str, filed_at: str, today: date) -> Row:
    """A new application."""
    born = birth_date(dice, today)
    said = {"locality": locality, "filed_at": filed_at, "birth_date": born, **asks(dice)}
    return application(name, **said, child_iin=iin(name, born), phones="", email="")


def changed(dice: Dice, row: Row, today: date, number: int) -> Row:
    """The same application with other circumstances; now and then another birth date, or nothing new."""
    fields = dice.some(sorted(asks(dice)), 0.3)
    new = asks(dice)
    row = {**row, **{name: new[name] for name in fields}}
    if dice.chance(0.1):
        born = birth_date(dice, today)
        row |= {"birth_date": born, "child_iin": iin(f"{row['application_id']}-{number}", born)}
    if dice.chance(0.2):
        row["email"] = f"family{number}@example.kz"
    return row


def offer(dice: Dice, name: str, locality: str, day: date, published_at: str) -> Row:
    """A vacancy of one to three places."""
    admission = dice.pick(ADMISSIONS)
    row = vacancy(
        name,
        locality=locality,
        published_at=published_at,
        organization=f"K{dice.between(1, 4)}",
        birth_year=str(day.year - dice.pick((2, 3, 3, 3, 4, 4, 6))),
        language=dice.pick(("kk", "kk", "ru")),
        regime=dice.pick(("full_day", "full_day", "half_day")),
        group_type=dice.pick(GROUPS),
        admission=admission,
        places=str(dice.pick((1, 1, 1, 2, 3))),
        start_date=(day + timedelta(days=dice.pick((0, 14, 30, 60)))).isoformat(),
    )
    if admission == "temporary":
        row["attend_until"] = (date.fromisoformat(row["start_date"]) + timedelta(days=dice.between(2, 40))).isoformat()
    if admission == "early_booking" and dice.chance(0.5):
        row["vacated_on"] = (day + timedelta(days=dice.between(0, 20))).isoformat()
    return row
