"""What was posted, read back by REST: 1,000 random waybills, field by field."""

import http.client
from collections import defaultdict
from random import Random

import orjson

from bench.ingest.events import FIRST_NEW, NEW_OF_BATCH, Item
from bench.ingest.run import Bench
from bench.world import waybill_no

COUNT = 1000


def read_back(bench: Bench, port: int, batches: int) -> None:
    """Compare REST's answers with what was posted in so many batches of each kind; end it on a difference."""
    rng = Random(1)
    known = rng.sample(range(bench.events.known), COUNT // 2)
    new = rng.sample(range(FIRST_NEW, FIRST_NEW + batches * NEW_OF_BATCH), COUNT - len(known))
    posted = posted_waybills(bench, known, new, batches)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for no, expected in posted.items():
        connection.request("GET", f"/api/v1/waybills/{no}/", headers={"Authorization": f"Token {bench.token}"})
        answer = orjson.loads(connection.getresponse().read())
        differs = difference(answer, expected)
        if differs:
            raise SystemExit(f"{no}: {differs} is not what was posted: this is no measurement")
    connection.close()
    fields = sum(map(count_fields, posted.values()))
    print(f"{len(posted)} random waybills read back by REST: {fields} fields, each as it was posted")


def posted_waybills(bench: Bench, known: list[int], new: list[int], batches: int) -> dict[str, Item]:
    events = bench.events
    posted = {waybill_no(number): events.waybill(number) | {"paths": []} for number in known}
    for batch in range(batches):
        for item in events.scans(batch):
            if item["waybill_id"] in posted:
                posted[item["waybill_id"]]["paths"].append(path_of(item))
    wanted = defaultdict(set)
    for number in new:
        wanted[(number - FIRST_NEW) // NEW_OF_BATCH].add(waybill_no(number))
    for batch, numbers in wanted.items():
        posted.update({item["waybill_id"]: item for item in events.waybills(batch) if item["waybill_id"] in numbers})
    return posted


def path_of(item: Item) -> Item:
    return {name: value for name, value in item.items() if name != "waybill_id"}


def difference(answer: Item, expected: Item) -> str:
    """Return the name of a field that differs; empty where none does.

    Events of one POST each come on top: what was posted in batches must be there, and a push for each event.
    """
    for name in ("waybill_id", "create_time", "sender", "receiver"):
        if answer.get(name) != expected[name]:
            return name
    paths = answer["paths"]
    if any(path not in paths for path in expected["paths"]):
        return "paths"
    times = [path["action_time"] for path in paths]
    if times != sorted(times, reverse=True) or len(answer["pushes"]) != len(paths):
        return "order of paths, or pushes"
    return ""


def count_fields(item: Item) -> int:
    return 2 + len(item["sender"]) + len(item["receiver"]) + sum(map(len, item["paths"]))
