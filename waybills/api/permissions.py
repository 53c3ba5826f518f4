"""What a caller may do: the token's scopes and Django's permissions decide, and a request needs both."""

from django.utils.translation import gettext as _
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from waybills.api_tokens import SCOPE_OF, has_scope
from waybills.models import ApiToken


class HasNamedPermission(BasePermission):
    """Grants a method to whoever has the permission that the view's `needs` names for it, by a token of its scope."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Return whether the caller may; a method that the view has, but names no permission for, is nobody's.

        Raise PermissionDenied, with a code of its own, where only the token's scope is missing.
        """
        method = "GET" if request.method == "HEAD" else str(request.method)
        needed: str | None = getattr(view, "needs", {}).get(method)
        if needed is None:
            return not hasattr(view, method.lower())  # on to a 405
        if not isinstance(request.auth, ApiToken):
            return False
        if not has_scope(request.auth, needed):
            raise PermissionDenied(
                _("The token lacks the scope %(scope)s.") % {"scope": SCOPE_OF[needed].value}, "missing_scope"
            )
        return request.user.has_perm(needed)
