"""The status as metrics of Prometheus, on the loopback address alone, without personal data (decision 9)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from queue_engine.answers.status import LocalityStatus, Status, has_failed
from queue_engine.domain.moments import start_of
from queue_engine.errors import KezekError, WrongUsage

LOOPBACK = "127.0.0.1"

ReadStatus = Callable[[], Status]


class StatusCollector(Collector):
    """Reads the status anew for every scrape."""

    def __init__(self, read: ReadStatus) -> None:
        self._read = read

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Nothing is read when it is registered."""
        return iter(())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The metrics of now; only `kezek_up` = 0 if the records cannot be read."""
        try:
            status = self._read()
        except (SQLAlchemyError, KezekError):
            yield GaugeMetricFamily("kezek_up", "Whether the records can be read.", value=0)
            return
        yield GaugeMetricFamily("kezek_up", "Whether the records can be read.", value=1)
        yield GaugeMetricFamily("kezek_overdue", "Things that somebody has to look after.", value=len(status.overdue))
        yield from _of_the_scheduler(status)
        for name, words, value in _OF_LOCALITIES:
            family = GaugeMetricFamily(name, words, labels=["locality"])
            for entry in status.localities:
                found = value(entry)
                if found is not None:
                    family.add_metric([entry.locality], found)
            yield family
        waiting = GaugeMetricFamily(
            "kezek_waiting", "What waits for its day, and what ends soon.", labels=["locality", "what"]
        )
        for entry in status.localities:
            for what, count in entry.waiting._asdict().items():
                waiting.add_metric([entry.locality, what], count)
        yield waiting


def _of_the_scheduler(status: Status) -> Iterator[GaugeMetricFamily]:
    if status.heartbeat_age is not None:
        yield GaugeMetricFamily(
            "kezek_heartbeat_age_seconds", "Time since the scheduler's heartbeat.", value=status.heartbeat_age
        )
    beat = status.heartbeat
    if beat is not None and beat.alarm_at is not None and beat.jumped is not None:
        yield GaugeMetricFamily(
            "kezek_clock_alarm_timestamp_seconds",
            "When the clock was last seen to jump.",
            value=beat.alarm_at.timestamp(),
        )
        yield GaugeMetricFamily(
            "kezek_clock_jumped_seconds",
            "By how much it jumped then; negative: back.",
            value=beat.jumped.total_seconds(),
        )


def _last_night(entry: LocalityStatus) -> float | None:
    return None if entry.last_night is None else start_of(entry.last_night, entry.timezone) / 1_000_000


_OF_LOCALITIES: tuple[tuple[str, str, Callable[[LocalityStatus], float | None]], ...] = (
    ("kezek_last_night_timestamp_seconds", "Midnight at which the day of the last night began.", _last_night),
    ("kezek_next_night_timestamp_seconds", "When the next night is due.", lambda entry: entry.next_at.timestamp()),
    (
        "kezek_night_duration_seconds",
        "How long the scheduler's last try at a night took.",
        lambda entry: None if entry.outcome is None else entry.outcome.duration_ms / 1000,
    ),
    (
        "kezek_night_failed",
        "Whether the last try failed and its night is not on record.",
        lambda entry: float(has_failed(entry.last_night, entry.outcome)),
    ),
    (
        "kezek_night_failures",
        "Tries that failed, one after another.",
        lambda entry: None if entry.outcome is None else float(entry.outcome.failures),
    ),
)


@contextmanager
def served(read: ReadStatus, port: int) -> Iterator[int]:
    """Serve the metrics at http://127.0.0.1:PORT/metrics meanwhile; the port (0 asks for any that is free).

    Raises: WrongUsage if the port cannot be had.
    """
    registry = CollectorRegistry()
    registry.register(StatusCollector(read))
    try:
        server, thread = start_http_server(port, LOOPBACK, registry)
    except OSError as error:
        raise WrongUsage(
            "scheduler.port", f"port {port} cannot be had: {error.strerror}.", next_step="Give another --metrics-port."
        ) from None
    try:
        yield int(server.server_port)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
