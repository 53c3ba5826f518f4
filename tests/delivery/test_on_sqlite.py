"""What must hold of SQLite, one file for all: WeChat asks back while the sender and the audit write."""

from collections import Counter
from pathlib import Path

import pytest

from tests.delivery.far_sandbox import Sandbox
from tests.delivery.load import post
from tests.delivery.processes import Processes, environment
from tests.live import answers, eventually, free_port
from waybills.models import Push, PushAttempt
from wechat.models import Callback

pytestmark = pytest.mark.processes

PUSHES = 1000


def test_a_thousand_of_a_thousand_back_queries_work_with_one_web_process(processes: Processes, tmp_path: Path) -> None:
    sandbox = Sandbox(port := free_port())
    broker = f"filesystem://{tmp_path / 'broker'}"
    variables = environment(WECHAT_API_BASE=sandbox.base, CELERY_BROKER_URL=broker, PORT=str(port), PROCESSES="1")
    processes.manage(variables, "serve", "web")
    sandbox.start(processes, variables)
    eventually(lambda: answers(f"http://127.0.0.1:{port}/readyz"), "the portal answers")
    workers = processes.manage(variables, "serve", "worker")

    for start in range(0, PUSHES, 100):
        post(range(start, start + 100))
    eventually(lambda: not Push.objects.pending().exists(), "every push ends", 120)
    eventually(lambda: Callback.objects.count() >= PUSHES, "the audit is written")

    assert set(Push.objects.values_list("state", "reason")) == {("sent", "")}, workers.output
    assert Push.objects.count() == PUSHES
    made = Counter(PushAttempt.objects.order_by().values_list("call", "outcome", "errcode"))
    assert made == {("userquery", "ok", 0): PUSHES, ("pathnotify", "ok", 0): PUSHES}
    asked = Callback.objects.order_by().values_list("event", "outcome", "result_code")
    assert Counter(asked) == {("waybill_notify_query", "answered", 0): PUSHES}
    check_far_side(sandbox)


def check_far_side(sandbox: Sandbox) -> None:
    """Check that each push came once and that its one back-query was answered at the first try."""
    came = [call for call in sandbox.ledger() if call["call"] == "pathnotify"]
    assert len({call["waybill_id"] for call in came}) == len(came) == PUSHES
    tries = [call["back_queries"] for call in came]
    assert {len(one) for one in tries} == {1}
    assert {words.split(",")[0] for one in tries for words in one} == {"HTTP 200"}
