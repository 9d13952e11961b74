"""Shapes of what people send from pages. Meaning is checked by the verbs; `add_refusal` brings their word back."""

import uuid

from django import forms
from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator

from labelling.batches import MOST
from labelling.describe import fingerprint
from labelling.errors import Refused
from labelling.identities import MAX_NAME
from labelling.models import Identity, ImageState, Project, QueueOrder, Role, Verb, Who
from labelling.photo_filters import ANY_GROUP, is_id
from labelling.tokens import DEFAULT_DAYS

MAX_TOKEN_DAYS = 366
MOST_FACES = 10_000
DETECTORS = {
    "mtcnn": "MTCNN",
    "yunet": "YuNet (needs its ONNX file)",
    "haar": "Haar or LBP cascade (needs its XML file)",
}

EMBEDDERS = {"dlib": "dlib", "facenet": "FaceNet (needs its weights)"}


def add_refusal(form: forms.Form, error: Refused) -> None:
    """Show what a verb refused beside the field it is about, or above the form."""
    field = next((name for name in error.fields if name in form.fields), None)
    form.add_error(field, error.message)


class NewProjectForm(forms.Form):
    name = forms.CharField(max_length=120, help_text="For example the place, the event or the team of the photos.")


class ProjectSettingsForm(forms.ModelForm):
    """Row fields and the stored settings together; whatever else is stored there stays."""

    detector = forms.ChoiceField(
        help_text="What proposes boxes in new photos. Files for YuNet and cascades are set up with the workers."
    )
    embedder = forms.ChoiceField(
        help_text="What describes faces so that they can be compared. With another one all faces are described anew, "
        "and models trained on the former one serve no longer."
    )
    min_face_px = forms.IntegerField(
        label="Smallest face", min_value=10, max_value=1000,
        help_text="In pixels of the original photo; smaller faces are not proposed.",
    )  # fmt: skip
    min_score = forms.FloatField(
        label="Least detector confidence", min_value=0, max_value=1,
        help_text="From 0 to 1. Lower finds more faces, and more that are none: Review, Detector shows how many.",
        widget=forms.NumberInput(attrs={"step": "any"}),
    )  # fmt: skip
    accept_probability = forms.FloatField(
        label="Accept suggestions from", min_value=0.5, max_value=1,
        help_text="From 0.5 to 1. “Accept all” takes a suggested name only when it is at least this probable.",
        widget=forms.NumberInput(attrs={"step": "any"}),
    )  # fmt: skip
    lease_minutes = forms.IntegerField(
        label="Minutes a photo stays reserved", min_value=1, max_value=240,
        help_text="For the person who opened it, counted from their last sign of life.",
    )  # fmt: skip

    queue_order = forms.ChoiceField(
        label="Order of the queue", choices=QueueOrder.choices,
        help_text="Which waiting photo comes next. Photos of a person's own batches come before all others.",
    )  # fmt: skip
    overlap = forms.IntegerField(
        label="People who label the same photo", min_value=1, max_value=5,
        help_text="More than one label it without seeing what the others say. Where they agree it is labelled; "
        "where they do not, a reviewer decides.",
    )  # fmt: skip
    overlap_share = forms.FloatField(
        label="Share of the photos that holds for", min_value=0, max_value=1,
        help_text="From 0 to 1, drawn at random. The other photos are labelled by one person.",
        widget=forms.NumberInput(attrs={"step": "0.01"}),
    )  # fmt: skip
    gold_every = forms.IntegerField(
        label="A known photo every", min_value=0, max_value=1000,
        help_text="Every how many photos an annotator gets one whose truth a reviewer vouched for. 0: never.",
    )  # fmt: skip
    accept_target = forms.FloatField(
        label="Names accepted unseen that must be right", min_value=0.5, max_value=0.9999,
        help_text="From 0.5 to 0.9999. The suggestions page works out from which probability on that holds.",
        widget=forms.NumberInput(attrs={"step": "any"}),
    )  # fmt: skip
    gate_min_probes = forms.IntegerField(
        label="Test faces that make a person count", min_value=1, max_value=10_000,
        help_text="When a model is to go into production: people with fewer cannot stop it.",
    )  # fmt: skip
    gate_max_fall = forms.FloatField(
        label="Largest fall of a person's AP", min_value=0, max_value=1,
        help_text="From 0 to 1. A model with which anybody's average precision falls by more needs an override.",
        widget=forms.NumberInput(attrs={"step": "any"}),
    )  # fmt: skip
    gate_max_ms = forms.FloatField(
        label="Longest time per face", min_value=1, max_value=600_000,
        help_text="Median milliseconds, measured in each evaluation. A slower model needs an override.",
        widget=forms.NumberInput(attrs={"step": "any"}),
    )  # fmt: skip

    STORED = (
        "detector", "embedder", "min_face_px", "min_score", "accept_probability", "accept_target", "lease_minutes",
        "queue_order", "overlap", "overlap_share", "gold_every", "gate_min_probes", "gate_max_fall", "gate_max_ms",
    )  # fmt: skip

    class Meta:
        model = Project
        fields = ["name", "guidelines", "retention_days"]
        widgets = {"guidelines": forms.Textarea(attrs={"rows": 12})}
        help_texts = {
            "guidelines": "Markdown. What counts as a face, which ones to ignore, how to spell names.",
            "retention_days": "How long originals may be kept. Leave empty for no limit.",
        }

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        current = self.instance.settings
        choices = DETECTORS | {current.detector: DETECTORS.get(current.detector, current.detector)}
        self.fields["detector"].choices = list(choices.items())
        self.fields["embedder"].choices = _embedders(current.embedder)
        self.fields["retention_days"].validators += [MinValueValidator(1), MaxValueValidator(36_500)]
        for name in self.STORED:
            self.initial.setdefault(name, getattr(current, name))

    def clean_name(self) -> str:
        return " ".join(self.cleaned_data["name"].split())

    def save(self, commit: bool = True) -> Project:
        chosen = {name: self.cleaned_data[name] for name in self.STORED}
        self.instance.stored_settings = {**self.instance.stored_settings, **chosen}
        # Never the whole row: `next_class_id` may have grown since it was read.
        self.instance.save(update_fields=["name", "guidelines", "retention_days", "stored_settings"])
        return self.instance


def _embedders(current: str) -> list[tuple[str, str]]:
    """Those that Facet knows, those the operator set up, and whichever is in use."""
    names = [f"onnx:{one.partition('=')[0].strip()}" for one in settings.ONNX_EMBEDDERS]
    choices = EMBEDDERS | {name: f"{name} (a file of the operator's)" for name in names}
    return list(({current: current} | choices).items())


class MemberForm(forms.Form):
    username = forms.CharField(
        label="User name", max_length=150, widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"})
    )
    role = forms.TypedChoiceField(choices=Role.choices, coerce=lambda value: Role(int(value)), initial=Role.ANNOTATOR)
    make_account = forms.BooleanField(
        label="Make the account if nobody has this name", required=False,
        help_text="Its first password is shown to you once.",
    )  # fmt: skip

    def __init__(self, *args, may_make_accounts: bool, **kwargs):
        super().__init__(*args, **kwargs)
        if not may_make_accounts:
            del self.fields["make_account"]


class TokenForm(forms.Form):
    name = forms.CharField(max_length=80, help_text="What uses it, for example “export on the training machine”.")
    days = forms.IntegerField(
        label="Valid for days", min_value=1, max_value=MAX_TOKEN_DAYS, initial=DEFAULT_DAYS,
        help_text=f"At most {MAX_TOKEN_DAYS}.",
    )  # fmt: skip


class RenameForm(forms.Form):
    """`event_id` is made with the form: sent twice, it renames once."""

    name = forms.CharField(max_length=500)
    event_id = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)


class IdentityDetailsForm(forms.ModelForm):
    """`seen` names the description it was filled from, so that a change made meanwhile is not written over."""

    aliases = forms.CharField(
        required=False, max_length=10_000, widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Other names, one a line. People are found by them too.",
    )  # fmt: skip
    event_id = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    seen = forms.CharField(widget=forms.HiddenInput, required=False)

    class Meta:
        model = Identity
        fields = ["aliases", "target_count", "notes", "consent_basis", "consent_date", "consent_expiry"]
        labels = {
            "target_count": "Faces wanted", "consent_basis": "Consent", "consent_date": "Given on",
            "consent_expiry": "Ends on",
        }  # fmt: skip
        help_texts = {
            "target_count": "How many confirmed faces this person should have.",
            "consent_basis": "What allows to keep their faces, for example “signed form 12”.",
        }
        widgets = {
            "notes": forms.Textarea(attrs={"rows": 3}),
            "consent_date": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
            "consent_expiry": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        }

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.initial["aliases"] = "\n".join(self.instance.aliases)
        self.initial["seen"] = fingerprint(self.instance)
        self.fields["target_count"].validators.append(MaxValueValidator(1_000_000))
        self.fields["notes"].max_length = 10_000

    def clean_aliases(self) -> list[str]:
        lines = (" ".join(line.split()) for line in self.cleaned_data["aliases"].splitlines())
        aliases = [line for line in lines if line]
        if any(len(alias) > MAX_NAME for alias in aliases):
            raise forms.ValidationError(f"Each alias may have {MAX_NAME} letters.")
        return aliases

    def changes(self) -> dict:
        return {name: self.cleaned_data[name] for name in self.Meta.fields}


class FacesField(forms.Field):
    """Ids of faces, as the checkboxes of a grid send them."""

    widget = forms.MultipleHiddenInput
    default_error_messages = {"required": "Choose the faces first.", "invalid": "Choose faces from the list."}

    def to_python(self, value) -> list[int]:
        value = value or []
        if len(value) > MOST_FACES or not all(one.isascii() and one.isdecimal() and len(one) < 19 for one in value):
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        return sorted({int(one) for one in value})


class SplitForm(forms.Form):
    """`to`: a name; empty sends the faces back to waiting."""

    faces = FacesField()
    to = forms.CharField(required=False, max_length=500)
    remember = forms.BooleanField(required=False, initial=True)
    allow_twice = forms.BooleanField(required=False)
    allow_not_same = forms.BooleanField(required=False)
    event_id = forms.UUIDField()

    def clean(self) -> dict:
        asked = super().clean()
        if self.data.get("answer") == "away":
            asked["to"] = ""
        elif not asked.get("to", "").strip() and "to" not in self.errors:
            self.add_error("to", "Write whose faces these are.")
        return asked


class AcceptForm(forms.Form):
    faces = FacesField()
    answer = forms.ChoiceField(choices=[("yes", "yes"), ("no", "no")])
    event_id = forms.UUIDField()


class MergeForm(forms.Form):
    """faces, into_faces: how many there were when the person decided."""

    into = forms.IntegerField(widget=forms.HiddenInput)
    event_id = forms.UUIDField(widget=forms.HiddenInput)
    faces = forms.IntegerField(min_value=0, widget=forms.HiddenInput)
    into_faces = forms.IntegerField(min_value=0, widget=forms.HiddenInput)
    allow_twice = forms.BooleanField(required=False)
    allow_not_same = forms.BooleanField(required=False)


class ImageFilterForm(forms.Form):
    q = forms.CharField(label="File name", required=False, max_length=255)
    state = forms.ChoiceField(choices=[("", "Any state"), *ImageState.choices], required=False)
    who = forms.ChoiceField(label="With faces that are", choices=[("", "Anybody"), *Who.choices], required=False)
    identity = forms.CharField(label="Person", required=False, max_length=120)
    session = forms.CharField(required=False, max_length=120, widget=forms.TextInput(attrs={"list": "sessions"}))
    near = forms.ChoiceField(label="Near-duplicates", required=False)

    def __init__(self, data):
        super().__init__(data)
        asked = data.get("near", "")
        one_photo = [(asked, "Like one photo")] if is_id(asked) else []
        self.fields["near"].choices = [("", "All photos"), (ANY_GROUP, "Only these"), *one_photo]


class IdentityFilterForm(forms.Form):
    q = forms.CharField(label="Name or alias", required=False, max_length=120)


class HistoryFilterForm(forms.Form):
    person = forms.CharField(label="Person", required=False, max_length=120)
    actor = forms.ModelChoiceField(None, label="Changed by", required=False, empty_label="Anybody")
    verb = forms.ChoiceField(label="Kind", choices=[("", "Any change"), *Verb.choices], required=False)

    def __init__(self, *args, actors, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["actor"].queryset = actors


class QueueOrderForm(forms.Form):
    order = forms.ChoiceField(choices=QueueOrder.choices)


class AssignBatchForm(forms.Form):
    assigned_to = forms.ModelChoiceField(queryset=None, required=False, label="For", empty_label="everybody")

    def __init__(self, *args, members, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["assigned_to"].queryset = members


class BatchForm(AssignBatchForm):
    name = forms.CharField(max_length=120)
    count = forms.IntegerField(
        label="Photos", min_value=1, max_value=MOST, initial=200, help_text="At most; the next ones of the queue."
    )
    session = forms.CharField(required=False, max_length=120, help_text="Only of this capture session.")
    q = forms.CharField(label="File name", required=False, max_length=255, help_text="Only where it holds this.")

    field_order = ("name", "assigned_to", "count", "session", "q")
