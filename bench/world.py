"""What every peer is measured on: one database of 20,000 waybills of 8 path events, one mini program, one set of keys.

Run as a module by the driver, it fills the database that DATABASE_URL names through the portal's own ingest.
"""

import base64
import os
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

WAYBILLS, PATHS, BATCH = 20_000, 8, 500
FIRST_TIME = 1_790_000_000
APPID, USERNAME, TOKEN, TEAM = "wxba5fad812f8e6fb9", "gh_97417a04a28d", "AAAAA", "oHt_80DRclK4qjKfdYnPg6RxxsNI"
AES_KEY = "A" * 43
PII_KEY, INDEX_KEY = bytes(range(32)), bytes(range(32, 64))
ENVIRONMENT = {
    "DJANGO_DEBUG": "0",
    "DJANGO_SECRET_KEY": "b" * 50,
    "DJANGO_ALLOWED_HOSTS": "127.0.0.1",
    "PORTAL_HTTPS": "0",
    "PORTAL_ROLE": "web",
    "PORTAL_ENV_FILE": os.devnull,
    "PII_KEYS": base64.b64encode(PII_KEY).decode(),
    "PII_INDEX_KEY": base64.b64encode(INDEX_KEY).decode(),
    "WECHAT_APPID": APPID,
    "WECHAT_SECRET": "s" * 32,
    "WECHAT_USERNAME": USERNAME,
    "WECHAT_TOKEN": TOKEN,
    "WECHAT_AES_KEYS": AES_KEY,
    "WECHAT_MESSAGE_MODE": "safe",
    "JSONP_RATE": "9999999/s",
    "DJANGO_SETTINGS_MODULE": "portal.settings",
}
STEPS = (
    (100001, "已揽收，快递员王五，电话13900139000"),
    (200001, "快件到达【泉州磁灶集散中心】"),
    (200001, "快件离开【泉州磁灶集散中心】，发往【杭州转运中心】"),
    (200001, "快件到达【杭州转运中心】"),
    (200001, "快件离开【杭州转运中心】，发往【绍兴柯桥营业部】"),
    (200001, "快件到达【绍兴柯桥营业部】"),
    (300002, "【李四/13800138000】正在派件，请保持电话畅通"),
    (300003, "快件已签收，签收人是本人，感谢使用"),
)


def waybill_no(number: int) -> str:
    return f"SF{number:012d}"


def receiver_phone(number: int) -> str:
    return f"138{number:08d}"


def sender_phone(number: int) -> str:
    return f"139{number:08d}"


def fill() -> None:
    """Store all waybills and paths; no push is due: they are old."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    for first in range(0, WAYBILLS, BATCH):
        _ingest(range(first, first + BATCH))
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def waybill_items(numbers: Iterable[int], create_time: int) -> list[Any]:
    """Return these waybills as ingest takes them."""
    from waybills.documents import Contact
    from waybills.ingest import WaybillItem

    return [
        WaybillItem(
            waybill_no(number),
            create_time,
            Contact("张三", sender_phone(number), "浙江省", "绍兴市", "柯桥区", "", "纺都路137号"),
            Contact("李四", receiver_phone(number), "福建省", "泉州市", "晋江市", "", "庄宅北区158-6"),
        )
        for number in numbers
    ]


def _ingest(numbers: range) -> None:
    from waybills.documents import PathDocument
    from waybills.ingest import PathItem, ingest

    paths = [
        PathItem(waybill_no(number), FIRST_TIME + 3600 * step, action_type, PathDocument(text, "王五", "13900139000"))
        for number in numbers
        for step, (action_type, text) in enumerate(STEPS)
    ]
    ingest(waybill_items(numbers, FIRST_TIME), paths, now=datetime.now(UTC))


if __name__ == "__main__":
    sys.exit(fill())
