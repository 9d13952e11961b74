"""Makes accounts for new people, on the word of whoever runs the house."""

import secrets

from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction

from labelling.errors import Refused

PASSWORD_BYTES = 12


def make_account(username: str, *, by) -> tuple[object, str]:
    """A new account and its first password, which is shown this once and should be changed by its owner.

    Raises PermissionDenied unless `by` is a superuser, Refused when the name is taken or not allowed.
    """
    if not by.is_superuser:
        raise PermissionDenied("Only an administrator makes accounts.")
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    account = get_user_model()(username=username)
    account.set_password(password)
    try:
        account.full_clean()
        with transaction.atomic():
            account.save()
    except ValidationError as error:
        raise Refused(" ".join(error.messages), fields={"username": error.messages}) from None
    except IntegrityError:
        raise Refused(f"There is already somebody called “{username}”.", fields={"username": ["Taken."]}) from None
    return account, password
