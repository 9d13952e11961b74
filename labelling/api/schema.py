"""Tells the API's description how one logs in."""

from drf_spectacular.authentication import SessionScheme
from drf_spectacular.extensions import OpenApiAuthenticationExtension


class BearerScheme(OpenApiAuthenticationExtension):
    target_class = "labelling.tokens.BearerAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema) -> dict:
        return {"type": "http", "scheme": "bearer"}


class PageScheme(SessionScheme):
    target_class = "labelling.page_login.PageAuthentication"
    priority = 0
