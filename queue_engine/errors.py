"""The one base of Kezek's errors: a stable code, what happened, the rule, what to do next."""

from __future__ import annotations

from enum import IntEnum
from typing import Any


class ExitCode(IntEnum):
    """Exit codes of the command (the public contract)."""

    DONE = 0
    INPUT_REFUSED = 1
    WRONG_USAGE = 2
    AGAINST_THE_RULES = 3
    LOCALITY_HELD = 75


class KezekError(Exception):
    """What went wrong, for whom, by which rule, and what to do next. Never carries an IIN, a name or a phone.

    >>> print(KezekError("voucher.none", "application A-1 has no voucher.", rule="D3", next_step="Run the night."))
    [voucher.none] application A-1 has no voucher. Rule D3. Run the night.
    """

    exit_code = ExitCode.AGAINST_THE_RULES

    def __init__(self, code: str, what: str, *, rule: str = "", next_step: str = "") -> None:
        self.code = code
        self.what = what
        self.rule = rule
        self.next_step = next_step
        words = [f"[{code}] {what}"]
        if rule:
            words.append(f"Rule {rule}.")
        if next_step:
            words.append(next_step)
        super().__init__(" ".join(words))

    def __reduce__(self) -> tuple[Any, ...]:
        """An error of a night comes whole from another process."""
        return _again, (type(self), self.code, self.what, self.rule, self.next_step)


def _again(kind: type[KezekError], code: str, what: str, rule: str, next_step: str) -> KezekError:
    return kind(code, what, rule=rule, next_step=next_step)


class RuleBroken(KezekError):
    """A request that the rules do not allow; exit 3."""


class InputRefused(KezekError):
    """A file or a value that cannot be taken; exit 1."""

    exit_code = ExitCode.INPUT_REFUSED


class WrongUsage(KezekError):
    """The command was called in a way that cannot be done; exit 2."""

    exit_code = ExitCode.WRONG_USAGE


class LocalityHeld(KezekError):
    """Another run holds the locality; exit 75."""

    exit_code = ExitCode.LOCALITY_HELD


def disk_error(why: str) -> WrongUsage:
    """The disk of the records is full, fails, or may not be written to.

    >>> print(disk_error("the disk is full"))
    [database.disk] the disk is full; nothing half-done was kept. Look after the disk, then do it again.
    """
    return WrongUsage(
        "database.disk", f"{why}; nothing half-done was kept.", next_step="Look after the disk, then do it again."
    )
