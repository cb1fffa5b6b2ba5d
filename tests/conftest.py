"""What all tests share: how hypothesis searches, the real city's data, figures of faults, processes, a made nation."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from support import real_city
from support.figures import FULL, Figure, write_page
from support.nation import Nation
from support.processes import finish

# Property tests search anew on a developer's machine and repeat themselves in continuous integration.
settings.register_profile("here", deadline=None)
settings.register_profile("continuous-integration", deadline=None, derandomize=True)
settings.load_profile("continuous-integration" if os.environ.get("CI") else "here")

# The open data of a real city are not part of the project: without them its test is not collected here, and fails in
# continuous integration.
collect_ignore = [] if real_city.is_there() or os.environ.get("CI") else ["acceptance/test_real_city.py"]

FIGURES = pytest.StashKey[dict[str, list[Figure]]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--reliability", metavar="FILE", help="write the figures of the fault tests to this page")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[FIGURES] = {}


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Callable[[Figure], None]:
    """Tell a figure of a fault test, and fail if anything was lost."""

    def tell(told: Figure) -> None:
        has_sizes = {"sized", "FULL"} & vars(request.module).keys()
        told = told._replace(full=FULL or not has_sizes)
        print(told)
        request.config.stash[FIGURES].setdefault(request.node.nodeid, []).append(told)
        assert told.losses == 0, told

    return tell


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[str]]]:
    """Processes that a test has started; none outlives it."""
    processes: list[subprocess.Popen[str]] = []
    yield processes
    for process in processes:
        process.kill()
        finish(process)


@pytest.fixture(scope="module")
def nation(tmp_path_factory: pytest.TempPathFactory) -> Nation:
    """Four localities of some 230 applications each."""
    return Nation.make(tmp_path_factory.mktemp("nation"), scale=0.02, localities=4)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Publish the figures of a run in which every test passed."""
    page = session.config.getoption("--reliability")
    if page and exitstatus == pytest.ExitCode.OK:
        write_page(Path(page), session.config.stash[FIGURES])
