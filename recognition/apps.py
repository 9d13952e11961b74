from django.apps import AppConfig


class RecognitionConfig(AppConfig):
    name = "recognition"
    verbose_name = "Recognition"

    def ready(self) -> None:
        from datasets import leaks
        from jobs.signals import job_stopped
        from labelling import fsck, loop, person_context
        from recognition import alike_people, erasure, loop_steps, runs, stored, twins, work_left

        work_left.listen()
        erasure.listen()
        loop.set_later_steps(loop_steps.later_steps)
        person_context.set_more(alike_people.more_about)
        job_stopped.connect(runs.mark_failed, dispatch_uid="recognition")
        leaks.set_twins(twins.find_twins)
        fsck.register(stored.OnnxFiles())
        fsck.register(stored.Artifacts(), stored.Checkpoints())
