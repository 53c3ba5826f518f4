"""Shipments of the demo: who sends what to whom, how, and how far it has come. Same seed, same shipments."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate
from random import Random

from portal.demo.journeys import JOURNEYS, Route, Step
from portal.demo.places import PLACES, customer, sender
from waybills.documents import Contact
from waybills.ingest import PathItem, WaybillItem

SEED = 20201001
_FIRST_NO = 7700_3000_0000
_PLAIN = ("plain", "plain", "plain")
"""Most parcels know no trouble."""
_UNTROUBLED = {90001, 90002, 100001, 200001, 300002, 300003}


@dataclass(frozen=True)
class Shipment:
    """One parcel; `done`: how many of its steps have happened."""

    no: str
    sender: Contact
    receiver: Contact
    steps: Sequence[Step]
    done: int


def make(number: int, kind: str, rng: Random) -> Shipment:
    """Return shipment `number` with a journey of this kind, of which only the first step has happened."""
    origin, destination = rng.sample(PLACES, 2)
    route = Route(origin, destination, rng.choice(origin.couriers), rng.choice(destination.couriers))
    return Shipment(
        no=f"YS{_FIRST_NO + number}",
        sender=sender(rng, number, origin),
        receiver=customer(rng, number, destination),
        steps=JOURNEYS[kind](route),
        done=1,
    )


def plan(seed: int = SEED) -> list[Shipment]:
    """Return the demo's shipments: of each kind finished, before its end, and in its trouble, if it has one."""
    rng = Random(seed)  # noqa: S311 - lifelike, not secret
    kinds = [kind for kind in (*_PLAIN, *JOURNEYS) for _ in range(2)]
    shipments: list[Shipment] = []
    for place, kind in enumerate(kinds):
        for stage in (len, _before_last, partial(_in_trouble, otherwise=place)):
            drawn = make(len(shipments), kind, rng)
            shipments.append(replace(drawn, done=stage(drawn.steps)))
    return shipments


def _before_last(steps: Sequence[Step]) -> int:
    return len(steps) - 1


def _in_trouble(steps: Sequence[Step], otherwise: int) -> int:
    """Return how many steps lead to the last that no untroubled parcel has; where there is none, one more each time."""
    troubles = [place for place, step in enumerate(steps, 1) if step.action_type not in _UNTROUBLED]
    return troubles[-1] if troubles else otherwise % len(steps) + 1


def items(shipment: Shipment, now: int, rng: Random) -> tuple[WaybillItem, list[PathItem]]:
    """Return what the carrier would have posted until now; the newest event is some minutes old.

    now: Unix seconds.
    """
    happened = shipment.steps[: shipment.done]
    minutes = list(accumulate(step.after for step in happened))
    start = now - rng.randrange(60, 50 * 60) - 60 * minutes[-1]
    paths = [
        PathItem(shipment.no, start + 60 * minute, step.action_type, step.document)
        for minute, step in zip(minutes, happened, strict=True)
    ]
    return WaybillItem(shipment.no, start, shipment.sender, shipment.receiver), paths
