"""The carrier's systems as the portal sees them: batches by REST, and what became of each."""

import io
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import requests
from django.core.management import call_command

from tests.delivery.load import number, phone
from tests.live import eventually
from waybills.models import Path, Waybill

TRAIL = (200001, 300002, 300003)


@dataclass(frozen=True)
class Batch:
    """One post. body: items as `address` takes them."""

    address: str
    body: list[dict[str, Any]]

    @property
    def rows(self) -> set[tuple[Any, ...]]:
        """Return what stands in the database once it is taken: (no,) and (no, action_time, action_type)."""
        rows = set[tuple[Any, ...]]()
        for item in self.body:
            if self.address == "waybills/":
                rows.add((item["waybill_id"],))
            for path in [item] if self.address == "paths/" else item.get("paths", ()):
                rows.add((item["waybill_id"], path["action_time"], path["action_type"]))
        return rows


def trails(indexes: Sequence[int], began: int) -> Batch:
    """Return the batch of these waybills with their whole trails, singles for the even ones."""
    return Batch("waybills/", [{**waybill(index, began), "paths": events(index, began)} for index in indexes])


def waybills(indexes: Sequence[int], began: int) -> Batch:
    """Return the batch of these waybills alone."""
    return Batch("waybills/", [waybill(index, began) for index in indexes])


def paths(indexes: Sequence[int], began: int) -> Batch:
    """Return the batch of these waybills' paths alone."""
    return Batch("paths/", [{"waybill_id": number(i), **event} for i in indexes for event in events(i, began)])


def waybill(index: int, began: int) -> dict[str, Any]:
    receiver = {"name": "李四", "phone": phone(index), "province": "福建省", "city": "泉州市"}
    return {"waybill_id": number(index), "create_time": began - 60, "receiver": receiver}


def events(index: int, began: int) -> list[dict[str, Any]]:
    """Return a waybill's events, a second apart: three of an odd one, of an even one the message alone."""
    types = TRAIL if index % 2 else TRAIL[1:2]
    return [
        {"action_time": began + step, "action_type": type_, "action_msg": f"第 {step} 步"}
        for step, type_ in enumerate(types)
    ]


def stored_rows() -> set[tuple[Any, ...]]:
    """Return what stands in the database, as `Batch.rows` words it."""
    posted = Waybill.objects.posted().values_list("no")
    events = Path.objects.values_list("waybill__no", "action_time", "action_type").order_by()
    return {*posted.iterator(), *events.iterator()}


def make_account(name: str = "carrier") -> str:
    """Return the token of a new service account."""
    output = io.StringIO()
    call_command("service_account", name, stdout=output, stderr=io.StringIO())
    return output.getvalue().strip()


@dataclass
class Carrier:
    """Posts to the portal on this port, and keeps what was answered 200 apart from what was not."""

    port: int
    token: str
    answered: list[Batch] = field(default_factory=list)
    unanswered: list[Batch] = field(default_factory=list)

    def post(self, batch: Batch) -> bool:
        """Post once, as soon as somebody listens; return whether it was taken."""
        eventually(lambda: is_listening(self.port), "the portal listens")
        if self._is_taken(batch):
            self.answered.append(batch)
            return True
        self.unanswered.append(batch)
        return False

    def post_until_taken(self, batch: Batch, within: float = 60) -> None:
        """Post it again until it is answered 200, as a carrier does."""
        until = time.monotonic() + within
        while not self._is_taken(batch):
            assert time.monotonic() < until, f"not taken within {within} s"
            time.sleep(0.1)
        self.answered.append(batch)

    def _is_taken(self, batch: Batch) -> bool:
        """Return whether it was answered 200; anything but that, 503 and silence is a fault."""
        headers = {"Authorization": f"Token {self.token}"}
        address = f"http://127.0.0.1:{self.port}/api/v1/{batch.address}"
        try:
            answer = requests.post(address, json=batch.body, headers=headers, timeout=60)
        except requests.ConnectionError:
            return False
        assert answer.status_code in {200, 503}, answer.text
        assert answer.status_code == 503 or answer.json()["errors"] == [], answer.text
        return answer.status_code == 200


def is_listening(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
