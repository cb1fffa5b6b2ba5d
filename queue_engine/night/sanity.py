"""The last step of a night: whether the records agree, before they are committed (decision 8)."""

from __future__ import annotations

from datetime import timedelta

from queue_engine.answers.checks.finding import Finding
from queue_engine.answers.checks.nightly import night_records, standing_records
from queue_engine.answers.checks.view import View
from queue_engine.domain.moments import end_of
from queue_engine.errors import RuleBroken
from queue_engine.night.context import Night


def check_records(night: Night) -> None:
    """Compare what the night wrote, and what it works with; tell what was wrong before, refuse what is wrong by it.

    Raises: RuleBroken if the records disagree since this night, which rolls it back.
    """
    night.ledger.write()
    view = View(night.connection, night.locality.locality_id, night.locality.locality)
    own = night_records(view, night.day, night.run_id, night.ledger.change_id, night.report.counts())
    found = standing_records(view, night.day, night.cutoff_us)
    if found:
        before = {(one.code, one.id) for one in _evening_before(night)}
        own += [one for one in found if (one.code, one.id) not in before]
        found = [one for one in found if (one.code, one.id) in before]
    if own:
        raise RuleBroken(
            "run.unsound",
            f"the records of this night do not agree with each other, {len(own)} times; nothing of it was kept. "
            f"The first: {own[0]}",
            rule="F3",
            next_step="Run it again; if it fails again, keep the database and ask for help.",
        )
    night.report.findings = len(found)
    night.report.found = tuple(str(one) for one in found)


def _evening_before(night: Night) -> list[Finding]:
    """What was wrong before this night began: another connection sees nothing of it yet."""
    yesterday = night.day - timedelta(days=1)
    with night.connection.engine.connect() as connection, connection.begin():
        view = View(connection, night.locality.locality_id, night.locality.locality)
        return standing_records(view, yesterday, end_of(yesterday, night.locality.timezone))
