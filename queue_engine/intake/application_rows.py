"""Applications of a chunk in the form of the store, column by column.

It takes the rows that `application_file` takes, with the same values; all others are left to it, which says what is
wrong with them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from itertools import compress
from typing import Any, NamedTuple

from bulletins.chunks import AllFit, Bulk, RawRow, by_shape
from bulletins.columns import (
    PLAIN_EMAIL,
    PLAIN_ID,
    PLAIN_MOMENT,
    Memo,
    code,
    coded,
    day,
    email,
    language,
    moment,
    ordered,
    remembered,
    text_id,
)
from bulletins.reader import Reader
from bulletins.refusals import CellError
from bulletins.vacancy import GroupType, Regime
from queue_engine.domain.application import Application, Benefit, NoticeLanguage
from queue_engine.domain.iin import birth_date_of, check_iins
from queue_engine.domain.moments import EPOCH, MICROSECOND, to_us
from queue_engine.domain.phones import at_most_two
from queue_engine.intake.application_file import accepts, iin, organization, phones
from queue_engine.store.records import Profile

Cells = Sequence[str]


class Applications(NamedTuple):
    """Good rows of a chunk, column by column in the order of the file, as the store keeps them, but for ids."""

    raw: Sequence[RawRow]
    application_id: Sequence[str]
    filed_at_us: Sequence[int]
    locality: Sequence[str]
    child_iin: Sequence[str]
    birth_date: Sequence[date]
    benefit: Sequence[str]
    profile: Sequence[Profile]
    organizations: Sequence[tuple[str, ...]]
    phones: Sequence[str]
    email: Sequence[str]
    notice_language: Sequence[str]

    def where(self, wanted: Sequence[bool]) -> Applications:
        """The rows that are wanted."""
        return self if all(wanted) else Applications._make(list(compress(column, wanted)) for column in self)


class ChunkReader:
    """Reads chunks of one file of applications."""

    def __init__(self, reader: Reader[Application]) -> None:
        self._reader = reader
        self._bulks = _bulks()

    def read(self, chunk: Sequence[RawRow]) -> tuple[Applications | None, list[RawRow]]:
        """The good rows of a chunk, and all others for `Reader.read`; None if there is no good one."""
        plain, odd = by_shape(chunk, self._reader.width)
        if not plain:
            return None, odd
        columns = list(zip(*(cells for _line, cells in plain), strict=True))
        bad: set[int] = set()
        values: list[Sequence[Any]] = [plain]
        for bulk in self._bulks:
            column, refused = bulk.values([self._reader.column(name, columns) for name in bulk.columns])
            values.append(column)
            bad |= refused
        good = Applications._make(values)
        if not bad:
            return good, odd
        odd = sorted([*odd, *(plain[row] for row in bad)], key=lambda row: row[0])
        good = good.where([row not in bad for row in range(len(plain))])
        return (good if good.raw else None), odd


def _bulks() -> tuple[Bulk, ...]:
    """In the order of the columns of Applications."""
    born = remembered(day)
    profile = _profile()
    return (
        Bulk(("application_id",), text_id, _as_they_stand(PLAIN_ID)),
        Bulk(("filed_at",), lambda cell: to_us(moment(cell)), _moments_us),
        Bulk(("locality",), remembered(code)),
        Bulk(("child_iin", "birth_date"), _iin_of(born), _iins_of(born)),
        Bulk(("birth_date",), born),
        Bulk(("benefit",), _code_of(coded("benefit", Benefit))),
        Bulk(
            ("languages", "group_type", "regimes", "accepts"),
            lambda *cells: profile[cells],
            lambda *columns: [profile[cells] for cells in zip(*columns, strict=True)],
        ),
        _organizations(),
        Bulk(("phones",), lambda cell: "|".join(phones(cell)), _as_they_stand(at_most_two())),
        Bulk(("email",), email, _as_they_stand(PLAIN_EMAIL)),
        Bulk(("notice_language",), _code_of(coded("notice_language", NoticeLanguage))),
    )


def _as_they_stand(pattern: str) -> Callable[[Cells], Cells]:
    fit = AllFit(pattern)

    def values(cells: Cells) -> Cells:
        if not fit(cells):
            raise CellError
        return cells

    return values


def _code_of(parse: Callable[[str], str]) -> Callable[[str], str]:
    return remembered(lambda cell: str(parse(cell)))


_plain_moments = AllFit(PLAIN_MOMENT)


def _moments_us(cells: Cells) -> list[int]:
    if not _plain_moments(cells):
        raise CellError
    return [(at - EPOCH) // MICROSECOND for at in map(datetime.fromisoformat, cells)]


def _iin_of(born: Callable[[str], date]) -> Callable[[str, str], str]:
    def one(number: str, birth_date: str) -> str:
        checked = iin(number)
        if birth_date_of(checked) != born(birth_date):
            raise CellError
        return checked

    return one


def _iins_of(born: Callable[[str], date]) -> Callable[[Cells, Cells], Cells]:
    def many(numbers: Cells, birth_dates: Cells) -> Cells:
        if check_iins(numbers) != list(map(born, birth_dates)):
            raise CellError
        return numbers

    return many


def _profile() -> Memo[tuple[str, ...], Profile]:
    languages, group = ordered(language()), coded("group_type", GroupType)
    regimes, orders = ordered(coded("regime", Regime)), accepts()

    def parse(cells: tuple[str, ...]) -> Profile:
        asked = languages(cells[0]), (group(cells[1]),), regimes(cells[2]), orders(cells[3])
        return Profile(*map(_listed, asked))

    return Memo(parse)


def _listed(items: Iterable[str]) -> str:
    return "|".join(items)


def _organizations() -> Bulk:
    each = remembered(organization)

    def many(cells: Cells) -> list[tuple[str, ...]]:
        wishes = [tuple(map(each, cell.split("|"))) for cell in cells]
        if sum(map(len, map(set, wishes))) != sum(map(len, wishes)):
            raise CellError  # one of them names an organisation twice
        return wishes

    return Bulk(("organizations",), ordered(each), many)
