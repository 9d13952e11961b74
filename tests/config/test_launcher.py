"""The launcher finds its checkout and an environment, and says plainly what it lacks."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SAYS_ITS_WORDS = '#!/bin/sh\necho "$PWD:$*"\n'


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def checkout(tmp_path):
    """A checkout with a launcher and a lock file, and a `uv` that makes an environment and counts."""
    root = tmp_path / "a checkout"
    root.mkdir()
    shutil.copy(REPOSITORY / "facet", root / "facet")
    for name in ("uv.lock", "pyproject.toml", ".python-version"):
        (root / name).write_text(f"the {name}")
    script(root / "fake-python", SAYS_ITS_WORDS)
    script(
        tmp_path / "bin" / "uv",
        f'#!/bin/sh\necho "$*" >>"{tmp_path}/uv-calls"\n'
        'mkdir -p "$UV_PROJECT_ENVIRONMENT/bin"\ncp fake-python "$UV_PROJECT_ENVIRONMENT/bin/python"\n',
    )
    return root


def run(checkout, *words, path="", cwd="/"):
    bin_folder = checkout.parent / "bin"
    return subprocess.run(
        words,
        cwd=cwd,
        env={"PATH": f"{path or bin_folder}:/usr/bin:/bin", "HOME": os.environ.get("HOME", "/")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


def uv_calls(checkout):
    record = checkout.parent / "uv-calls"
    return record.read_text().splitlines() if record.exists() else []


def test_it_works_from_any_folder_and_through_links(checkout, tmp_path):
    link = tmp_path / "elsewhere" / "facet"
    link.parent.mkdir()
    link.symlink_to("../link")
    (tmp_path / "link").symlink_to(checkout / "facet")
    done = run(checkout, link, "ingest", "my photos", cwd=tmp_path)
    assert done.stdout == f"{tmp_path}:{checkout}/manage.py ingest my photos\n"


def test_it_syncs_once_and_again_when_the_lock_changes(checkout):
    facet = checkout / "facet"
    for _ in range(2):
        assert run(checkout, facet, "version").returncode == 0
    assert uv_calls(checkout) == ["sync --locked --quiet --compile-bytecode"]
    (checkout / "uv.lock").write_text("another lock")
    run(checkout, facet, "version")
    assert len(uv_calls(checkout)) == 2


def test_test_runs_pytest_in_the_checkout(checkout):
    assert run(checkout, checkout / "facet", "test", "-k", "two words").stdout == f"{checkout}:-m pytest -k two words\n"


def test_a_failed_sync_is_not_taken_for_done(checkout):
    script(checkout.parent / "bin" / "uv", "#!/bin/sh\nexit 2\n")
    done = run(checkout, checkout / "facet", "version")
    assert done.returncode == 1
    assert "facet: the environment could not be made" in done.stderr
    assert not (checkout / ".venv" / "facet-synced").exists()


def test_uv_is_installed_with_pip_when_there_is_none(checkout, tmp_path):
    fake_uv = tmp_path / "bin" / "uv"
    script(
        tmp_path / "other" / "python3",
        f'#!/bin/sh\n[ "$3" = --version ] && exit\nmkdir -p "$6/bin" && cp "{fake_uv}" "$6/bin/uv"\n',
    )
    done = run(checkout, checkout / "facet", "version", path=tmp_path / "other")
    assert done.stdout.endswith("manage.py version\n"), done.stderr
    assert (checkout / "var" / "uv" / "bin" / "uv").exists()


def test_a_python_without_pip_and_ensurepip_is_explained(checkout, tmp_path):
    script(tmp_path / "other" / "python3", "#!/bin/sh\nexit 1\n")
    done = run(checkout, checkout / "facet", "version", path=tmp_path / "other")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "facet: this python3 has neither pip nor ensurepip. Install python3-pip, python3-venv or uv, and try again."
    )
