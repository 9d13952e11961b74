"""How much each person should weigh in training, where some have many faces and most have few."""

from collections.abc import Sequence

BETA = 0.999


def effective_number(faces: int, beta: float = BETA) -> float:
    """(1 - beta^n) / (1 - beta): n faces of one person are worth fewer, the more there are (Cui et al. 2019)."""
    return (1 - beta**faces) / (1 - beta)


def weights(people: Sequence[dict]) -> dict:
    """Of each person by class id; `people` as `selection.people_of` gives them.

    Counted are the faces of train, or all where none of these people is in it. `weight` is for a loss: one over the
    effective number, with a mean of 1 over the people that have faces. `sampler_weight` is for drawing faces: one over
    their number, so that everybody is drawn equally often. Both are 0 of somebody without a face to learn from.
    """
    of = "train" if any(person["train"] for person in people) else "faces"
    counts = [person[of] for person in people]
    inverse = [1 / effective_number(count) if count else 0.0 for count in counts]
    known = sum(count > 0 for count in counts)
    scale = known / sum(inverse) if known else 0.0
    return {
        "method": "class-balanced loss by the effective number of samples, mean 1; sampler: one over the faces",
        "beta": BETA,
        "counted": "faces in train" if of == "train" else "all faces",
        "classes": [
            {
                "class_id": person["class_id"],
                "name": person["name"],
                "faces": count,
                "effective_number": round(effective_number(count), 9) if count else 0.0,
                "weight": round(scale * part, 9),
                "sampler_weight": round(1 / count, 9) if count else 0.0,
            }
            for person, count, part in zip(people, counts, inverse, strict=True)
        ],
    }
