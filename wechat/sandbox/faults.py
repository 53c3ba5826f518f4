"""Faults on demand: which call goes wrong next, how, and how often. Pure; `wechat.sandbox.mishaps` acts them out."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson

CALLS = ("userquery", "pathnotify", "stable_token", "token")
ANY_CALL = "any"
MOST_FAULTS = 100
LONGEST_DELAY_MS = 120_000
_LONGEST_SHOWN = 64


class FaultKind(StrEnum):
    """What goes wrong. `slow` and the last three still act; the others answer instead."""

    SLOW = "slow"
    TIMEOUT = "timeout"
    HTTP_500 = "http_500"
    RESET = "reset"
    GARBAGE = "garbage"
    ERRCODE = "errcode"
    DUPLICATE_BACK_QUERY = "duplicate_back_query"
    NO_BACK_QUERY = "no_back_query"
    ANSWER_LOST = "answer_lost"


_OF_BACK_QUERY = frozenset({FaultKind.DUPLICATE_BACK_QUERY, FaultKind.NO_BACK_QUERY})
_DEFAULT_DELAY_MS = {FaultKind.SLOW: 3000, FaultKind.TIMEOUT: 60_000}


class FaultMalformed(ValueError):
    """An order for a fault that cannot be carried out; the text says why."""


@dataclass(slots=True)
class Fault:
    """An order that is still to be carried out. times: how often more; None until it is cleared."""

    number: int
    call: str
    kind: FaultKind
    errcode: int = 0
    delay_ms: int = 0
    times: int | None = 1
    phone: str = ""
    """Only calls about this phone."""

    def is_about(self, call: str, phone: str) -> bool:
        """Return whether the next call of this name and phone is to go wrong."""
        if self.kind in _OF_BACK_QUERY and call != "pathnotify":
            return False
        return self.call in {call, ANY_CALL} and self.phone in {"", phone}

    def described(self) -> dict[str, Any]:
        """Return the fault as the API shows it."""
        return {
            "id": self.number,
            "call": self.call,
            "kind": self.kind.value,
            "errcode": self.errcode,
            "delay_ms": self.delay_ms,
            "times": self.times,
            "phone": self.phone,
        }


class FaultBook:
    """The faults in the order they were asked for; the first that fits a call is carried out."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._last = 0

    def add(self, order: Mapping[str, Any]) -> Fault:
        """Note an order such as {"call": "pathnotify", "kind": "errcode", "errcode": -1, "times": 3}."""
        if len(self._faults) >= MOST_FAULTS:
            raise FaultMalformed("too many faults")
        fault = _read(order, self._last + 1)
        self._last = fault.number
        self._faults.append(fault)
        return fault

    def take(self, call: str, raw: bytes) -> Fault | None:
        """Return the fault that this call meets, counting it down; None, which is the rule, without a look at it."""
        if not self._faults:
            return None
        phone = subject_of(raw)[0] if any(fault.phone for fault in self._faults) else ""
        fault = next((fault for fault in self._faults if fault.is_about(call, phone)), None)
        if fault is not None and fault.times is not None:
            fault.times -= 1
            if fault.times == 0:
                self._faults.remove(fault)
        return fault

    def clear(self, number: int | None = None) -> int:
        """Forget one fault, or all; return how many that were."""
        before = len(self._faults)
        self._faults = [fault for fault in self._faults if number is not None and fault.number != number]
        return before - len(self._faults)

    def described(self) -> list[dict[str, Any]]:
        """Return the faults that are still to come."""
        return [fault.described() for fault in self._faults]


def _read(order: Mapping[str, Any], number: int) -> Fault:
    call, phone = order.get("call"), order.get("phone") or ""
    if call not in {*CALLS, ANY_CALL}:
        raise FaultMalformed(f"call is none of {', '.join(CALLS)}, any")
    if not isinstance(phone, str):
        raise FaultMalformed("phone is not a text")
    kind = _kind(order.get("kind"))
    errcode = _whole(order, "errcode", 0, least=-1, most=10_000_000)
    if kind is FaultKind.ERRCODE and errcode == 0:
        raise FaultMalformed("errcode is missing")
    return Fault(
        number=number,
        call=str(call),
        kind=kind,
        errcode=errcode,
        delay_ms=_whole(order, "delay_ms", _DEFAULT_DELAY_MS.get(kind, 0), least=0, most=LONGEST_DELAY_MS),
        times=None if order.get("times", 1) is None else _whole(order, "times", 1, least=1, most=1_000_000),
        phone=phone,
    )


def _kind(value: object) -> FaultKind:
    try:
        return FaultKind(str(value))
    except ValueError:
        raise FaultMalformed(f"kind is none of {', '.join(FaultKind)}") from None


def _whole(order: Mapping[str, Any], name: str, default: int, *, least: int, most: int) -> int:
    value = order.get(name)
    if value is None:
        return default
    if type(value) is not int or not least <= value <= most:
        raise FaultMalformed(f"{name} is not a whole number from {least} to {most}")
    return value


def subject_of(raw: bytes) -> tuple[str, str]:
    """Return the phone and the waybill that a call is about; empty where its body does not say, whatever it is.

    >>> subject_of(b'{"receiver":{"phone":"13800138000"},"waybill_id":"1"}')
    ('13800138000', '1')
    >>> subject_of(b"not JSON")
    ('', '')
    """
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return "", ""
    if not isinstance(body, dict):
        return "", ""
    receiver = body.get("receiver")
    phone = receiver.get("phone") if isinstance(receiver, dict) else body.get("phone")
    return _shown(phone), _shown(body.get("waybill_id"))


def _shown(value: object) -> str:
    return value[:_LONGEST_SHOWN] if isinstance(value, str) else ""
