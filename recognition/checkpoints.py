"""The state of a training as one safetensors file: numbers and text, no code. Worker-only."""

import hashlib
import json

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

FORMAT = "facet checkpoint 1"


class BadCheckpoint(ValueError):
    """These bytes are no checkpoint, or one of another training."""


def save_checkpoint(tensors: dict[str, torch.Tensor], notes: dict, of: str) -> bytes:
    """of: what is trained, see `fingerprint`; only the same training goes on from it."""
    text = json.dumps({"format": FORMAT, "of": of, "notes": notes}, sort_keys=True)
    plain = {name: tensor.detach().clone().contiguous() for name, tensor in tensors.items()}
    return save_tensors(plain, {"facet": text})


def load_checkpoint(data: bytes, of: str) -> tuple[dict[str, torch.Tensor], dict]:
    """Raises BadCheckpoint."""
    try:
        tensors = load_tensors(data)
        length = int.from_bytes(data[:8], "little")
        said = json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["facet"])
        known = (said["format"], said["of"]) == (FORMAT, of)
        notes = said["notes"]
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise BadCheckpoint(f"These bytes are no checkpoint: {error}") from error
    if not known:
        raise BadCheckpoint("This is the checkpoint of another training.")
    return tensors, notes


def fingerprint(params: dict, *arrays: np.ndarray) -> str:
    """Of everything a training depends on."""
    digest = hashlib.sha256(json.dumps(params, sort_keys=True).encode())
    for array in arrays:
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8))  # no copy: it may fill a memory
    return digest.hexdigest()


def optimiser_tensors(optimiser: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """Its state by parameter and name; rates and the like are in the training's parameters."""
    state = optimiser.state_dict()["state"]
    return {
        f"optimiser.{index}.{name}": torch.as_tensor(value)
        for index, values in state.items()
        for name, value in values.items()
    }


def restore_optimiser(optimiser: torch.optim.Optimizer, tensors: dict[str, torch.Tensor]) -> None:
    whole = optimiser.state_dict()
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, tensor in tensors.items():
        if key.startswith("optimiser."):
            _, index, name = key.split(".", 2)
            state.setdefault(int(index), {})[name] = tensor
    optimiser.load_state_dict({**whole, "state": state})


def rng_notes(rng: np.random.Generator) -> dict:
    return rng.bit_generator.state


def restore_rng(rng: np.random.Generator, notes: dict) -> None:
    rng.bit_generator.state = notes
