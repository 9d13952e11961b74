from django.apps import AppConfig


class DatasetsConfig(AppConfig):
    name = "datasets"
    verbose_name = "Data sets"

    def ready(self) -> None:
        from datasets import erasure, stopped, stored
        from jobs.signals import job_stopped
        from labelling import fsck

        job_stopped.connect(stopped.mark_failed, dispatch_uid="datasets")
        erasure.listen()
        fsck.register(stored.Manifests(), stored.Exports(), stored.PairLists(), stored.Comparisons(), stored.Imports())
