"""What the processes of `test_schedule` do: keep a schedule, each with its own clock, and note each run of the job."""

import time
from pathlib import Path
from typing import Any

from wechat.sweep import sweep_in_turn

PERIOD = 2.0


def beat(index: int, options: dict[str, Any]) -> None:
    """Tick until the time is over; the ticks of each process fall between those of the others."""
    time.sleep(index * PERIOD / options["beats"])
    with (Path(options["folder"]) / f"runs-{index}.txt").open("a", buffering=1) as notes:
        until = time.monotonic() + options["seconds"]
        while time.monotonic() < until:
            if sweep_in_turn():
                notes.write(f"{time.time()}\n")
            time.sleep(PERIOD)


def runs(folder: Path) -> list[tuple[float, int]]:
    """Return (when, by which process) of each run, in order."""
    return sorted(
        (float(line), int(file.stem.removeprefix("runs-")))
        for file in folder.glob("runs-*.txt")
        for line in file.read_text().splitlines()
    )
