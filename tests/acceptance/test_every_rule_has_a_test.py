"""No rule and no decision without a test that names it in its docstring."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parent.parent
ACCEPTANCE = Path(__file__).parent
RECORD = TESTS.parent / "docs" / "decisions" / "0001-where-the-rules-are-silent.md"
LAST = {"A": 8, "B": 7, "C": 4, "D": 7, "E": 2, "F": 3}


def sayings(folder: Path) -> Iterator[str]:
    """Docstrings of all test functions under the folder."""
    for path in sorted(folder.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield ast.get_docstring(node) or ""


def test_every_rule_has_a_test_that_names_it() -> None:
    """All rules A1 to F3 are shown by a test of the acceptance suite."""
    named = {rule for saying in sayings(ACCEPTANCE) for rule in re.findall(r"\bRule ([A-F]\d)\b", saying)}
    wanted = {f"{part}{number}" for part, last in LAST.items() for number in range(1, last + 1)}
    assert wanted - named == set()
    assert named <= wanted


def test_every_decision_has_a_test_that_names_it() -> None:
    """Every entry of the decision record is shown by a test; the record says which there are."""
    entries = set(re.findall(r"^- \*\*(1\.\d+)\b", RECORD.read_text(encoding="utf-8"), re.MULTILINE))
    assert {"1.1", "1.28"} <= entries
    named = {
        entry
        for saying in sayings(TESTS)
        for words in re.findall(r"\bDecisions? ((?:1\.\d+(?:, | and )?)+)", saying)
        for entry in re.findall(r"1\.\d+", words)
    }
    assert entries - named == set()
