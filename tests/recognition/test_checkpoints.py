"""Trainings that go on from a checkpoint, whichever recipe: the same bits as without a stop."""

import json

import numpy as np
import pytest
from safetensors.torch import load

from recognition.checkpoints import BadCheckpoint, load_checkpoint
from recognition.heads import CannotTrain, HeadParams, Listeners, train_head
from recognition.recipe_list import ALL
from recognition.sampling import balanced_batches, batches_of_people, effective_weights

HEADS = [recipe.name for recipe in ALL if recipe.is_head]


class Stopped(Exception):
    pass


def faces(people, each, seed):
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(1).normal(size=(people, 24))
    names = np.repeat([f"person {index}" for index in range(people)], each)
    rows = np.repeat(centres, each, axis=0) + 1.2 * rng.normal(size=(len(names), 24))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32), names


DATA = (*faces(6, 8, 1), *faces(6, 4, 2))


def params(recipe, **fields):
    return HeadParams(recipe=recipe, epochs=12, options={"learning_rate": 3e-3, "patience": 100}, **fields)


@pytest.mark.parametrize("recipe", HEADS)
def test_going_on_gives_the_same_head_as_never_having_stopped(recipe):
    whole, reports = train_head(*DATA, params=params(recipe)), []
    kept = {}

    def keep(epoch, data):
        kept[epoch] = data
        if epoch == 5:
            raise Stopped

    with pytest.raises(Stopped):
        train_head(*DATA, params=params(recipe), tell=Listeners(state=keep))
    resumed = []
    again = train_head(
        *DATA, params=params(recipe), resume=kept[5], tell=Listeners(epoch=reports.append, resumed=resumed.append)
    )
    assert again.to_bytes() == whole.to_bytes()
    assert resumed == [5] and [report.epoch for report in reports] == list(range(13))


def test_every_recipe_learns_what_its_loss_asks_for():
    for recipe in HEADS:
        losses = []
        train_head(*DATA, params=params(recipe), tell=Listeners(epoch=lambda report, to=losses: to.append(report.loss)))
        assert losses[-1] < losses[1], recipe


@pytest.mark.parametrize("change", [{"seed": 2}, {"recipe": "cosface_head"}])
def test_the_checkpoint_of_another_training_is_left_alone(change):
    kept = {}
    train_head(*DATA, params=params("arcface_head"), tell=Listeners(state=kept.__setitem__))
    other = params(**({"recipe": "arcface_head"} | change))
    assert train_head(*DATA, params=other, resume=kept[3]).to_bytes() == train_head(*DATA, params=other).to_bytes()


def test_a_checkpoint_is_numbers_and_text_and_damage_is_told():
    kept = {}
    train_head(*DATA, params=params("arcface_head"), tell=Listeners(state=kept.__setitem__))
    names = set(load(kept[2]))
    assert {"adapter.change.weight", "loss.W", "optimiser.0.exp_avg", "optimiser.1.step", "torch_rng"} <= names
    json.loads(kept[2][8 : 8 + int.from_bytes(kept[2][:8], "little")])
    for data in (b"", kept[2][:-7], b"\x80\x04pickled", kept[2]):
        with pytest.raises(BadCheckpoint):
            load_checkpoint(data, "of something else")


@pytest.mark.parametrize("recipe", ["triplet_head", "supcon_head"])
def test_what_compares_faces_of_one_person_needs_two_of_somebody(recipe):
    vectors, names = faces(6, 1, 3)
    with pytest.raises(CannotTrain, match="nobody has two"):
        train_head(vectors, names, *faces(6, 2, 4), params=params(recipe))


def test_effective_weights_are_those_of_the_paper():
    assert effective_weights(np.array([1, 2, 10**6]), beta=0.9).tolist() == pytest.approx([1.0, 0.1 / 0.19, 0.1])


def test_draws_are_even_over_people_whatever_they_have():
    codes = np.repeat([0, 1, 2], [100, 10, 2])
    rng = np.random.default_rng(0)
    drawn = np.concatenate([rows for _ in range(60) for rows in balanced_batches(codes, 16, rng)])
    share = np.bincount(codes[drawn]) / len(drawn)
    assert np.abs(share - 1 / 3).max() < 0.04
    for rows in batches_of_people(codes, 8, 4, rng):
        assert np.bincount(codes[rows]).max() <= 4 and len(np.unique(codes[rows])) == 2
