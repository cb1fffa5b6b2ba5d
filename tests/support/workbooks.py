"""Files made for the tests of reading: good rows, their CSV and XLSX forms, bombs. All people in them are made up."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import openpyxl

APPLICATION = [
    "application_id",
    "filed_at",
    "locality",
    "child_iin",
    "birth_date",
    "benefit",
    "languages",
    "group_type",
    "regimes",
    "organizations",
    "accepts",
    "phones",
    "email",
    "notice_language",
]
VACANCY = [
    "vacancy_id",
    "published_at",
    "locality",
    "organization",
    "age_group",
    "birth_year",
    "language",
    "group_type",
    "regime",
    "admission",
    "places",
    "start_date",
    "vacated_on",
    "attend_until",
]
WITHDRAWAL = ["withdrawal_id", "withdrawn_at", "vacancy_id", "places", "reason"]
DECISION = ["decision_id", "application_id", "decided_on", "decision", "reason"]

FIRST_WEIGHTS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
SECOND_WEIGHTS = (3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2)

Rows = list[list[str]]


def iin_of(born: date, serial: int) -> str | None:
    """The number of a made-up boy; None if it is one of those never issued."""
    century = {18: 1, 19: 3, 20: 5}[born.year // 100]
    stem = f"{born:%y%m%d}{century}{serial:04d}"
    for weights in (FIRST_WEIGHTS, SECOND_WEIGHTS):
        check = sum(weight * int(digit) for weight, digit in zip(weights, stem, strict=True)) % 11
        if check < 10:
            return f"{stem}{check}"
    return None


def iins(born: date) -> Iterator[str]:
    """All numbers that could be issued to boys of that day."""
    return (iin for serial in range(10_000) if (iin := iin_of(born, serial)) is not None)


def application(number: int = 1, **cells: str) -> list[str]:
    """A good application row; `cells` replaces some of it."""
    born = date(2021, 1, 1) + timedelta(days=number % 700)
    row = {
        "application_id": f"A-{number}",
        "filed_at": f"2024-05-{number % 28 + 1:02d}T09:00:00+05:00",
        "locality": "astana",
        "child_iin": next(iins(born)),
        "birth_date": born.isoformat(),
        "benefit": "none",
        "languages": "kk|ru",
        "group_type": "general",
        "regimes": "full_day|half_day",
        "organizations": "балдырған-7|айгөлек|*",
        "accepts": "standard|early_booking",
        "phones": f"+7701{number:07d}",
        "email": f"parent{number}@example.org",
        "notice_language": "kk",
    }
    return list((row | cells).values())


def vacancy(number: int = 1, **cells: str) -> list[str]:
    """A good row of a bulletin; `cells` replaces some of it."""
    row = {
        "vacancy_id": f"V-{number}",
        "published_at": "2026-03-20T09:00:00+05:00",
        "locality": "astana",
        "organization": "балдырған-7",
        "age_group": "3-4 жас",
        "birth_year": "2022",
        "language": "kk",
        "group_type": "general",
        "regime": "full_day",
        "admission": "standard",
        "places": "5",
        "start_date": "2026-04-01",
        "vacated_on": "",
        "attend_until": "",
    }
    return list((row | cells).values())


def csv_text(header: Iterable[str], rows: Iterable[Iterable[str]], delimiter: str = ",") -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows([list(header), *map(list, rows)])
    return out.getvalue()


def write_csv(
    path: Path, header: Iterable[str], rows: Iterable[Iterable[str]], encoding: str = "utf-8", delimiter: str = ","
) -> Path:
    path.write_bytes(csv_text(header, rows, delimiter).encode(encoding))
    return path


def write_xlsx(path: Path, header: Iterable[object], rows: Iterable[Iterable[object]], title: str = "Кесте") -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = title
    for row in (header, *rows):
        sheet.append([None if cell == "" else cell for cell in row])
    book.save(path)
    return path


def with_sheet_xml(path: Path, base: Path, pieces: Iterable[bytes]) -> Path:
    """The workbook `base` with the XML of its first sheet replaced, written piece by piece."""
    with zipfile.ZipFile(base) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            if name != "xl/worksheets/sheet1.xml":
                new.writestr(name, old.read(name))
        with new.open("xl/worksheets/sheet1.xml", "w", force_zip64=False) as part:
            for piece in pieces:
                part.write(piece)
    return path


SHEET_START = (
    b'<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
)
SHEET_END = b"</sheetData></worksheet>"


def bomb_pieces(megabytes: int) -> Iterator[bytes]:
    """A sheet of nothing but empty rows, as it unpacks."""
    yield SHEET_START
    for _ in range(megabytes):
        yield b"<row/>  " * (1 << 17)
    yield SHEET_END


def understate(path: Path, size: int) -> Path:
    """Make every place of the archive that declares the size of the first sheet say `size` instead."""
    data = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        true = archive.getinfo("xl/worksheets/sheet1.xml").file_size
    told = true.to_bytes(4, "little")
    assert data.count(told) >= 1
    path.write_bytes(data.replace(told, size.to_bytes(4, "little")))
    return path


def random_bytes(seed: int, length: int) -> bytes:
    return np.random.default_rng(seed).bytes(length)
