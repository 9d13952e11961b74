from django.apps import AppConfig


class DatasetsConfig(AppConfig):
    name = "datasets"
    verbose_name = "Data sets"

    def ready(self) -> None:
        from datasets import stopped
        from jobs.signals import job_stopped

        job_stopped.connect(stopped.mark_failed, dispatch_uid="datasets")
