from django.apps import AppConfig


class LabellingConfig(AppConfig):
    name = "labelling"

    def ready(self) -> None:
        from labelling import elsewhere_objects, erase_texts, fsck, job_rules, near_duplicates, photo_objects
        from labelling.api import schema  # noqa: F401  (registers itself)
        from labelling.signals import images_added

        job_rules.install()
        erase_texts.listen()
        images_added.connect(near_duplicates.look_soon, dispatch_uid="near_duplicates")
        fsck.register(
            photo_objects.Originals(), photo_objects.Pictures(), photo_objects.Crops(), photo_objects.Staged()
        )
        fsck.register_beside(elsewhere_objects.check_originals_elsewhere)
