"""The schedule's clock, kept in memory: a file of it would be one more thing that two workers can break."""

from celery.beat import Scheduler


class MemoryScheduler(Scheduler):
    """Celery's own scheduler with the configured entries; after a start every entry is due anew."""

    def setup_schedule(self) -> None:
        """Take the entries of the configuration."""
        super().setup_schedule()
        self.merge_inplace(self.app.conf.beat_schedule)
