"""Property tests search anew on a developer's machine and repeat themselves in continuous integration."""

from __future__ import annotations

import os

from hypothesis import settings

from support import real_city

settings.register_profile("here", deadline=None)
settings.register_profile("continuous-integration", deadline=None, derandomize=True)
settings.load_profile("continuous-integration" if os.environ.get("CI") else "here")

# The open data of a real city are not part of the project: without them its test is not collected here, and fails in
# continuous integration.
collect_ignore = [] if real_city.is_there() or os.environ.get("CI") else ["acceptance/test_real_city.py"]
