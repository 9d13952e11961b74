"""What pages of other layers show of pipelines."""

from django import template

from recognition.automation_page import running_pipeline as found

register = template.Library()


@register.simple_tag
def running_pipeline(project):
    """The project's pipeline that is under way, or None."""
    return found(project)
