"""What the schema itself promises, looked for with its guards off: references, unique things, bounds."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import CheckConstraint, Connection, ForeignKeyConstraint, Index, Table, UniqueConstraint

from queue_engine.answers.checks.finding import Findings, Kind
from queue_engine.store.bulk import rows_of
from queue_engine.store.tables import metadata

MISSING = Kind("reference.missing", "H1", "{0}: {2} rows name a row of {1} that is not there")
TWICE = Kind("record.twice", "H1", "{0}: {1} values are there more than once, and may be only once")
BOUNDS = Kind("record.bounds", "H1", "{0}: {1} rows are outside what the schema allows")


def references(connection: Connection) -> Findings:
    """Every foreign key, unique thing and bound of the schema, table by table."""
    for table in metadata.sorted_tables:
        for constraint in sorted(table.constraints, key=lambda each: str(each.name)):
            if isinstance(constraint, ForeignKeyConstraint):
                yield from _missing(connection, constraint)
            elif isinstance(constraint, UniqueConstraint):
                yield from _twice(connection, table, [column.name for column in constraint.columns], "")
            elif isinstance(constraint, CheckConstraint):
                outside = rows_of(connection, f"select count(*) from {table.name} where not ({constraint.sqltext})")
                if outside[0][0]:
                    yield BOUNDS.of("", f"{table.name} ({constraint.name})", outside[0][0])
        for index in sorted(table.indexes, key=lambda each: str(each.name)):
            if index.unique:
                yield from _twice(connection, table, [column.name for column in index.columns], _condition(index))


def _missing(connection: Connection, key: ForeignKeyConstraint) -> Findings:
    """Rows that name a row that is not there."""
    [element] = key.elements
    child, parent = element.parent, element.column
    lost = rows_of(
        connection,
        f"select count(*) from {child.table.name} c where c.{child.name} is not null and not exists "
        f"(select 1 from {parent.table.name} p where p.{parent.name} = c.{child.name})",
    )
    if lost[0][0]:
        yield MISSING.of("", f"{child.table.name}.{child.name}", parent.table.name, lost[0][0])


def _twice(connection: Connection, table: Table, columns: Iterable[str], condition: str) -> Findings:
    names = ", ".join(columns)
    again = rows_of(
        connection,
        f"select count(*) from (select 1 from {table.name} {condition} group by {names} having count(*) > 1) as again",
    )
    if again[0][0]:
        yield TWICE.of("", f"{table.name} ({names})", again[0][0])


def _condition(index: Index) -> str:
    where = index.dialect_options["sqlite"]["where"]
    return "" if where is None else f"where {where.compile(compile_kwargs={'literal_binds': True})}"
