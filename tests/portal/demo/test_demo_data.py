"""The demo's data: lifelike, the same for the same seed, and nothing acted out."""

import random
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.utils import timezone

from portal.demo import data, samples
from portal.demo.journeys import JOURNEYS, Route
from portal.demo.places import PLACES
from portal.demo.shipments import items, plan
from waybills.action_types import ActionType
from waybills.cleaning import is_mainland_mobile
from waybills.models import ApiToken, Push, PushAttempt, PushState, Waybill
from waybills.models import Path as PathEvent
from waybills.services import published_cells
from waybills.trail import read_trail
from wechat.models import Callback

pytestmark = pytest.mark.django_db
NOW = 1_790_000_000


@pytest.fixture
def demo(settings: object, tmp_path: Path) -> Path:
    """Put the demo's data; return the token's file."""
    settings.DEMO_PASSWORD = "a demo's password"  # type: ignore[attr-defined]
    token_file = tmp_path / "demo.token"
    call_command("demo_data", token_file=token_file, verbosity=0)
    return token_file


def test_there_are_sixty_waybills_and_more_in_every_stage(demo: Path) -> None:
    newest = {waybill.paths.latest("action_time", "pk").action_type for waybill in Waybill.objects.all()}
    seen = set(PathEvent.objects.values_list("action_type", flat=True))

    assert Waybill.objects.count() >= 60
    assert seen == {*ActionType.values, samples.UNLISTED_TYPE}
    assert {100001, 200001, 300002, 300003, 300004, 300005, 300007, 400001, 400002, 400003} <= newest


def test_some_pushes_are_due_and_some_came_too_late(demo: Path) -> None:
    states = set(Push.objects.values_list("state", flat=True))

    assert Push.objects.pending().count() > 100
    assert states == {PushState.PENDING, PushState.EXPIRED, PushState.SKIPPED}


def test_nothing_is_acted_out(demo: Path) -> None:
    assert PushAttempt.objects.count() == 0
    assert Callback.objects.count() == 0


def test_both_samples_of_the_specification_are_there(demo: Path) -> None:
    back_query, pathnotify = read_trail(samples.BACK_QUERY_NO), read_trail(samples.PATHNOTIFY_NO)

    assert back_query is not None
    assert pathnotify is not None
    assert back_query.create_time == 1600000000
    assert [(node.action_type, node.document.action_msg) for node in back_query.nodes()] == [
        (300001, "派送中"),
        (100001, "已取件"),
    ]
    assert back_query.nodes()[0].document.delivery_courier_phone == "10086"
    assert [(node.action_time, node.action_type) for node in pathnotify.nodes()] == [(1597396101, 200001)]
    assert pathnotify.contacts()[1].phone == "13800138000"


def test_the_unlisted_type_is_never_pushed(demo: Path) -> None:
    push = Push.objects.get(action_type=samples.UNLISTED_TYPE)

    assert (push.state, push.reason) == ("skipped", "type_excluded")


def test_a_second_time_adds_nothing_and_keeps_the_token(demo: Path) -> None:
    before = (Waybill.objects.count(), PathEvent.objects.count(), demo.read_text())

    call_command("demo_data", token_file=demo, verbosity=0)

    assert (Waybill.objects.count(), PathEvent.objects.count(), demo.read_text()) == before


def test_the_token_is_the_account_s_and_its_owner_s_alone(demo: Path) -> None:
    token = demo.read_text().strip()

    account = ApiToken.objects.get(digest=ApiToken.digest_of(token))

    assert account.user.username == data.CARRIER
    assert demo.stat().st_mode & 0o077 == 0


def test_a_lost_token_file_means_a_new_token(demo: Path) -> None:
    former = demo.read_text()
    demo.unlink()

    call_command("demo_data", token_file=demo, verbosity=0)

    assert demo.read_text() != former
    assert ApiToken.objects.filter(digest=ApiToken.digest_of(demo.read_text().strip())).exists()


def test_the_admin_has_the_password_and_the_cells_are_published(demo: Path) -> None:
    assert User.objects.get(username="admin").check_password("a demo's password")
    assert [cell.name for cell in published_cells()][:2] == ["运单详情", "支付运单"]


def test_without_a_password_it_says_which_variable_is_missing(settings: object) -> None:
    settings.DEMO_PASSWORD = ""  # type: ignore[attr-defined]

    with pytest.raises(CommandError, match="DEMO_PASSWORD"):
        call_command("demo_data")


def test_the_same_seed_makes_the_same_shipments() -> None:
    assert plan(7) == plan(7)
    assert plan(7) != plan(8)


def test_every_journey_goes_forward_and_its_couriers_can_be_called() -> None:
    route = Route(PLACES[0], PLACES[2], PLACES[0].couriers[0], PLACES[2].couriers[1])

    for journey in JOURNEYS.values():
        steps = journey(route)
        assert all(step.after > 0 for step in steps[1:])
        for step in steps:
            couriers = (step.document.pickup_courier_phone, step.document.delivery_courier_phone)
            assert all(
                is_mainland_mobile(phone) and phone in step.document.action_msg for phone in couriers if phone
            ) or (step.action_type in {100002, 300003, 300007, 400004})


def test_the_newest_event_of_a_shipment_is_less_than_an_hour_old() -> None:
    for shipment in plan():
        waybill, paths = items(shipment, NOW, random.Random(1))

        times = [path.action_time for path in paths]
        assert times == sorted(times)
        assert NOW - 3600 < times[-1] < NOW
        assert waybill.create_time == times[0]


def test_the_seed_s_moment_decides_what_is_still_worth_sending(settings: object, tmp_path: Path) -> None:
    added = data.put_waybills(timezone.now())

    assert added == len(plan()) + 2
