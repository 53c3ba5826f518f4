"""The ledger: every API call that reached the sandbox, and what became of it. Bounded, newest kept."""

from collections import Counter, deque
from dataclasses import dataclass
from itertools import islice
from typing import Any


@dataclass(slots=True)
class Entry:
    """One call. at: Unix seconds. errcode: None where no code was answered (a fault of the line)."""

    number: int
    at: float
    call: str
    duration_ms: float = 0.0
    errcode: int | None = None
    errmsg: str = ""
    exist: int | None = None
    phone: str = ""
    waybill_id: str = ""
    action_type: int | None = None
    action_time: int | None = None
    fault: str = ""
    note: str = ""
    """Why it was refused: more than WeChat would say."""
    back_queries: tuple[str, ...] = ()
    """What came of each try, in words."""

    def described(self) -> dict[str, Any]:
        """Return the entry as the API shows it."""
        shown = {name: getattr(self, name) for name in _SHOWN}
        return {"id": self.number, **shown, "back_queries": list(self.back_queries)}


_SHOWN = (
    *("at", "call", "duration_ms", "errcode", "errmsg", "exist", "phone", "waybill_id"),
    *("action_type", "action_time", "fault", "note"),
)


class Ledger:
    """The newest calls, and how many there were of each call and code."""

    def __init__(self, size: int) -> None:
        self._entries: deque[Entry] = deque(maxlen=size)
        self._counts: Counter[tuple[str, int | None]] = Counter()
        self._last = 0

    def open(self, call: str, at: float) -> Entry:
        """Return a new entry; it stands in the ledger once it is closed."""
        self._last += 1
        return Entry(self._last, at, call)

    def close(self, entry: Entry) -> None:
        """Write an entry down."""
        self._entries.append(entry)
        self._counts[entry.call, entry.errcode] += 1

    def newest(self, limit: int, *, call: str = "", waybill_id: str = "", after: int = 0) -> list[dict[str, Any]]:
        """Return up to `limit` calls, newest first; of one name, of one waybill, later than an id."""
        found = (
            entry
            for entry in reversed(self._entries)
            if entry.number > after and call in {"", entry.call} and waybill_id in {"", entry.waybill_id}
        )
        return [entry.described() for entry in islice(found, limit)]

    def counts(self) -> dict[str, dict[str, int]]:
        """Return how many calls of each name got each code; "none" where no code was answered."""
        result: dict[str, dict[str, int]] = {}
        for (call, errcode), count in sorted(self._counts.items(), key=str):
            result.setdefault(call, {})["none" if errcode is None else str(errcode)] = count
        return result
