from django.apps import AppConfig


class LabellingConfig(AppConfig):
    name = "labelling"

    def ready(self) -> None:
        from labelling import job_rules
        from labelling.api import schema  # noqa: F401  (registers itself)

        job_rules.install()
