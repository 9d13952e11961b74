"""The login of a page's own person: what one left unsent is never sent under the name of the next at that computer."""

from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed


class PageAuthentication(SessionAuthentication):
    """A session, unless the page that asks was opened by somebody else (`X-Facet-User`: the id of who did)."""

    def authenticate(self, request):
        found = super().authenticate(request)
        opener = request.headers.get("X-Facet-User", "")
        if found and opener and opener != str(found[0].pk):
            name = found[0].get_username()
            raise AuthenticationFailed(
                f"This browser is logged in as {name} now, but the page was opened by somebody else.", "other_login"
            )
        return found
