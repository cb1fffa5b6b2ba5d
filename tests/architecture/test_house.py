"""The house keeps its own rules: who imports whom, style, types, sizes, the clock, and a command that starts light.

Each judge is shown something bad first, or beside: a judge that finds nothing anywhere would prove nothing.
"""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
PACKAGES = ("bulletins", "allocators", "queue_engine")
LONGEST_FILE = 450
LONGEST_FUNCTION = 60
PATIENCE = 170
HEAVY = ("sqlalchemy", "alembic", "numpy", "holidays", "phonenumbers", "python_calamine", "openpyxl")
LINT_IMPORTS = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
# A migration is written once, by a tool, and never changed: its length is that of the schema.
WRITTEN_ONCE = CHECKOUT / "queue_engine" / "store" / "migrations" / "versions"


def run(*words: str, folder: Path = CHECKOUT) -> tuple[int, str]:
    """Run Python with these words in a folder; its exit code and all that it said."""
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def annex(tmp_path: Path) -> Path:
    """A copy of the packages and their settings, to be spoilt."""
    for package in PACKAGES:
        shutil.copytree(CHECKOUT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(CHECKOUT / "pyproject.toml", tmp_path)
    return tmp_path


def spoil(file: Path, line: str) -> None:
    file.write_text(file.read_text(encoding="utf-8") + f"\n{line}\n", encoding="utf-8")


def test_imports_follow_the_contracts() -> None:
    code, said = run("-c", LINT_IMPORTS)
    assert code == 0, said
    assert "0 broken" in said
    assert "0 kept" not in said


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("bulletins/vacancy.py", "import queue_engine.errors"),
        ("allocators/arrays.py", "import bulletins.vacancy"),
        ("queue_engine/domain/queue.py", "import queue_engine.store.tables"),
        ("allocators/checks.py", "import allocators.queue_order"),
        ("allocators/checks.py", "import allocators.compiled"),
        ("queue_engine/answers/checks/places.py", "import queue_engine.store.vouchers"),
    ],
)
def test_an_import_against_the_contracts_is_found(annex: Path, file: str, line: str) -> None:
    spoil(annex / file, line)
    code, said = run("-c", LINT_IMPORTS, folder=annex)
    assert code != 0
    assert "BROKEN" in said


def test_the_linter_finds_nothing() -> None:
    code, said = run("-m", "ruff", "check", "--no-cache", ".")
    assert code == 0, said


def test_every_file_is_formatted() -> None:
    code, said = run("-m", "ruff", "format", "--check", "--no-cache", ".")
    assert code == 0, said


def test_linter_and_formatter_find_what_is_bad(annex: Path) -> None:
    """A clock, chance, an unused import, and two blanks too many."""
    spoil(annex / "queue_engine" / "errors.py", "import random, datetime\nNOW  =  datetime.date.today()")
    code, said = run("-m", "ruff", "check", "--no-cache", ".", folder=annex)
    assert code != 0
    assert "TID251" in said
    assert run("-m", "ruff", "format", "--check", "--no-cache", ".", folder=annex)[0] != 0


def test_types_hold_strictly() -> None:
    code, said = run("-m", "mypy")
    assert code == 0, said
    assert "no issues found" in said


def sources() -> list[tuple[Path, str]]:
    """Every module of the packages with its text."""
    found = [path for package in PACKAGES for path in sorted((CHECKOUT / package).rglob("*.py"))]
    return [(path, path.read_text(encoding="utf-8")) for path in found]


def functions(text: str) -> Iterator[tuple[str, int]]:
    """Every function of a module and the number of its lines."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


def too_long(sources: list[tuple[Path, str]]) -> list[str]:
    """Files and functions longer than the house allows."""
    found = []
    for path, text in sources:
        if len(text.splitlines()) > LONGEST_FILE:
            found.append(f"{path.name}: {len(text.splitlines())} lines")
        found += [f"{path.name}: {name} has {size} lines" for name, size in functions(text) if size > LONGEST_FUNCTION]
    return found


def test_files_and_functions_are_short() -> None:
    written = [(path, text) for path, text in sources() if WRITTEN_ONCE not in path.parents]
    assert len(written) > 50
    assert too_long(written) == []


def test_a_long_file_and_a_long_function_are_found() -> None:
    long = "def f():\n" + "    x = 1\n" * LONGEST_FUNCTION
    assert too_long([(Path("a.py"), long), (Path("b.py"), "x = 1\n" * (LONGEST_FILE + 1))]) == [
        f"a.py: f has {LONGEST_FUNCTION + 1} lines",
        f"b.py: {LONGEST_FILE + 1} lines",
    ]


CLOCKS = {
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
    "time": {"time", "time_ns", "localtime", "gmtime", "ctime", "strftime", "clock_gettime"},
}


def clocks(text: str) -> list[str]:
    """Where a module asks the machine for the day or the hour; a stopwatch (perf_counter) is none of it."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute):
            asked = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
            if node.attr in CLOCKS.get(asked, ()) or node.attr in ("utcnow", "clock_gettime", "time_ns"):
                found.append(f"line {node.lineno}: {asked}.{node.attr}")
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            found += [f"line {node.lineno}: {name.name}" for name in node.names if name.name in CLOCKS["time"]]
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "current_timestamp" in node.value.lower():
            found.append(f"line {node.lineno}: the clock of the database")
    return found


def test_only_the_settings_ask_the_machine_for_its_clock() -> None:
    """Rule F1: days come from the run and the records, never from the machine's clock."""
    asking = {path.relative_to(CHECKOUT).as_posix(): clocks(text) for path, text in sources()}
    assert [path for path, found in asking.items() if found] == ["queue_engine/settings.py"], asking


def test_a_clock_is_found_however_it_is_asked() -> None:
    for line in (
        "datetime.now(UTC)",
        "datetime.datetime.utcnow()",
        "date.today()",
        "time.time()",
        "from time import time",
        "sql('insert into t values (CURRENT_TIMESTAMP)')",
    ):
        assert clocks(line), line
    assert clocks("perf_counter()\nfrom time import perf_counter\nday.date()") == []


def test_help_starts_without_the_heavy_libraries() -> None:
    """`kezek --help` answers at once: what a night needs is imported by the night."""
    asked = (
        "import sys; from queue_engine.cli.main import main; code = main(sys.argv[1:]); "
        f"print(code, sorted(set({HEAVY!r}) & set(sys.modules)), file=sys.stderr)"
    )
    code, said = run("-c", asked, "--help")
    assert code == 0, said
    assert said.splitlines()[-1] == "0 []"


def test_a_command_that_needs_them_does_import_them(tmp_path: Path) -> None:
    """The twin of the measure: the same question after `kezek init` finds the database library."""
    asked = (
        "import sys; from queue_engine.cli.main import main; code = main(sys.argv[1:]); "
        f"print(code, sorted(set({HEAVY!r}) & set(sys.modules)), file=sys.stderr)"
    )
    _code, said = run("-c", asked, "--database", f"sqlite:///{tmp_path / 'kezek.db'}", "init")
    assert "sqlalchemy" in said.splitlines()[-1]
