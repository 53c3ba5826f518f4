"""Puts the demo's waybills, cells and accounts into the database, once."""

import io
from datetime import datetime
from pathlib import Path
from random import Random

from django.contrib.auth.models import User
from django.core.management import call_command
from django.utils import timezone

from portal.demo import samples
from portal.demo.shipments import SEED, items, plan
from waybills.cells import CellItem
from waybills.ingest import ingest
from waybills.models import ApiToken, Waybill
from waybills.services import publish_cells, published_cells

ADMIN = "admin"
CARRIER = "demo-carrier"
"""The service account by whose token the carrier's events arrive."""
_SITE = "https://www.example.com"
CELLS = (
    CellItem("detail", "运单详情", _SITE + "/waybills/{waybill_id}"),
    CellItem("pay", "支付运单", _SITE + "/waybills/{waybill_id}/pay"),
    CellItem("redirect", "更改派送地址", _SITE + "/waybills/{waybill_id}/redirect"),
    CellItem("claim", "我要理赔", _SITE + "/claims?waybill={waybill_id}"),
    CellItem("service", "联系客服", _SITE + "/service"),
)


def put_waybills(now: datetime, seed: int = SEED) -> int:
    """Store the samples and the shipments of a seed; return how many waybills, 0 where they are there already."""
    if Waybill.objects.filter(no=samples.BACK_QUERY_NO).exists():
        return 0
    rng = Random(seed)  # noqa: S311 - lifelike, not secret
    posted = [items(shipment, int(now.timestamp()), rng) for shipment in plan(seed)]
    waybills = [*samples.WAYBILLS, *(waybill for waybill, _ in posted)]
    ingest(waybills, [*samples.PATHS, *(path for _, paths in posted for path in paths)], now=now)
    samples.put_unlisted(now)
    return len(waybills)


def put_admin(password: str) -> User:
    """Make the user `admin`, or give it this password."""
    user, _ = User.objects.get_or_create(username=ADMIN)
    user.is_staff = user.is_superuser = True
    user.set_password(password)
    user.save()
    return user


def put_cells(actor: User) -> None:
    """Publish the landing page's cells, where none are."""
    if not published_cells():
        publish_cells(cells=CELLS, actor=actor)


def put_service_account(token_file: Path) -> None:
    """Make the carrier's account; its token stays in a file that this user alone can read."""
    kept = token_file.read_text().strip() if token_file.exists() else ""
    tokens = ApiToken.objects.in_force(timezone.now()).filter(user__username=CARRIER)
    if kept and tokens.filter(digest=ApiToken.digest_of(kept)).exists():
        return
    exists = ApiToken.objects.filter(user__username=CARRIER).exists()
    output = io.StringIO()
    call_command("service_account", CARRIER, rotate=exists, stdout=output, stderr=io.StringIO())
    token_file.touch(mode=0o600)
    token_file.write_text(output.getvalue())
