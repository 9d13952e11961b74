"""What was seen in buckets that photos are taken from, and which originals stayed there."""

from django.db import models
from django.db.models import Q

from labelling.models.images import Image
from labelling.models.intakes import Intake
from labelling.models.projects import Project


class BucketObject(models.Model):
    """An object as it was when it was read last: synchronising again reads only what is new or has changed since."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+", db_index=False)
    bucket = models.CharField(max_length=63)
    key = models.CharField(max_length=1024)
    etag = models.CharField(max_length=200)
    version = models.CharField(max_length=1024, blank=True, help_text="The bucket's own, where it keeps versions.")
    size = models.PositiveBigIntegerField()
    image = models.ForeignKey(
        Image, null=True, on_delete=models.SET_NULL, related_name="+", help_text="Empty when it was no photo."
    )
    intake = models.ForeignKey(
        Intake, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False, help_text="What read it last."
    )
    reads = models.PositiveIntegerField(default=1, help_text="How many states of it were read.")
    missing_since = models.DateTimeField(null=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["project", "bucket", "key"], name="bucket_object_once_per_project"),
            models.CheckConstraint(condition=Q(reads__gt=0), name="bucket_object_was_read"),
        ]

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


class OriginalElsewhere(models.Model):
    """Where the original of a photo is that was not copied: an object that Facet reads and never writes or deletes.

    The photo's row has its size and the hash of its bytes. Without such a row the original is in Facet's own bucket.
    """

    image = models.OneToOneField(Image, on_delete=models.CASCADE, primary_key=True, related_name="elsewhere")
    bucket = models.CharField(max_length=63)
    key = models.CharField(max_length=1024)
    etag = models.CharField(max_length=200)
    version = models.CharField(max_length=1024, blank=True, help_text="The bucket's own, where it keeps versions.")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(bucket="") & ~Q(key="") & ~Q(etag=""), name="original_elsewhere_can_be_told_from_others"
            ),
        ]

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"
