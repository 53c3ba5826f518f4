"""The sweep keeps up with what passes its deadline, however much it is at once."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.delivery.load import post
from waybills.models import Push
from wechat.sweep import sweep


@pytest.mark.django_db(transaction=True)
def test_one_sweep_ends_more_than_one_statement_takes() -> None:
    post(range(1200))
    Push.objects.update(deadline_at=timezone.now() - timedelta(seconds=1))

    sweep()

    assert set(Push.objects.values_list("state", "reason")) == {("expired", "past_deadline")}
