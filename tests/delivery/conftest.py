"""What the tests of delivery share: waybills by the number, and a far side on 127.0.0.1."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from tests.delivery.processes import Processes
from tests.wechat.farside import FarSide, far_side

# Each of the two proves something of its own database.
collect_ignore = ["test_on_sqlite.py"] if connection.vendor == "postgresql" else ["test_database_restarts.py"]


@pytest.fixture
def far(change: Any, transactional_db: None) -> Iterator[FarSide]:
    """Return a far side that the settings point to."""
    with far_side() as side:
        change("WECHAT", api_base=side.base, appid="wx1", secret="s3cret")
        yield side


@pytest.fixture
def processes(tmp_path: Path, transactional_db: None) -> Iterator[Processes]:
    """Return what starts real processes; they end with the test."""
    started = Processes(tmp_path)
    yield started
    started.stop_all()
