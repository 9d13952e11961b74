"""`facet prepare`: bring the database and the bucket to where this release needs them."""

from django.core.management import call_command
from django.core.management.base import BaseCommand

from labelling import storage


class Command(BaseCommand):
    """Run once before the processes of a new release start; running it again changes nothing."""

    help = "Migrate the database and create the bucket of the object store."

    def handle(self, **options: object) -> None:
        """Migrate, then make the bucket."""
        call_command("migrate", verbosity=options["verbosity"], interactive=False)
        storage.ensure_bucket()
