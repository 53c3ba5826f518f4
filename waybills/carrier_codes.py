"""The carrier's own codes as a batch meets them: the table is read once a batch, and what it lacks counted once."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from django.utils import timezone

from waybills.action_types import ActionType
from waybills.database import as_list, as_moment, execute, is_postgresql
from waybills.models import CarrierCode

# Sorted: two batches that count the same codes wait for each other instead of deadlocking.
_COUNT = """
INSERT INTO waybills_carriercode (code, seen, first_seen_at, last_seen_at)
SELECT {columns}, %(now)s, %(now)s FROM {counts} WHERE true ORDER BY 1
ON CONFLICT (code) DO UPDATE
   SET seen = waybills_carriercode.seen + excluded.seen, last_seen_at = excluded.last_seen_at,
       first_seen_at = coalesce(waybills_carriercode.first_seen_at, excluded.first_seen_at)
"""
_COUNT_POSTGRESQL = _COUNT.format(
    columns="code, n", counts="unnest(%(codes)s::text[], %(seen)s::bigint[]) AS c(code, n)"
)
_COUNT_SQLITE = _COUNT.format(
    columns="c.value, s.value", counts="json_each(%(codes)s) c JOIN json_each(%(seen)s) s ON s.key = c.key"
)


class CarrierCodes:
    """Translates the codes of one batch."""

    def __init__(self, mapped: Mapping[str, int] | None = None) -> None:
        """mapped: the action types by code, where they were read already (`mapped_codes`)."""
        self._mapped = mapped
        self.unmapped: Counter[str] = Counter()

    def translate(self, code: str) -> int:
        """Return the action type that staff mapped the code to; 500001 where they have not."""
        if self._mapped is None:
            self._mapped = mapped_codes()
        action_type = self._mapped.get(code)
        if action_type is None:
            self.unmapped[code] += 1
            return ActionType.OTHER
        return action_type

    def record_unmapped(self, now: datetime | None = None) -> None:
        """Count the unmapped codes of the batch for staff: no statement without any, else one."""
        if not self.unmapped:
            return
        codes = sorted(self.unmapped)
        execute(
            _COUNT_POSTGRESQL if is_postgresql() else _COUNT_SQLITE,
            {
                "codes": as_list(codes),
                "seen": as_list([self.unmapped[code] for code in codes]),
                "now": as_moment(now or timezone.now()),
            },
        )


def mapped_codes() -> dict[str, int]:
    """Return the action types by carrier's code, as staff mapped them."""
    rows = CarrierCode.objects.filter(action_type__isnull=False).values_list("code", "action_type")
    return {code: action_type for code, action_type in rows if action_type is not None}
