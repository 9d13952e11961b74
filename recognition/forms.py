"""Shapes of what people ask of a training or an evaluation. Meaning is checked by the verbs."""

from django import forms

from datasets.models import Version, VersionState
from labelling.errors import Refused
from labelling.models import Project
from recognition.enrolment import MOST, TITLES, Enrolment, Policy
from recognition.models import Model
from recognition.recipe_list import ALL, read_options
from recognition.runs import MAX_TRIALS, TrainParams

DEFAULT = TrainParams()
RECIPES = [
    ("Train a model", [(recipe.name, recipe.title) for recipe in ALL if not recipe.is_baseline]),
    ("Simple ways to hold it against", [(recipe.name, recipe.title) for recipe in ALL if recipe.is_baseline]),
]
MAX_EPOCHS = 1000


class VersionChoice(forms.ModelChoiceField):
    """A ready version of the project, by its number."""

    def __init__(self, project: Project):
        ready = Version.objects.filter(project=project, state=VersionState.READY).defer("statistics").with_tags()
        super().__init__(ready, to_field_name="number", empty_label=None)

    def label_from_instance(self, version: Version) -> str:
        return f"Version {version.number}" + (f" · {version.tag}" if version.tag else "")


class ModelChoice(forms.ModelChoiceField):
    """A model of the project; nothing chosen stands for the embedding alone."""

    def __init__(self, project: Project):
        models = Model.objects.filter(project=project)
        super().__init__(models, required=False, empty_label="The frozen embedding alone")

    def label_from_instance(self, model: Model) -> str:
        return f"{model.name} (model {model.pk})"


class TrainOptionsForm(forms.Form):
    """How to train; what is left out has its default."""

    recipe = forms.ChoiceField(choices=RECIPES, initial=DEFAULT.recipe, required=False)
    epochs = forms.IntegerField(
        min_value=1, max_value=MAX_EPOCHS, initial=DEFAULT.epochs, required=False,
        help_text="At most; it stops when validation no longer gets better. Simple ways have none.",
    )  # fmt: skip
    seed = forms.IntegerField(
        min_value=0, max_value=2**31 - 1, initial=DEFAULT.seed, required=False,
        help_text="The same version, recipe and seed give the same model.",
    )  # fmt: skip

    options = forms.CharField(
        max_length=500, required=False, label="Parameters",
        help_text="As in “margin=20 scale=32”; what is left out has the recipe’s own value.",
    )  # fmt: skip
    trials = forms.IntegerField(
        min_value=0, max_value=MAX_TRIALS, initial=0, required=False, label="Trials of a search",
        help_text="Heads only: so many sets of parameters are tried, and the one with the best mAP on validation "
        "trains the model. What is set above stays. 0 trains once.",
    )  # fmt: skip

    def clean_options(self) -> dict:
        try:
            return read_options(self.cleaned_data["options"])
        except Refused as error:
            raise forms.ValidationError(error.message) from error

    def params(self) -> TrainParams:
        asked = {name: self.cleaned_data[name] for name in ("recipe", "epochs", "seed", "options", "trials")}
        return TrainParams(**{name: value for name, value in asked.items() if value not in (None, "")})


class TrainForm(TrainOptionsForm):
    field_order = ["version"]

    def __init__(self, *args, project: Project, **kwargs):
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.required = True
        self.fields["options"].required = self.fields["trials"].required = False
        self.fields["version"] = VersionChoice(project)
        self.order_fields(self.field_order)


class EvaluateForm(forms.Form):
    field_order = ["version", "model"]

    gallery = forms.ChoiceField(
        choices=[(policy.value, TITLES[policy]) for policy in Policy], required=False,
        help_text="Whom a test face is compared with. The report names it beside its figures.",
    )  # fmt: skip
    gallery_size = forms.IntegerField(
        min_value=1, max_value=MOST, initial=Enrolment.gallery_size, required=False, label="Faces a person",
        help_text="With “so many faces a person” only.",
    )  # fmt: skip
    apart_sessions = forms.BooleanField(
        required=False, label="Never compare faces of one session",
        help_text="Photos of one session are alike because of light and clothes.",
    )  # fmt: skip

    def __init__(self, *args, project: Project, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["version"] = VersionChoice(project)
        self.fields["model"] = ModelChoice(project)
        self.order_fields(self.field_order)

    def enrolment(self) -> Enrolment:
        return Enrolment.of({key: value or None for key, value in self.cleaned_data.items()})


class AcceptForm(forms.Form):
    """From when on suggestions are accepted: a number, or whatever the ledger supports."""

    mode = forms.ChoiceField(choices=[("set", "Set by hand"), ("learnt", "Learnt from decisions")])
    threshold = forms.FloatField(min_value=0.5, max_value=1, required=False)


class TellApartForm(forms.Form):
    event_id = forms.UUIDField()


class RecallForm(forms.Form):
    recall = forms.FloatField(
        min_value=0.5, max_value=0.999, error_messages={"invalid": "Give a share from 0.5 to 0.999."}
    )


class ProposeForm(forms.Form):
    threshold = forms.FloatField(min_value=0, max_value=1, error_messages={"invalid": "Give a number from 0 to 1."})


class TargetForm(forms.Form):
    target = forms.IntegerField(min_value=1, max_value=100_000, required=False, label="Faces wanted of each person")
