"""Events as the demo's carrier would post them, one every few seconds, for parcels that are on their way."""

from collections.abc import Iterable
from dataclasses import asdict, replace
from random import Random
from typing import Any

from portal.demo.journeys import JOURNEYS, Step
from portal.demo.shipments import Shipment, make

AT_ONCE = 8
"""Parcels that move at the same time: few, so that each comes to its end while someone looks."""
_NEW_ONE = 0.15
_CUSTOMERS = 64
WAYBILLS, PATHS = "/api/v1/waybills/", "/api/v1/paths/"


class Feed:
    """Chooses the next event; the same one until it has been delivered."""

    def __init__(self, unfinished: Iterable[Shipment], rng: Random) -> None:
        self._waiting = sorted(unfinished, key=lambda shipment: shipment.done - len(shipment.steps))
        self._moving: list[Shipment] = []
        self._rng = rng
        self._next: tuple[str, dict[str, Any], Shipment] | None = None

    def next_event(self, now: int) -> tuple[str, dict[str, Any]]:
        """Return (address, body) of what is to be posted. now: Unix seconds."""
        if self._next is None:
            self._next = self._choose(now)
        address, body, _ = self._next
        return address, body

    def delivered(self) -> None:
        """Note that the portal has the event."""
        if self._next is not None:
            shipment = self._next[2]
            self._moving = [other for other in self._moving if other.no != shipment.no]
            if shipment.done < len(shipment.steps):
                self._moving.append(shipment)
            self._next = None

    def _choose(self, now: int) -> tuple[str, dict[str, Any], Shipment]:
        while len(self._moving) < AT_ONCE and self._waiting:
            self._moving.append(self._waiting.pop())
        if len(self._moving) < AT_ONCE or self._rng.random() < _NEW_ONE:
            shipment = self._new(now)
            return WAYBILLS, waybill_body(shipment, now), shipment
        shipment = self._rng.choice(self._moving)
        body = {"waybill_id": shipment.no, **path_body(shipment.steps[shipment.done], now)}
        return PATHS, body, replace(shipment, done=shipment.done + 1)

    def _new(self, now: int) -> Shipment:
        drawn = make(self._rng.randrange(_CUSTOMERS), self._rng.choice(list(JOURNEYS)), self._rng)
        return replace(drawn, no=f"YS{now}")


def waybill_body(shipment: Shipment, now: int) -> dict[str, Any]:
    """Return a new waybill with its first event, as it is posted."""
    return {
        "waybill_id": shipment.no,
        "create_time": now,
        "sender": _filled(shipment.sender),
        "receiver": _filled(shipment.receiver),
        "paths": [path_body(shipment.steps[0], now)],
    }


def path_body(step: Step, now: int) -> dict[str, Any]:
    """Return an event that happens now, without its waybill's number."""
    return {"action_time": now, "action_type": int(step.action_type), **_filled(step.document)}


def _filled(value: Any) -> dict[str, str]:
    return {name: text for name, text in asdict(value).items() if text}
