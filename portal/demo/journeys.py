"""What can happen to a parcel, told as a carrier tells it: 揽收, 运输, 派送, 签收, and what goes wrong."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from portal.demo.places import HEADQUARTERS, Person, Place
from waybills.action_types import ActionType as Type
from waybills.documents import PathDocument


@dataclass(frozen=True)
class Step:
    """One event; `after`: minutes since the step before."""

    after: int
    action_type: int
    document: PathDocument


@dataclass(frozen=True)
class Route:
    """From where to where, and who fetches and brings."""

    origin: Place
    destination: Place
    pickup: Person
    delivery: Person


Journey = list[Step]


def _said(after: int, action_type: int, text: str) -> Step:
    return Step(after, action_type, PathDocument(text))


def _picking_up(after: int, action_type: int, text: str, courier: Person) -> Step:
    document = PathDocument(text, pickup_courier_name=courier.name, pickup_courier_phone=courier.phone)
    return Step(after, action_type, document)


def _delivering(after: int, action_type: int, text: str, courier: Person) -> Step:
    document = PathDocument(text, delivery_courier_name=courier.name, delivery_courier_phone=courier.phone)
    return Step(after, action_type, document)


def ordered(route: Route) -> Journey:
    """Return 网点接单 and 分配业务员."""
    station, courier = route.origin.station, route.pickup
    return [
        _said(0, Type.ORDER_ACCEPTED, f"【{station}】已接单，等待业务员上门取件"),
        _picking_up(
            9,
            Type.COURIER_ASSIGNED,
            f"【{station}】已分配业务员{courier.name}，电话{courier.phone}，即将上门取件",
            courier,
        ),
    ]


def picked_up(route: Route) -> Journey:
    """Return 揽件成功."""
    station, courier = route.origin.station, route.pickup
    return [
        _picking_up(34, Type.PICKED_UP, f"【{station}】快件已揽收，揽件员{courier.name}，电话{courier.phone}", courier)
    ]


def carried(origin: Place, destination: Place) -> Journey:
    """Return 运输 from station to station."""
    return [
        _said(95, Type.IN_TRANSIT, f"快件离开【{origin.station}】，已发往【{origin.hub}】"),
        _said(140, Type.IN_TRANSIT, f"快件到达【{origin.hub}】"),
        _said(85, Type.IN_TRANSIT, f"快件离开【{origin.hub}】，已发往【{destination.hub}】"),
        _said(560, Type.IN_TRANSIT, f"快件到达【{destination.hub}】"),
        _said(110, Type.IN_TRANSIT, f"快件到达【{destination.station}】"),
    ]


def out_for_delivery(route: Route, after: int = 48) -> Journey:
    """Return 派送中."""
    station, courier = route.destination.station, route.delivery
    text = f"【{station}】快件正在派送中，派件员{courier.name}，电话{courier.phone}，请保持电话畅通"
    return [_delivering(after, Type.OUT_FOR_DELIVERY, text, courier)]


def signed(route: Route) -> Journey:
    """Return 签收成功."""
    courier = route.delivery
    text = f"快件已签收，签收人：本人。如有疑问请联系派件员{courier.name}，电话{courier.phone}，感谢使用远山快递"
    return [_delivering(76, Type.SIGNED, text, courier)]


def _start(route: Route) -> Journey:
    return [*ordered(route), *picked_up(route), *carried(route.origin, route.destination)]


def plain(route: Route) -> Journey:
    """Return a journey on which all goes well."""
    return [*_start(route), *out_for_delivery(route), *signed(route)]


def prepaid(route: Route) -> Journey:
    """Return a journey that is paid for before pickup."""
    pay = [
        _said(4, Type.PAYMENT_DUE, "运费18.00元待支付，请在30分钟内完成支付"),
        _said(6, Type.PAID, "运费18.00元已支付"),
    ]
    return [*ordered(route), *pay, *plain(route)[2:]]


def second_courier(route: Route) -> Journey:
    """Return a journey whose first pickup fails."""
    other = next(person for person in route.origin.couriers if person != route.pickup)
    station = route.origin.station
    failed = [
        _picking_up(41, Type.PICKUP_FAILED, f"【{station}】揽件失败：寄件人不在家，已约明日上门", route.pickup),
        _picking_up(
            55,
            Type.COURIER_REASSIGNED,
            f"【{station}】已重新分配业务员{other.name}，电话{other.phone}",
            other,
        ),
    ]
    return [*ordered(route), *failed, *plain(Route(route.origin, route.destination, other, route.delivery))[2:]]


def collected(route: Route) -> Journey:
    """Return a journey that ends at a third party's shelf: 第三方代收."""
    shop = f"{route.destination.street}{route.destination.home[:2]}代收点"
    stored = f"快件已暂放至【{shop}】，取件码8-2-{len(shop)}017，请及时领取，代收点电话{route.delivery.phone}"
    return [
        *_start(route),
        *out_for_delivery(route),
        _delivering(64, Type.STORED_FOR_COLLECTION, stored, route.delivery),
        _said(210, Type.SIGNED_BY_PROXY, f"快件已由【{shop}】代签收，感谢使用远山快递"),
    ]


def taken_back(route: Route) -> Journey:
    """Return a journey whose parcel leaves the shelf again to be brought to the door."""
    courier = route.delivery
    text = f"派件员{courier.name}（电话{courier.phone}）已从代收点取出快件，将送货上门"
    return [
        *collected(route)[:-1],
        _delivering(95, Type.TAKEN_BACK_BY_COURIER, text, courier),
        *out_for_delivery(route, after=7),
        *signed(route),
    ]


def by_neighbour(route: Route) -> Journey:
    """Return a journey that a family member signs for."""
    text = f"快件已签收，签收人：家人。派件员{route.delivery.name}，电话{route.delivery.phone}"
    return [*_start(route), *out_for_delivery(route), _delivering(52, Type.SIGNED_BY_PROXY, text, route.delivery)]


def nobody_home(route: Route) -> Journey:
    """Return a journey that needs a second try."""
    text = f"派送不成功：收件人电话无人接听，派件员{route.delivery.name}（{route.delivery.phone}）将再次派送"
    return [
        *_start(route),
        *out_for_delivery(route),
        _delivering(70, Type.DELIVERY_FAILED, text, route.delivery),
        *out_for_delivery(route, after=180),
        *signed(route),
    ]


def delayed(route: Route) -> Journey:
    """Return a journey that the weather holds up."""
    text = f"受大雾天气影响，快件滞留在【{route.origin.hub}】，我们将尽快安排转运"
    first = [*ordered(route), *picked_up(route), *carried(route.origin, route.destination)]
    return [*first[:5], _said(120, Type.DELAYED, text), *first[5:], *out_for_delivery(route), *signed(route)]


def damaged(route: Route) -> Journey:
    """Return a journey with a problem on the way."""
    text = f"【{route.destination.station}】问题件：外包装破损，正在核实处理，客服电话{HEADQUARTERS}"
    return [*_start(route), _said(30, Type.PROBLEM, text), *out_for_delivery(route, after=160), *signed(route)]


def rejected(route: Route) -> Journey:
    """Return a journey that leads home again: 拒收, 退回."""
    home = Route(route.destination, route.origin, route.delivery, route.pickup)
    return [
        *_start(route),
        *out_for_delivery(route),
        _delivering(58, Type.REJECTED, "收件人拒收：与订单不符", route.delivery),
        _said(90, Type.RETURNED, f"快件已退回，正在发往【{route.origin.station}】"),
        *carried(route.destination, route.origin),
        *out_for_delivery(home),
        _delivering(66, Type.SIGNED, "退回件已签收，签收人：寄件人", route.pickup),
    ]


def cancelled(route: Route) -> Journey:
    """Return an order that its sender takes back."""
    return [*ordered(route), _said(17, Type.CANCELLED, "寄件人已取消订单")]


def readdressed(route: Route) -> Journey:
    """Return a journey with an event that has no code of its own."""
    text = f"收件人申请更改派送地址，【{route.destination.station}】处理中"
    return [*_start(route), _said(25, Type.OTHER, text), *out_for_delivery(route, after=130), *signed(route)]


JOURNEYS: Mapping[str, Callable[[Route], Journey]] = {
    "plain": plain,
    "prepaid": prepaid,
    "second_courier": second_courier,
    "collected": collected,
    "taken_back": taken_back,
    "by_neighbour": by_neighbour,
    "nobody_home": nobody_home,
    "delayed": delayed,
    "damaged": damaged,
    "rejected": rejected,
    "cancelled": cancelled,
    "readdressed": readdressed,
}
