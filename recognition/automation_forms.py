"""Shapes of what people ask of pipelines and rules on the page. Meaning is checked by the verbs."""

from django import forms

from datasets.models import Version, VersionState
from labelling.models import Project
from recognition.forms import TrainOptionsForm
from recognition.models import Rule, RuleKind
from recognition.pipelines import Asked
from recognition.rules import WEEKDAYS, When

TRAIN, EVALUATE = "train", "evaluate"
CANDIDATE, PROMOTE = "candidate", "promote"
MOST_VERSIONS = 200


class LikeChoice(forms.ModelChoiceField):
    """A ready version whose splits and filters are taken."""

    def __init__(self, project: Project):
        ready = Version.objects.filter(project=project, state=VersionState.READY).only("number").with_tags()
        super().__init__(
            ready[:MOST_VERSIONS],
            required=False,
            label="Splits and filters",
            to_field_name="number",
            empty_label="Those of the last version",
            help_text="Photos stay in the splits where they were.",
        )

    def label_from_instance(self, version: Version) -> str:
        return f"Those of version {version.number}" + (f" · {version.tag}" if version.tag else "")

    def to_python(self, value):
        """Asked for by its number: a list that is cut cannot be filtered any more."""
        if value in self.empty_values:
            return None
        found = next((version for version in self.queryset if str(version.number) == str(value)), None)
        if found is None:
            raise forms.ValidationError("Choose a version of the list.")
        return found


class PipelineForm(TrainOptionsForm):
    """What a pipeline does; `asked` once it is valid."""

    work = forms.ChoiceField(
        label="Do",
        choices=[(TRAIN, "Train, evaluate, ask the gate"), (EVALUATE, "Evaluate what serves now")],
        initial=TRAIN,
        required=False,
        help_text="On a new version of the labels as they stand.",
    )
    then = forms.ChoiceField(
        label="At the end",
        choices=[(CANDIDATE, "Leave a candidate"), (PROMOTE, "Promote it if the gate is open")],
        initial=CANDIDATE,
        required=False,
    )

    def __init__(self, *args, project: Project, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["like"] = LikeChoice(project)
        self.order_fields([*self.LEADING, "work", "recipe", "epochs", "seed", "options", "trials", "like", "then"])

    LEADING: tuple[str, ...] = ()

    @property
    def asked(self) -> Asked:
        said = self.cleaned_data
        trains = said["work"] != EVALUATE
        return Asked(
            trains=trains, params=self.params(), like=said["like"], promotes=trains and said["then"] == PROMOTE
        )

    @property
    def is_wrong_inside(self) -> bool:
        """Whether one of the fields is, which should be seen then."""
        return any(name in self.fields for name in self.errors)

    @property
    def training_is_wrong(self) -> bool:
        return any(field.errors for field in self.of_training)

    @property
    def of_training(self) -> list[forms.BoundField]:
        return [self[name] for name in ("recipe", "epochs", "seed", "options", "trials")]


class RuleForm(PipelineForm):
    """When, and what then; `when` once it is valid."""

    LEADING = ("kind", "labels", "gini", "weekday", "hour")

    kind = forms.ChoiceField(
        label="When",
        choices=[
            (RuleKind.LABELS, "New labels have come"),
            (RuleKind.IMBALANCE, "The imbalance has changed"),
            (RuleKind.SCHEDULE, "At a set time"),
        ],
        initial=RuleKind.LABELS,
    )
    labels = forms.IntegerField(
        label="New labels", min_value=1, max_value=10**7, initial=200, required=False,
        help_text="Named faces that were confirmed or changed since the last version.",
    )  # fmt: skip
    gini = forms.FloatField(
        label="Change of the Gini coefficient", min_value=0.001, max_value=1, initial=0.05, required=False,
        widget=forms.NumberInput(attrs={"step": "any"}),
        help_text="0 is even, 1 is all faces of one person. Up or down from the last version.",
    )  # fmt: skip
    weekday = forms.TypedChoiceField(
        label="Day", choices=[("", "Every day"), *enumerate(WEEKDAYS)], coerce=int, empty_value=None, required=False,
    )  # fmt: skip
    hour = forms.TypedChoiceField(
        label="Hour, in UTC", choices=[(hour, f"{hour:02d}:00") for hour in range(24)], coerce=int, initial=3,
        empty_value=None, required=False,
        help_text="An hour that was missed is made up for once. It is passed over when nothing has changed.",
    )  # fmt: skip

    @property
    def when(self) -> When:
        said = self.cleaned_data
        if said["kind"] == RuleKind.SCHEDULE:
            return When(said["kind"], hour=said["hour"], weekday=said["weekday"])
        return When(said["kind"], threshold=said["labels" if said["kind"] == RuleKind.LABELS else "gini"])

    # The field that a sentence of the verb is about.
    def field_of(self, name: str) -> str | None:
        if name == "threshold":
            return "labels" if self.cleaned_data.get("kind") == RuleKind.LABELS else "gini"
        return name if name in self.fields else None


def as_said(rule: Rule) -> dict:
    """A rule as its form shows it."""
    said = {
        "kind": rule.kind,
        "weekday": "" if rule.weekday is None else rule.weekday,
        "work": TRAIN if rule.trains else EVALUATE,
        "then": PROMOTE if rule.promotes else CANDIDATE,
        "like": rule.like.number if rule.like else "",
        "recipe": rule.params["recipe"],
        "epochs": rule.params["epochs"],
        "seed": rule.params["seed"],
        "trials": rule.params["trials"],
        "options": " ".join(f"{name}={value:g}" for name, value in rule.params["options"].items()),
    }
    if rule.kind == RuleKind.SCHEDULE:
        return said | {"hour": rule.hour}
    if rule.kind == RuleKind.LABELS:
        return said | {"labels": int(rule.threshold)}
    return said | {"gini": rule.threshold}
