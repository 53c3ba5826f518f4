"""Shipments of the demo: who sends what to whom, how, and how far it has come. Same seed, same shipments."""

from collections.abc import Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Shipment:
    """One parcel; `done`: how many of its steps have happened."""

    no: str
    sender: Contact
    receiver: Contact
    steps: Sequence[Step]
    done: int


def make(number: int, kind: str, rng: Random, done: int | None = None) -> Shipment:
    """Return shipment `number` with a journey of this kind; done: None for any."""
    origin, destination = rng.sample(PLACES, 2)
    route = Route(origin, destination, rng.choice(origin.couriers), rng.choice(destination.couriers))
    steps = JOURNEYS[kind](route)
    return Shipment(
        no=f"YS{_FIRST_NO + number}",
        sender=sender(rng, number, origin),
        receiver=customer(rng, number, destination),
        steps=steps,
        done=rng.randint(1, len(steps)) if done is None else done,
    )


def plan(seed: int = SEED) -> list[Shipment]:
    """Return the demo's shipments: each kind finished, on its last step but one, and at two other stages."""
    rng = Random(seed)  # noqa: S311 - lifelike, not secret
    kinds = [kind for kind in (*_PLAIN, *JOURNEYS) for _ in range(2)]
    shipments: list[Shipment] = []
    for kind in kinds:
        for back in (0, 1, None):
            drawn = make(len(shipments), kind, rng)
            done = drawn.done if back is None else len(drawn.steps) - back
            shipments.append(Shipment(drawn.no, drawn.sender, drawn.receiver, drawn.steps, done))
    return shipments


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
