"""facet pull URL PROJECT@VERSION FOLDER: as `facet pull` of facet-client, which this is."""

import sys

from django.core.management.base import BaseCommand, CommandError
from facet_client.command import add_pull_arguments, run_pull
from facet_client.folder import NotPulled
from facet_client.progress import Progress
from facet_client.server import ServerRefused, ServerUnreachable


class Command(BaseCommand):
    help = (
        "Take a version away from a Facet server, into a folder: what is there already is not fetched again. "
        "FACET_TOKEN holds the token."
    )
    requires_system_checks: list = []

    def add_arguments(self, parser):
        add_pull_arguments(parser)

    def handle(self, *args, **options):
        progress = Progress()
        try:
            code = run_pull(options, progress)
        except (ServerRefused, ServerUnreachable, NotPulled) as error:
            raise CommandError(str(error)) from None
        finally:
            progress.close()
        if code:
            sys.exit(code)
