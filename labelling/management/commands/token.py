"""Make a token with which a program speaks to the API as a person."""

import json

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser

from labelling.forms import MAX_TOKEN_DAYS
from labelling.tokens import DEFAULT_DAYS, make_token


class Command(BaseCommand):
    help = "Print a new API token of USER. It is shown this once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", metavar="USER", help="a user name")
        parser.add_argument("--name", default="command line", help="what uses it")
        parser.add_argument("--days", type=int, default=DEFAULT_DAYS, help=f"valid for, 1 to {MAX_TOKEN_DAYS}")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args, **options) -> None:
        if not 1 <= options["days"] <= MAX_TOKEN_DAYS:
            raise CommandError(f"--days must be from 1 to {MAX_TOKEN_DAYS}.")
        user = get_user_model().objects.filter(username=options["user"]).first()
        if user is None:
            raise CommandError(f"Nobody here has the user name “{options['user']}”.")
        if not user.is_active:
            raise CommandError(f"The account “{options['user']}” is switched off, so its tokens would be refused.")
        token, row = make_token(user, options["name"], options["days"])
        if options["json"]:
            expires = row.expires_at.isoformat()
            made = {"token": token, "user": user.get_username(), "name": row.name, "expires": expires}
            self.stdout.write(json.dumps(made))
        else:
            self.stdout.write(token)
