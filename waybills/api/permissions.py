"""What a caller may do: Django's permissions decide."""

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView


class HasNamedPermission(BasePermission):
    """Grants a method to whoever has the permission that the view's `needs` names for it."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Return whether the caller may; a method that the view has, but names no permission for, is nobody's."""
        method = "GET" if request.method == "HEAD" else str(request.method)
        needed: str | None = getattr(view, "needs", {}).get(method)
        if needed is None:
            return not hasattr(view, method.lower())  # on to a 405
        return request.user.has_perm(needed)
