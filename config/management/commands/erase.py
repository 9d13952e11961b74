"""facet erase PROJECT PERSON: erase a person for good, and say what went."""

from django.core.management.base import CommandError

from config.work_command import WorkCommand
from labelling.erase import erase_person, preview
from labelling.identities import find_identity
from labelling.models import Erasure, ErasureState, PhotoFate


class Command(WorkCommand):
    help = (
        "Erase a person for good: faces, crops, vectors, names, photos that show nobody else; in photos that show "
        "others the face is painted over. Frozen versions lose the person's rows and still verify. Interrupted, the "
        "same command goes on."
    )

    def add_arguments(self, parser):
        parser.add_argument("project")
        parser.add_argument("person", help="the name; or, to go on, the number as #7")
        parser.add_argument("--confirm", default="", metavar="NAME", help="the name once more: without it nothing goes")
        parser.add_argument("--alone", choices=PhotoFate.values, default="delete", help="photos that show nobody else")
        parser.add_argument("--shared", choices=PhotoFate.values, default="paint", help="photos that show others too")
        parser.add_argument("--json", action="store_true")

    def work(self, options: dict) -> dict:
        project = self.project(options["project"])
        person = self._person(project, options["person"])
        if not options["confirm"] and person.erased_at is None:
            self.say("Nothing was erased; this is what would go. Confirm with --confirm and the person's name.")
            return {"project": project.slug, "erased": False, **preview(person)}
        erasure = erase_person(
            person, confirm=options["confirm"], alone=options["alone"], shared=options["shared"]
        )  # fmt: skip
        self.finish(erasure.job)
        erasure.refresh_from_db()
        if erasure.state != ErasureState.DONE:
            raise CommandError(
                f"Not everything is gone yet. Go on with: facet erase {project.slug} #{erasure.class_id}"
            )
        return {"project": project.slug, "erased": True, "erasure": erasure.pk, "report": erasure.report}

    def _person(self, project, name: str):
        if name.startswith("#") and name[1:].isdigit():
            erasure = Erasure.objects.filter(project=project, class_id=int(name[1:])).select_related("identity").first()
            if erasure:
                return erasure.identity
        person = find_identity(project, name)
        if person is None:
            raise CommandError(f"There is nobody called “{name}” in “{project.slug}”.", returncode=2)
        return person
