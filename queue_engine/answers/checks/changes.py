"""Changes against what they did, and the rest: what is named by its change, and waits for its day."""

from __future__ import annotations

from bulletins.vacancy import AdmissionOrder, GroupType, Regime
from queue_engine.answers.checks.finding import Findings, Kind
from queue_engine.answers.checks.history import History
from queue_engine.answers.checks.view import View

BY = Kind("change.kind", "H1", "change {0} is told as {1}, and {2} of it are on record")
EMPTY = Kind("change.empty", "H1", "change {0} ({1}) did nothing that is on record")
DATED = Kind("change.day", "H1", "change {0} ({1}): a day or a note that such a change does not have, or none")
ACT = Kind("act.locality", "1.24", "a waiting act of application {0} is of another locality, unknown, or overdue")
ACTS = "'stop-list add', 'stop-list remove', 'archive', 'restore', 'confirm'"
IMPORTS = "'import applications', 'import bulletin', 'import withdrawals', 'import decisions'"
KINDS = f"{ACTS}, {IMPORTS}, 'night', 'rules import', 'calendar import'"
DONE_BY = (
    ("application", "registered_change", "import applications"),
    ("vacancy", "registered_change", "import bulletin"),
    ("withdrawal", "change_id", "import withdrawals"),
    ("decision", "change_id", "import decisions"),
)


PROFILE = Kind("profile.words", "C1", "profile {0}: what it asks for are no words of the rules")
LANGUAGE = Kind("application.language", "G1", "application {0}: the language of its notices is none of the three")
WORDS = {
    "group_type": tuple(GroupType),
    "regimes": tuple(Regime),
    "accepts": tuple(AdmissionOrder),
}


def acts(view: View, _history: History) -> Findings:
    """Acts that wait are of their application's locality and still to come; notices are in a language there is."""
    yield from view.found(
        LANGUAGE,
        "select application_id from application where locality_id = {l} and notice_language not in ('kk', 'ru', 'en')",
    )
    yield from view.found(
        ACT,
        "select a.application_id from waiting_act w join application a on a.application_row = w.application_row "
        "join locality l on l.locality_id = a.locality_id where a.locality_id = {l} "
        f"and (w.locality_id <> a.locality_id or w.kind not in ({ACTS}) or w.on_day <= l.last_run_on)",
    )


def changes(view: View) -> Findings:
    """Changes of the whole database; `view` may be of any locality."""
    for table, column, kind in DONE_BY:
        yield from view.found(
            BY,
            f"select c.change_id, c.kind, '{table}' from change c where c.kind <> '{kind}' "
            f"and c.change_id in (select {column} from {table})",
        )
    yield from view.found(
        BY,
        "select c.change_id, c.kind, 'runs' from change c left join run r on r.change_id = c.change_id "
        "group by c.change_id, c.kind having (case when c.kind = 'night' then 1 else 0 end) <> count(r.run_id)",
    )
    for profile, *asked in view.rows("select profile_id, group_type, regimes, accepts, languages from profile"):
        words = zip(WORDS.values(), asked, strict=False)
        if any(set(text.split("|")) - set(known) for known, text in words) or not asked[3].replace("|", "").islower():
            yield view.of(PROFILE, profile)
    yield from view.found(
        EMPTY,
        f"select c.change_id, c.kind from change c where c.kind in ({ACTS}) "
        "and c.change_id not in (select change_id from movement)",
    )
    yield from view.found(
        DATED,
        f"select change_id, kind from change where kind not in ({KINDS}) "
        f"or (on_day is null) = (kind in ({ACTS}, 'night')) or (note <> '' and kind <> 'rules import')",
    )
