"""What is known of phones: the one place where bindings come in and are looked up."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.conf import settings

from waybills.database import fetch, is_postgresql, read_moment
from waybills.models import Binding

_KNOWN = "SELECT phone_index, exist, checked_at FROM waybills_binding WHERE phone_index "


def remembered(phone_indexes: Iterable[bytes], now: datetime) -> dict[bytes, bool]:
    """Return what WeChat said of these phones, as far as it is still to be trusted (`BINDING_TTL`)."""
    wanted = list(set(phone_indexes))
    if not wanted:
        return {}
    if is_postgresql():
        rows = fetch(_KNOWN + "= ANY(%b::bytea[])", [wanted])
    else:
        rows = fetch(f"{_KNOWN} IN ({', '.join(['%s'] * len(wanted))})", wanted)
    trust = {True: settings.PUSH.trust_bound, False: settings.PUSH.trust_unbound}
    said = ((bytes(index), bool(exist), read_moment(checked_at)) for index, exist, checked_at in rows)
    return {index: exist for index, exist, checked_at in said if checked_at + trust[exist] > now}


def remember(said: Mapping[bytes, bool], now: datetime) -> None:
    """Keep what WeChat just said of these phones."""
    Binding.objects.bulk_create(
        # In one order for every process: two that learn of the same phones wait for each other instead of deadlocking.
        [Binding(phone_index=index, exist=said[index], checked_at=now) for index in sorted(said)],
        update_conflicts=True,
        unique_fields=["phone_index"],
        update_fields=["exist", "checked_at"],
    )
