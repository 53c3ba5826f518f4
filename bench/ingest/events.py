"""What is posted, the same to every peer: each batch is made from its number alone, so that it can be made again."""

from dataclasses import dataclass
from random import Random
from typing import Any

from bench.world import STEPS, receiver_phone, sender_phone, waybill_no

BATCH = 1000
"""Events of a batch."""
STEPS_OF_NEW = len(STEPS)
NEW_OF_BATCH = BATCH // STEPS_OF_NEW
STRIDE = 7_368_787
"""A prime: events come from all over the table, and no two parcels of a moment are the same."""
FIRST_NEW = 10_000_000
"""Number of the first waybill that is posted with its events."""
BEFORE_NOW = 3 * 3600
"""Seconds, over which the events are spread: every push is worth sending still."""

Item = dict[str, Any]


@dataclass(frozen=True)
class Events:
    """The events of one run; now: Unix seconds, known: how many waybills there are before, from number `first` on."""

    now: int
    known: int
    first: int = 0

    def waybill(self, number: int) -> Item:
        """Return a waybill without its events."""
        return {
            "waybill_id": waybill_no(number),
            "create_time": self.now - BEFORE_NOW,
            "sender": {
                "name": "张三",
                "phone": sender_phone(number),
                "province": "浙江省",
                "city": "绍兴市",
                "area": "柯桥区",
                "address": "纺都路137号",
            },
            "receiver": {
                "name": "李四",
                "phone": receiver_phone(number),
                "province": "福建省",
                "city": "泉州市",
                "area": "晋江市",
                "address": f"庄宅北区{number}号",
            },
        }

    def scans(self, batch: int) -> list[Item]:
        """Return 1,000 events, each of another waybill that is known; all come up before one comes again."""
        rng = Random(batch)
        numbers = [self.first + place * STRIDE % self.known for place in range(batch * BATCH, (batch + 1) * BATCH)]
        return [
            {"waybill_id": waybill_no(number), **self._path(rng.randrange(STEPS_OF_NEW), batch)} for number in numbers
        ]

    def waybills(self, batch: int) -> list[Item]:
        """Return 125 new waybills of 8 events each."""
        first = FIRST_NEW + batch * NEW_OF_BATCH
        return [
            self.waybill(number) | {"paths": [self._path(step, step * 60) for step in range(STEPS_OF_NEW)]}
            for number in range(first, first + NEW_OF_BATCH)
        ]

    def _path(self, step: int, seconds: int) -> Item:
        action_type, text = STEPS[step]
        return {
            "action_time": self.now - BEFORE_NOW + seconds % BEFORE_NOW,
            "action_type": action_type,
            "action_msg": text,
            "pickup_courier_name": "王五",
            "pickup_courier_phone": "13900139000",
        }
