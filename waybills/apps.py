"""The carrier's side: waybills, their trails and the queue of pushes."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class WaybillsConfig(AppConfig):
    """The app that knows nothing of WeChat's transport."""

    name = "waybills"
    verbose_name = _("Carrier's side")

    def ready(self) -> None:
        """Prepare what every connection to the database has."""
        from waybills.database import is_postgresql, send_arrays
        from waybills.failed_statements import watch_connections

        watch_connections()
        if is_postgresql():
            send_arrays()
