"""What a night did, in words."""

from __future__ import annotations

from queue_engine.night.context import NightReport

MOST_FINDINGS = 10
"""Findings told one by one in a night's words."""


def night_in_words(report: NightReport) -> str:
    """One paragraph for the officer.

    >>> from datetime import date
    >>> night_in_words(NightReport("astana", date(2026, 3, 20), repeated=True))
    'astana, night of 2026-03-20: on record already, nothing changed.'
    """
    start = f"{report.locality}, night of {report.day}: "
    if report.failure is not None:
        return f"{start}{report.failure}"
    if report.repeated:
        return start + "on record already, nothing changed."
    parts = [
        f"{count} {words}"
        for count, words in (
            (report.reclassified, "classed anew"),
            (report.acts, "officers' acts of the day done"),
            (report.withdrawn, "places withdrawn"),
            (report.terms_begun, "terms begun"),
            (report.unconfirmed, "vouchers cancelled for want of proof"),
            (report.lapsed, "vouchers lapsed"),
            (report.back, "back from the stop-list"),
            (report.stays_ended, "temporary stays ended"),
            (report.over_age, "archived as over age"),
        )
        if count
    ]
    if report.suspended:
        parts.append("no vouchers: the day is suspended (rule B7)")
    else:
        served = f"{report.free} places free for {report.standing} applications, {report.vouchers} vouchers issued"
        parts.append(served if report.free else "no free places, no vouchers")
    text = start + ", ".join(parts) + "."
    if report.refused_withdrawals:
        ids = ", ".join(report.refused_withdrawals)
        text += f" Withdrawals refused, their places are held (rule B6): {ids}."
    lines = [text, *(f"Not done: {act}" for act in report.refused_acts)]
    lines += [f"Found: {finding}" for finding in report.found[:MOST_FINDINGS]]
    if report.findings > MOST_FINDINGS:
        lines.append(f"Found {report.findings - MOST_FINDINGS} more such: `kezek check` tells all of them.")
    return "\n".join(lines)
