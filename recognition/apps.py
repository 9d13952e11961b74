from django.apps import AppConfig


class RecognitionConfig(AppConfig):
    name = "recognition"
    verbose_name = "Recognition"

    def ready(self) -> None:
        from datasets import leaks
        from datasets.signals import version_ready
        from jobs.signals import job_stopped
        from jobs.sweep import every_round
        from labelling import fsck, loop, person_context
        from recognition import alike_people, erasure, loop_steps, pipelines, rule_watch, runs, stored, twins, work_left

        work_left.listen()
        erasure.listen()
        loop.set_later_steps(loop_steps.later_steps)
        person_context.set_more(alike_people.more_about)
        job_stopped.connect(runs.mark_failed, dispatch_uid="recognition")
        job_stopped.connect(pipelines.mark_stopped, dispatch_uid="pipelines")
        version_ready.connect(pipelines.version_is_ready, dispatch_uid="pipelines")
        every_round(rule_watch.look_at_rules)
        leaks.set_twins(twins.find_twins)
        fsck.register(stored.OnnxFiles())
        fsck.register(stored.Artifacts(), stored.Checkpoints(), stored.Verdicts())
