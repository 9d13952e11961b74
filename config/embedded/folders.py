"""Where the embedded services keep their data, logs and locks."""

import os
from pathlib import Path

from config.embedded.errors import EmbeddedError

REPOSITORY = Path(__file__).resolve().parents[2]


def var_folder() -> Path:
    """Return the folder of everything Facet writes here: `FACET_VAR`, else `var/` of the checkout."""
    return Path(os.environ.get("FACET_VAR") or REPOSITORY / "var").absolute()


def made(name: str) -> Path:
    """Return the sub-folder `name` of the data folder, created for this account alone.

    Raises EmbeddedError when it cannot be written, which is what happens when an ordinary user
    follows root (or the other way round) in one checkout.
    """
    folder = var_folder() / name
    try:
        # Only the way through `var` is open to others: PostgreSQL, which never runs as root, must pass.
        var_folder().mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _unwritable(folder, None)
    return folder


def log_file(name: str) -> Path:
    """Return the log file of the part `name`."""
    return made("log") / f"{name}.log"


def _unwritable(folder: Path, error: OSError | None) -> EmbeddedError:
    reason = f" ({error.strerror})" if error else ""
    return EmbeddedError(
        f"Facet cannot write to {folder}{reason}. Run it as the user who owns that folder, "
        "or name another one in FACET_VAR."
    )
