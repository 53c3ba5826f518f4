"""The two samples of WeChat's specification, as waybills."""

from datetime import UTC, datetime

from waybills.documents import Contact, PathDocument, seal_path
from waybills.ingest import PathItem, WaybillItem, path_digest
from waybills.models import Path, Push, PushReason, PushState, Waybill
from waybills.settlement import SettledIn

BACK_QUERY_NO = "557007127498128"
PATHNOTIFY_NO = "1234567890"
PATHNOTIFY_PHONE = "13800138000"
_CREATED = 1600000000
UNLISTED_TYPE = 300001
"""Stands in the specification's example and in no table: refused on the way in, passed through from the database."""

WAYBILLS = (
    WaybillItem(
        BACK_QUERY_NO,
        _CREATED,
        Contact(name="张三", phone="13763357711"),
        Contact(name="李四", phone="13763357711"),
    ),
    WaybillItem(
        PATHNOTIFY_NO,
        1597396101,
        Contact("张三", "13800138001", "浙江省", "绍兴市", "柯桥区", address="纺都路137号"),
        Contact("李四", PATHNOTIFY_PHONE, "福建省", "泉州市", "晋江市", address="庄宅北区158-6"),
    ),
)
PATHS = (
    PathItem(BACK_QUERY_NO, _CREATED, 100001, PathDocument("已取件")),
    PathItem(PATHNOTIFY_NO, 1597396101, 200001, PathDocument("快件到达 【泉州磁灶集散中心】")),
)


def put_unlisted(now: datetime) -> None:
    """Put the example's 300001 where no door lets it in: the database; nothing pushes it."""
    document = PathDocument("派送中", delivery_courier_name="张三", delivery_courier_phone="10086")
    digest = path_digest(PathItem(BACK_QUERY_NO, _CREATED, UNLISTED_TYPE, document))
    waybill = Waybill.objects.get(no=BACK_QUERY_NO)
    path, is_new = Path.objects.get_or_create(
        waybill=waybill,
        digest=digest,
        defaults={
            "action_time": _CREATED,
            "action_type": UNLISTED_TYPE,
            "sealed": seal_path(digest, document),
            "created_at": now,
        },
    )
    if is_new:
        Push.objects.create(
            path=path,
            waybill=waybill,
            action_time=_CREATED,
            action_type=UNLISTED_TYPE,
            state=PushState.SKIPPED,
            reason=PushReason.TYPE_EXCLUDED,
            deadline_at=datetime.fromtimestamp(_CREATED, UTC),
            created_at=now,
            settled_at=now,
            settled_in=SettledIn(),
        )
