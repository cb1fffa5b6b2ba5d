"""What can be wrong with the law: a data file, a department's file, a value, a calendar, an age."""

from __future__ import annotations

from queue_engine.errors import InputRefused, KezekError


class LawError(KezekError):
    """The law shipped with Kezek cannot be read, or holds no value for a day."""


class BadValue(InputRefused):
    """A value that its parameter cannot have; `what` says what is expected."""


class CalendarError(KezekError):
    """A day, a country or a number of days that the working calendar cannot answer for."""


class AgeError(KezekError):
    """An age that leads outside the years 1 to 9999."""
