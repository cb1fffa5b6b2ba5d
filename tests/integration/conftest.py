"""A department with the parameters of the law and nothing of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.department import Department


@pytest.fixture
def city(tmp_path: Path) -> Department:
    return Department(tmp_path)
