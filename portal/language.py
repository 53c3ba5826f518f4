"""The desk's language: Chinese until a person chooses another, whatever the browser prefers."""

from django.conf import settings
from django.http import HttpRequest
from django.middleware.locale import LocaleMiddleware
from django.utils import translation


class DeskLanguageMiddleware(LocaleMiddleware):
    """As Django's, but that on the desk only the person's own choice counts, not Accept-Language."""

    def process_request(self, request: HttpRequest) -> None:
        """Activate the chosen language."""
        super().process_request(request)
        if request.path.startswith("/admin/") and settings.LANGUAGE_COOKIE_NAME not in request.COOKIES:
            translation.activate(settings.LANGUAGE_CODE)
            request.LANGUAGE_CODE = translation.get_language()
