"""A scheduled job's lease: one run a turn, however many keep the schedule."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection
from django.utils import timezone

from waybills import schedules
from waybills.models import ScheduleLease

MINUTE = timedelta(minutes=1)


@pytest.mark.django_db
def test_a_job_that_was_taken_is_not_taken_again_before_its_lease_is_over() -> None:
    assert schedules.take("job", MINUTE)

    assert not schedules.take("job", MINUTE)


@pytest.mark.django_db
def test_a_lease_lapses_by_itself() -> None:
    schedules.take("job", MINUTE)
    ScheduleLease.objects.update(leased_until=timezone.now() - timedelta(milliseconds=1))

    assert schedules.take("job", MINUTE)
    assert not schedules.take("job", MINUTE)


@pytest.mark.django_db
def test_jobs_do_not_wait_for_each_other() -> None:
    schedules.take("job", MINUTE)

    assert schedules.take("another", MINUTE)


@pytest.mark.django_db
def test_when_a_job_last_ran_is_known() -> None:
    assert schedules.last_run("job") is None
    before = timezone.now()
    schedules.take("job", MINUTE)
    schedules.take("job", MINUTE)

    last = schedules.last_run("job")

    assert last is not None
    # SQLite's clock tells milliseconds.
    assert before - timedelta(milliseconds=1) <= last <= timezone.now()


@pytest.fixture
def racers(transactional_db: None) -> list[bool]:
    """Return what each of eight threads got that took the same new job at once."""
    start, won = Barrier(8), list[bool]()

    def race() -> None:
        try:
            start.wait()
            won.append(schedules.take("job", MINUTE))
        finally:
            connection.close()

    threads = [Thread(target=race) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return won


def test_of_eight_that_take_a_job_at_once_one_gets_it(racers: list[bool]) -> None:
    assert sorted(racers) == [False] * 7 + [True]
