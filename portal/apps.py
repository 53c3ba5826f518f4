"""The shell: urls, processes, checks of the configuration."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    """Registers the checks of the environment."""

    name = "portal"

    def ready(self) -> None:
        """Register the checks."""
        from portal import checks  # noqa: F401 - registers on import
