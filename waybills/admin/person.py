"""Who is at the desk."""

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest


def person(request: HttpRequest) -> User:
    """Return the person whose act this is. Raise PermissionDenied where nobody is logged in."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user
