"""Who calls: a service account, by its token."""

from django.contrib.auth.models import AbstractBaseUser
from django.utils.translation import gettext_lazy as _
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from waybills.api_tokens import find_token
from waybills.models import ApiToken

_KEYWORD = "Token"


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Token …`, found by its hash in one query."""

    def authenticate(self, request: Request) -> tuple[AbstractBaseUser, ApiToken] | None:
        """Return (user, token); None where the request names no token.

        Raise AuthenticationFailed, with the same words for every cause, where the token is none of ours.
        """
        keyword, _space, token = get_authorization_header(request).decode("latin-1").partition(" ")
        if keyword.lower() != _KEYWORD.lower():
            return None
        found = find_token(token.strip())
        if found is None:
            raise AuthenticationFailed(_("The token is unknown or no longer in force."))
        return found.user, found

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge of a 401."""
        return _KEYWORD
