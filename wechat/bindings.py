"""What is known of phones: the one place where bindings come in and are looked up."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.conf import settings

from waybills.models import Binding


def remembered(phone_indexes: Iterable[bytes], now: datetime) -> dict[bytes, bool]:
    """Return what WeChat said of these phones, as far as it is still to be trusted (`BINDING_TTL`)."""
    rows = Binding.objects.filter(phone_index__in=list(set(phone_indexes)))
    trust = {True: settings.PUSH.trust_bound, False: settings.PUSH.trust_unbound}
    return {bytes(row.phone_index): row.exist for row in rows if row.checked_at + trust[row.exist] > now}


def remember(said: Mapping[bytes, bool], now: datetime) -> None:
    """Keep what WeChat just said of these phones."""
    Binding.objects.bulk_create(
        # In one order for every process: two that learn of the same phones wait for each other instead of deadlocking.
        [Binding(phone_index=index, exist=said[index], checked_at=now) for index in sorted(said)],
        update_conflicts=True,
        unique_fields=["phone_index"],
        update_fields=["exist", "checked_at"],
    )
