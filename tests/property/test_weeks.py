"""Random weeks of a department through the command: what must hold after every file, act and night.

`support.weeks.Weeks` makes the checks; this machine only thinks of things that may happen.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from queue_engine.night import run as night_run
from queue_engine.night import serve as night_serve
from queue_engine.store.queues import FreePlaces, read_free_places
from support.rows import Row, application, iin, place
from support.weeks import OFFSET, Weeks

TURNS = ((0, 0), (0, 0), (1, 1), (1, 3), (2, 1))
MOST_APPLICATIONS, MOST_VACANCIES = 16, 12

BENEFITS = st.sampled_from(["none", "none", "none", "large_family", "orphan", "teacher", "military"])
BIRTH_DATES = st.sampled_from(["2023-05-15", "2023-05-15", "2023-12-31", "2024-02-20", "2020-02-06"])
WISHES = st.sampled_from(["*", "*", "K1", "K1|K2", "K2|*", "*|K1", "K3|K1"])
LANGUAGES = st.sampled_from(["kk", "kk", "kk|ru", "ru|kk"])
REGIMES = st.sampled_from(["full_day", "full_day|half_day"])
ACCEPTS = st.sampled_from(
    ["", "early_booking|standard", "standard|temporary", "temporary", "standard|temporary|early_booking"]
)
HOURS = st.integers(0, 23)
SOON = st.sampled_from([-1, 0, 0, 0, 1, 2])
"""Days from the open day: a closed day, the open day, days ahead."""

SAYS = st.fixed_dictionaries(
    {
        "birth_date": BIRTH_DATES,
        "benefit": BENEFITS,
        "organizations": WISHES,
        "languages": LANGUAGES,
        "regimes": REGIMES,
        "accepts": ACCEPTS,
    }
)
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "birth_date": BIRTH_DATES,
        "benefit": BENEFITS,
        "organizations": WISHES,
        "accepts": ACCEPTS,
        "email": st.just("other@example.kz"),
    },
)
OFFERS = st.fixed_dictionaries(
    {
        "organization": st.sampled_from(["K1", "K2", "K3"]),
        "birth_year": st.sampled_from(["2023", "2023", "2024"]),
        "language": st.sampled_from(["kk", "kk", "ru"]),
        "regime": st.sampled_from(["full_day", "full_day", "half_day"]),
        "admission": st.sampled_from(["", "", "", "early_booking", "temporary"]),
        "places": st.sampled_from(["1", "1", "2", "3"]),
    }
)


class RandomWeeks(RuleBasedStateMachine):
    """Files, acts and nights in any order (rules A-F)."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()

    @initialize(
        turn=st.sampled_from(TURNS),
        says=st.lists(SAYS, min_size=3, max_size=8),
        offers=st.lists(OFFERS, min_size=1, max_size=3),
    )
    def open_the_department(self, turn: tuple[int, int], says: list[Row], offers: list[Row]) -> None:
        self.weeks = Weeks(Path(self.folder.name) / "department", turn)
        self.file_applications(says, 0, 9)
        self.hand_over(offers, 0, 4, 9)

    @rule(says=st.lists(SAYS, min_size=1, max_size=3), offset=SOON, hour=HOURS)
    def applications_come(self, says: list[Row], offset: int, hour: int) -> None:
        self.file_applications(says, offset, hour)

    def file_applications(self, says: list[Row], offset: int, hour: int) -> None:
        known = len(self.weeks.rows)
        moment = f"{self.weeks.day(offset)}T{hour:02d}:30:00{OFFSET}"
        names = [f"A{number + 1}" for number in range(known, min(known + len(says), MOST_APPLICATIONS))]
        rows = [application(name, **{**each, "filed_at": moment}) for name, each in zip(names, says, strict=False)]
        if rows:
            self.weeks.applications(*rows)

    @rule(data=st.data())
    def a_second_application_of_a_child_comes(self, data: st.DataObject) -> None:
        first = self.weeks.rows[data.draw(st.sampled_from(sorted(self.weeks.rows)))]
        name = f"A{len(self.weeks.rows) + 1}"
        if len(self.weeks.rows) < MOST_APPLICATIONS:
            row = application(name, birth_date=first["birth_date"], child_iin=first["child_iin"])
            self.weeks.applications({**row, "filed_at": f"{self.weeks.day(0)}T08:00:00{OFFSET}"})

    @rule(data=st.data(), changes=st.lists(CHANGES, min_size=1, max_size=3))
    def circumstances_change(self, data: st.DataObject, changes: list[Row]) -> None:
        names = data.draw(st.permutations(sorted(self.weeks.rows)))
        rows = []
        for name, change in zip(names, changes, strict=False):
            row = {**self.weeks.rows[name], **change}
            if "birth_date" in change and change["birth_date"] != self.weeks.rows[name]["birth_date"]:
                row["child_iin"] = iin(name, row["birth_date"])
            rows.append(row)
        self.weeks.applications(*rows)

    @rule(offers=st.lists(OFFERS, min_size=1, max_size=2), offset=SOON, away=st.integers(3, 12), hour=HOURS)
    def hand_over(self, offers: list[Row], offset: int, away: int, hour: int) -> None:
        known = len(self.weeks.vacancies)
        names = [f"V{number + 1}" for number in range(known, min(known + len(offers), MOST_VACANCIES))]
        rows = []
        for name, offer in zip(names, offers, strict=False):
            dated = {"published_at": f"{self.weeks.day(offset)}T{hour:02d}:15:00{OFFSET}"}
            if offer["admission"] == "temporary":
                dated |= {"start_date": self.weeks.day(offset), "attend_until": self.weeks.day(offset + away)}
            rows.append(place(name, self.weeks.day(offset), **{**offer, **dated}))
        if rows:
            self.weeks.bulletin(*rows)

    @rule(data=st.data(), offset=SOON)
    def a_place_booked_early_is_vacated(self, data: st.DataObject, offset: int) -> None:
        early = [name for name, row in sorted(self.weeks.vacancies.items()) if row["admission"] == "early_booking"]
        if early:
            row = self.weeks.vacancies[data.draw(st.sampled_from(early))]
            self.weeks.bulletin({**row, "vacated_on": self.weeks.day(offset)})

    @rule(data=st.data(), places=st.integers(1, 3), offset=SOON)
    def places_are_withdrawn(self, data: st.DataObject, places: int, offset: int) -> None:
        self.weeks.withdraw(data.draw(st.sampled_from(sorted(self.weeks.vacancies))), places, offset)

    @precondition(lambda self: self.weeks.last_run)
    @rule(data=st.data(), offset=SOON, strangers=st.booleans())
    def vouchers_are_decided(self, data: st.DataObject, offset: int, strangers: bool) -> None:
        live = [row["application_id"] for row in self.weeks.department.vouchers() if row["status"] == "issued"]
        names = sorted(self.weeks.rows) if strangers or not live else sorted(live)
        kinds = st.sampled_from(["admit", "admit", "decline", "refuse", "extend"])
        self.weeks.decide(data.draw(st.dictionaries(st.sampled_from(names), kinds, min_size=1, max_size=3)), offset)

    @rule(
        data=st.data(),
        kind=st.sampled_from(["stop", "unstop", "archive", "restore"]),
        offset=st.sampled_from([None, None, -1, 0, 1, 2]),
    )
    def an_officer_acts(self, data: st.DataObject, kind: str, offset: int | None) -> None:
        state = {"unstop": "stopped", "restore": "archived"}.get(kind)
        fitting = self.weeks.sql(f"select application_id from application where state = '{state}'") if state else []
        names = sorted(str(name) for (name,) in fitting) or sorted(self.weeks.rows)
        self.weeks.act(kind, data.draw(st.sampled_from(names)), offset)

    @rule(offset=st.integers(1, 9), kind=st.sampled_from(["working", "day_off"]))
    def a_working_day_is_moved(self, offset: int, kind: str) -> None:
        self.weeks.calendar(offset, kind)

    @rule(days=st.sampled_from([1, 1, 1, 2, 3, 4]))
    def night_falls(self, days: int) -> None:
        self.weeks.night(days)

    @rule()
    def another_night_falls(self) -> None:
        self.weeks.night()

    def teardown(self) -> None:
        if hasattr(self, "weeks"):
            self.weeks.end()
        self.folder.cleanup()


TestRandomWeeks = RandomWeeks.TestCase
TestRandomWeeks.settings = settings(
    max_examples=12, stateful_step_count=20, suppress_health_check=[HealthCheck.too_slow]
)


# The checks bite: a night with one guard off is caught by them


def a_plain_week(folder: Path) -> None:
    """Three children, a place that lapses, the stop-list, the way back, a decline dated ahead; checked all along."""
    weeks = Weeks(folder)
    weeks.applications(*(application(f"A{n}", filed_at=f"2026-01-1{n}T10:00:00+05:00") for n in (1, 2, 3)))
    weeks.bulletin(place("V1", "2026-02-02"), place("V2", "2026-02-02", organization="K2"))
    weeks.night()
    weeks.decide({"A2": "decline"}, 2)
    weeks.night(20)
    weeks.end()
    vouchers = weeks.department.vouchers()
    assert sum(row["status"] == "expired" for row in vouchers) >= 2, "nothing lapsed: the week shows nothing"
    assert any(row["application_id"] == "A1" and row["issued_on"] > "2026-02-13" for row in vouchers)


def test_a_plain_week_passes_every_check(tmp_path: Path) -> None:
    """Rules C3, D6, E1, F1: what the weeks below leave out is there."""
    a_plain_week(tmp_path / "department")


@pytest.mark.parametrize("step", ["lapse_vouchers", "return_from_stop_list"])
def test_a_night_that_leaves_out_a_step_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """Rules D6, E1: a voucher that never lapses, an application that never comes back."""
    # The night's own checks would refuse it (decision 8): here they are off too.
    steps = tuple(each for each in night_run.STEPS if each.__name__ not in (step, "check_records"))
    assert len(steps) == len(night_run.STEPS) - 2
    monkeypatch.setattr(night_run, "STEPS", steps)
    with pytest.raises(AssertionError, match=r"\(D6\)|\(E1\)"):
        a_plain_week(tmp_path / "department")


def test_a_night_that_overlooks_a_free_place_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rule C3: a place left free is found by the judge, who reads the files and not the store."""

    def overlooks_the_last(*arguments: Any) -> FreePlaces:
        free = read_free_places(*arguments)
        columns = ("vacancy_row", "queue", "organization", "kind", "rank", "free", "birth_first", "birth_last", "begun")
        return replace(free, **{name: getattr(free, name)[:-1] for name in columns})

    monkeypatch.setattr(night_serve, "read_free_places", overlooks_the_last)
    with pytest.raises(AssertionError, match=r"service\.skipped"):
        a_plain_week(tmp_path / "department")


def test_a_night_that_gives_a_place_before_the_day_of_its_return_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Decision 1.2: a decline dated ahead leaves the place held until its day."""
    monkeypatch.setattr(night_serve, "held_until_later", lambda _night: [])
    with pytest.raises(AssertionError, match=r"not in the queue|place\.overfull"):
        a_plain_week(tmp_path / "department")
