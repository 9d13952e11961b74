from django.apps import AppConfig


class RecognitionConfig(AppConfig):
    name = "recognition"
    verbose_name = "Recognition"

    def ready(self) -> None:
        from jobs.signals import job_stopped
        from labelling import loop
        from recognition import loop_steps, runs, work_left

        work_left.listen()
        loop.set_later_steps(loop_steps.later_steps)
        job_stopped.connect(runs.mark_failed, dispatch_uid="recognition")
