"""A real browser against a real `facet up`: web server, workers, database, broker, object store."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
PATIENCE_MS = 90_000
OURS = ("FACET_", "DATABASE_URL", "REDIS_URL", "S3_")


@dataclass(frozen=True)
class Running:
    url: str
    name: str
    password: str


@pytest.fixture(scope="session")
def chromium():
    """Path of Debian's Chromium; without it the journeys are skipped, in CI that is an error."""
    if not CHROMIUM.exists():
        message = f"The browser journeys need Chromium at {CHROMIUM}: install Debian's package “chromium”."
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return CHROMIUM


@pytest.fixture(scope="session")
def facet_up(chromium, tmp_path_factory):
    """`facet up` in a data folder of its own, as a newcomer starts it; stopped as with Ctrl-C."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    folder = tmp_path_factory.mktemp("facet")
    up = subprocess.Popen(
        [sys.executable, "manage.py", "up"],
        cwd=REPOSITORY,
        env=plain | {"FACET_VAR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        said = up.stdout.readline() + up.stdout.readline()
        found = re.search(r"ready: (http://\S+?)/\nLog in as (\S+) with the password (\S+)", said)
        assert found, said + up.stdout.read()
        yield Running(*found.groups())
    finally:
        up.terminate()
        up.wait(timeout=60)


@pytest.fixture
def page(facet_up, chromium):
    """A fresh browser, logged in with the printed account. Script errors and refused resources fail the test."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(chromium), args=FLAGS)
        page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
        page.set_default_timeout(PATIENCE_MS)
        complaints = []
        page.on("pageerror", lambda error: complaints.append(f"script error: {error}"))
        page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
        page.goto(f"{facet_up.url}/login/")
        page.fill("[name=username]", facet_up.name)
        page.fill("[name=password]", facet_up.password)
        page.press("[name=password]", "Enter")
        page.wait_for_url(f"{facet_up.url}/")
        yield page
        browser.close()
    assert complaints == []
