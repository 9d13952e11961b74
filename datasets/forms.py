"""Shapes of what people send from the pages about versions. Meaning is checked by the verbs."""

from django import forms

from datasets.export_options import (
    ALIGNED,
    BOX,
    LEAST_PART_MB,
    LEAST_SIDE,
    MOST_MARGIN,
    MOST_PART_MB,
    MOST_SIDE,
    PART_MB,
)
from datasets.exports import FORMATS
from datasets.models import PairList, Tag
from datasets.pair_lists import LFW_FOLDS, LFW_PAIRS, MOST_PAIR_FOLDS, MOST_PAIRS
from datasets.splits import (
    CLOSED,
    KIND_CHOICES,
    MOST_FOLDS,
    MOST_GALLERY,
    OPEN,
    SPLITS,
    BadPolicy,
    SplitPolicy,
)
from labelling.models import Who

DEFAULT = SplitPolicy()


def _percent(share: float, **options) -> forms.IntegerField:
    return forms.IntegerField(min_value=0, max_value=100, initial=round(100 * share), **options)


class Lines(forms.CharField):
    """One entry a line."""

    widget = forms.Textarea(attrs={"rows": 2, "autocomplete": "off", "spellcheck": "false"})

    def to_python(self, value) -> list[str]:
        return [line.strip() for line in super().to_python(value).splitlines() if line.strip()]


def _figure(label: str, help_text: str = "") -> forms.FloatField:
    return forms.FloatField(
        label=label, required=False, min_value=0, help_text=help_text, widget=forms.NumberInput(attrs={"step": "any"})
    )


def _day(label: str, help_text: str = "") -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(label=label, required=False, help_text=help_text, widget=widget)


class FilterForm(forms.Form):
    """“Only some of it”: all may be left empty. What names mean is looked up by `read_filters`."""

    who = forms.MultipleChoiceField(
        label="Faces", choices=Who.choices, required=False, widget=forms.CheckboxSelectMultiple,
        help_text="None chosen stands for all of these.",
    )  # fmt: skip
    consent = forms.BooleanField(
        label="Only people whose consent is given and runs today", required=False,
        help_text="As their pages say. Faces without a name are left out too: nobody knows whom to ask.",
    )  # fmt: skip
    people = Lines(label="Only these people", required=False, help_text="A name or class id a line.")
    not_people = Lines(label="Without these people", required=False)
    sessions = Lines(label="Only these capture sessions", required=False, help_text="One a line.")
    not_sessions = Lines(label="Without these capture sessions", required=False)
    taken_from = _day("Taken from")
    taken_to = _day("Taken to", "Both days included, in UTC. Photos without a date are left out.")
    min_face = _figure("Least face, pixels", "Of the shorter side of its box.")
    min_sharpness = _figure("Least sharpness", "Of the photo; as the page of a photo tells it.")
    min_brightness = _figure("Least brightness", "Of the photo, 0 to 255.")
    max_brightness = _figure("Most brightness")

    @property
    def filter_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in FilterForm.base_fields]

    @property
    def asks_for_some(self) -> bool:
        """Whether any of these fields is filled or wrong, so that they should be seen."""
        return self.is_bound and any(field.data or field.errors for field in self.filter_fields)


class FreezeForm(FilterForm):
    """Shares in whole percent; `policy` after validation."""

    tag = forms.CharField(
        max_length=Tag.NAME_LENGTH, required=False, help_text="A short name of its own, such as “spring”.",
    )  # fmt: skip
    note = forms.CharField(max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2}))
    kind = forms.ChoiceField(label="Split", choices=KIND_CHOICES, initial=CLOSED, required=False)
    train = _percent(DEFAULT.train, label="Train %")
    val = _percent(DEFAULT.val, label="Validate %")
    test = _percent(DEFAULT.test, label="Test %")
    folds = forms.IntegerField(
        label="Folds", min_value=2, max_value=MOST_FOLDS, initial=DEFAULT.folds, required=False,
        help_text="Freeze once for each fold that you test; photos stay in their folds.",
    )  # fmt: skip
    fold = forms.IntegerField(
        label="Fold to test", min_value=1, max_value=MOST_FOLDS, initial=DEFAULT.fold, required=False
    )
    gallery = forms.IntegerField(
        label="Gallery photos of each person", min_value=1, max_value=MOST_GALLERY, initial=DEFAULT.gallery,
        required=False, help_text="From other sessions than their probes, as long as sessions are kept whole.",
    )  # fmt: skip
    seed = forms.IntegerField(
        min_value=0, max_value=2**31 - 1, initial=DEFAULT.seed,
        help_text="The same labels, shares and seed split alike, on any machine.",
    )  # fmt: skip
    by_session = forms.BooleanField(
        label="Keep each capture session whole", required=False, initial=DEFAULT.by_session,
        help_text="Photos of one session look alike: a model tested on what it has nearly seen looks too good.",
    )  # fmt: skip
    by_likeness = forms.BooleanField(
        label="Keep photos that are nearly the same together", required=False, initial=DEFAULT.by_likeness,
        help_text="Frames of one burst, or one photo saved twice, never lie on both sides.",
    )  # fmt: skip
    sticky = forms.BooleanField(
        label="Leave photos where earlier versions had them", required=False, initial=DEFAULT.sticky,
        help_text="What once was kept for tests is never learnt from, and figures of two versions can be compared. "
        "With folds: photos stay in their folds, whatever was kept for tests before.",
    )  # fmt: skip

    def clean(self) -> dict:
        data = super().clean()
        shares = [data.get(split) for split in ("train", "val", "test")]
        if None in shares or "seed" not in data:
            return data
        kind = data.get("kind") or CLOSED
        if kind in (CLOSED, OPEN) and sum(shares) != 100:
            raise forms.ValidationError(f"The three shares must add up to 100 %; these add up to {sum(shares)} %.")
        try:
            more = {name: data[name] for name in ("folds", "fold", "gallery") if data.get(name) is not None}
            if kind in (CLOSED, OPEN):
                more |= {split: share / 100 for split, share in zip(SPLITS, shares, strict=True)}
            kept = {name: data[name] for name in ("seed", "by_session", "by_likeness", "sticky")}
            data["policy"] = SplitPolicy(kind=kind, **kept, **more)
        except BadPolicy as error:
            raise forms.ValidationError(str(error)) from None
        return data


class TagForm(forms.Form):
    """A name for a version, and why it goes there."""

    tag = forms.CharField(
        label="Tag", max_length=Tag.NAME_LENGTH, widget=forms.TextInput(attrs={"list": "tags-there-are"}),
        help_text="A new name, or one that stands elsewhere and moves here.",
    )  # fmt: skip
    override = forms.BooleanField(
        label="Move “golden” although the leak report is not clean", required=False,
        help_text="What it found is kept with the move.",
    )  # fmt: skip
    reason = forms.CharField(label="Why", max_length=500, help_text="Kept with the move, for those who ask later.")


class PairsForm(forms.Form):
    name = forms.CharField(label="Name", max_length=PairList.NAME_LENGTH, initial="lfw")
    folds = forms.IntegerField(label="Folds", min_value=1, max_value=MOST_PAIR_FOLDS, initial=LFW_FOLDS)
    pairs = forms.IntegerField(
        label="Pairs a fold", min_value=1, max_value=MOST_PAIRS, initial=LFW_PAIRS,
        help_text="Genuine ones, and as many impostors; at most.",
    )  # fmt: skip
    seed = forms.IntegerField(label="Seed", min_value=0, max_value=2**31 - 1, initial=1)
    splits = forms.MultipleChoiceField(
        label="Faces of", choices=[(split, split) for split in SPLITS], initial=["test"],
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip


def _as_usual(*choices: tuple[str, str]) -> list[tuple[str, str]]:
    return [("", "As usual for the format"), *choices]


class ExportForm(forms.Form):
    """What is left empty is as the format has it by default; `options` after validation holds what was chosen."""

    format = forms.ChoiceField(
        choices=[(name, writer.TITLE) for name, writer in FORMATS.items()],
        error_messages={"invalid_choice": "Choose one of the formats; nothing was exported."},
    )
    contents = forms.ChoiceField(
        label="What goes out", required=False,
        choices=_as_usual(("labels", "Labels alone"), ("images", "Labels and photos"), ("crops", "Crops of the faces")),
        help_text="Photos stand upright and carry nothing that their cameras wrote.",
    )  # fmt: skip
    splits = forms.MultipleChoiceField(
        choices=[(split, split) for split in SPLITS], required=False, widget=forms.CheckboxSelectMultiple,
        help_text="None chosen stands for all of them.",
    )  # fmt: skip
    people = forms.ChoiceField(
        label="People are", required=False,
        choices=_as_usual(("classes", "classes"), ("attribute", "beside one class “face”")),
    )  # fmt: skip
    anonymous = forms.BooleanField(
        label="Pseudonyms instead of names", required=False,
        help_text="person-000012 is the same person in every version. Photos lose their names too; "
        "faces still show who it is.",
    )  # fmt: skip
    alignment = forms.ChoiceField(
        label="Faces are", required=False,
        choices=_as_usual((ALIGNED, "turned upright by eyes, nose and mouth"), (BOX, "squares around the box")),
    )  # fmt: skip
    size = forms.IntegerField(label="Pixels a side", required=False, min_value=LEAST_SIDE, max_value=MOST_SIDE)
    margin = forms.FloatField(
        label="Margin", required=False, min_value=0, max_value=MOST_MARGIN,
        widget=forms.NumberInput(attrs={"step": "any"}), help_text="Added on each side, as a share of the face: 0.25.",
    )  # fmt: skip
    part_mb = forms.IntegerField(
        label="MB a file", required=False, min_value=LEAST_PART_MB, max_value=MOST_PART_MB,
        help_text=f"Photos go out in files of about this size, {PART_MB} by default.",
    )  # fmt: skip

    @property
    def options(self) -> dict:
        chosen = {name: value for name, value in self.cleaned_data.items() if name != "format"}
        return {name: value for name, value in chosen.items() if value not in ("", None, False, [])}

    @property
    def asks_for_options(self) -> bool:
        return self.is_bound and (bool(self.errors) or bool(self.options))

    @staticmethod
    def can() -> dict:
        """What each format can, for the page to show no more than that."""
        return {
            name: {"contents": list(writer.CONTENTS), "people": list(writer.PEOPLE)} for name, writer in FORMATS.items()
        }
