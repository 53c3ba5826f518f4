"""WeChat's side of the portal: callback, client, token, sender."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class WechatConfig(AppConfig):
    """The app that knows WeChat's transport."""

    name = "wechat"
    verbose_name = _("WeChat")

    def ready(self) -> None:
        """Register the checks."""
        from wechat import checks  # noqa: F401 - registers on import
