"""Looks at a deployment as WeChat and its operators will: says what is wrong, and how it is mended."""

import time
from collections.abc import Iterator

from django.conf import settings
from django.utils.translation import gettext as _

from wechat.doctor.callback import check_callback
from wechat.doctor.caller import Caller
from wechat.doctor.configuration import check_configuration
from wechat.doctor.findings import Finding, note
from wechat.doctor.storage import check_storage
from wechat.doctor.token import check_token


def examine(callback_url: str | None) -> Iterator[Finding]:
    """Yield the findings one by one, as they come; the callback is asked only where its address is given."""
    yield from check_configuration()
    yield from check_storage()
    yield from check_token(time.time)
    if callback_url:
        yield from check_callback(Caller(callback_url), settings.WECHAT, time.time)
    else:
        yield note(_("Callback"), _("Not checked: no --callback-url was given."))
