"""Kombu's file broker, made safe for several processes.

As it comes, a reader can meet a message, or the table of bindings, between its creation and its first byte: the
worker ends with a JSONDecodeError (seen within ten seconds of load, kombu 5.6). Here a message appears by a rename,
with all its bytes, and is taken by a rename, by one reader; the table is not kept at all, since each exchange has the
one queue of its own name.
"""

import os
import uuid
from contextlib import suppress
from pathlib import Path
from queue import Empty
from time import time_ns
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.transport.filesystem import exchange_queue_t
from kombu.utils.json import dumps, loads

SIGNAL = "signal"
"""The header that names such a message."""


class Channel(filesystem.Channel):
    """Messages are files of one folder: `<when>_<id>.<queue>.msg`, signals `0_<name>.<queue>.msg`."""

    def get_table(self, exchange: str) -> Any:
        """Return the one binding of an exchange: to the queue of its name, where this process has declared it."""
        is_bound = self.state.has_binding(exchange, exchange, exchange)
        return [exchange_queue_t(exchange, "", exchange)] if is_bound else []

    def _queue_bind(self, *args: Any) -> None:
        """Keep nothing."""

    def _put(self, queue: str, payload: Any, **kwargs: Any) -> None:  # type: ignore[override]
        """Add a message, all of it at once."""
        folder, name = Path(self.data_folder_out), f"{time_ns()}_{uuid.uuid4()}"
        unfinished = folder / f"{name}.part"
        unfinished.write_text(dumps(payload), encoding="utf-8")
        signal = payload["headers"].get(SIGNAL)
        # Before all others, by its name's first digit: it is read at once or says nothing any more.
        unfinished.rename(folder / f"{f'0_{signal}' if signal else name}.{queue}.msg")

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        """Return the oldest message of a queue that no other reader takes first; raise Empty."""
        for name in sorted(os.listdir(self.data_folder_in)):
            if name.endswith(f".{queue}.msg"):
                with suppress(FileNotFoundError):
                    return loads(self._take(Path(self.data_folder_in) / name))
        raise Empty

    def _take(self, message: Path) -> str:
        # A name of its own: another signal of the same name may be taken meanwhile.
        taken = message.with_name(f"{uuid.uuid4()}.taken")
        message.rename(taken)
        text = taken.read_text(encoding="utf-8")
        taken.unlink()
        return text


class Transport(filesystem.Transport):
    """The transport of `filesystem://` once `register` has been called."""

    Channel = Channel


def register() -> None:
    """Let `filesystem://` mean this transport."""
    TRANSPORT_ALIASES["filesystem"] = f"{__name__}:Transport"
