"""A real browser against a real Facet: web server, database, broker, object store, and workers where it is `facet_up`.

Journeys share one `house` and one browser. Each makes a project of its own (`seeds.make_project`, called
through `house.inside`), opens pages of its own (`page`, `open_page`) and asks the database what became of it.
Only what workers do is tried in `facet_up`: elsewhere they would go on from what a test has just made.
No Django here: its models are bound to the database of the test run. What needs them is a function called inside.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from config.embedded.ports import ChoosingPorts, pick_port
from tests.browser import seeds
from tests.browser.house import House
from tests.inside import REPOSITORY, Inside

HERE = Path(__file__).parent
CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
PATIENCE_MS = 60_000
PREFERRED_PORT = 8170
OURS = ("FACET_", "DATABASE_URL", "REDIS_URL", "S3_")


@dataclass(frozen=True)
class Running:
    """A Facet that is up. `inside(function, …)` calls a function where its database is at hand."""

    url: str
    name: str
    password: str
    folder: Path
    inside: Inside = field(repr=False)

    def processes(self, *words: str) -> list[psutil.Process]:
        """Every live process of it whose command line has all `words`, oldest first: "gunicorn", "bin/postgres",
        "--queues=bulk", "--queues=interactive"."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("FACET_VAR") != str(self.folder) or process.status() == psutil.STATUS_ZOMBIE:
                    continue
                if all(word in " ".join(process.cmdline()) for word in words):
                    found.append(process)
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        return sorted(found, key=psutil.Process.create_time)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A journey that failed tells what its pages showed and which jobs there were."""
    report = yield
    if report.when == "call" and report.failed:
        for context in getattr(item.funcargs.get("open_page"), "contexts", []):
            report.sections += [(f"Shown at {page.url}", _shown(page)) for page in context.pages]
        running = item.funcargs.get("facet_up")
        if running:
            report.sections.append(("Jobs", "\n".join(running.inside(seeds.told_jobs))))
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item, nextitem):
    """What journeys share ends with the last of them: whatever comes next has the machine for itself, and Django's
    models, which Playwright's event loop would keep from being used in this process."""
    result = yield
    if nextitem is None or HERE not in nextitem.path.parents:
        for name in ("browser", "running_house", "facet_up"):
            for made in item.session._fixturemanager.getfixturedefs(name, item) or ():
                made.finish(item._request)
    return result


def _shown(page) -> str:
    from playwright.sync_api import Error

    try:
        return page.locator("body").inner_text(timeout=2_000)
    except Error as error:  # why the test failed is told all the same
        return f"Nothing could be read: {error}"


@pytest.fixture(scope="session")
def chromium():
    """Path of Debian's Chromium; without it the journeys are skipped, in CI that is an error."""
    if not CHROMIUM.exists():
        message = f"The browser journeys need Chromium at {CHROMIUM}: install Debian's package “chromium”."
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return CHROMIUM


@pytest.fixture(scope="package")
def facet_up(chromium, tmp_path_factory):
    """`facet up` in a data folder of its own, as a newcomer starts it; stopped as with Ctrl-C."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    folder = tmp_path_factory.mktemp("facet")
    environment = plain | {"FACET_VAR": str(folder)}
    port = pick_port(PREFERRED_PORT)  # other tests try the usual one meanwhile
    up = subprocess.Popen(
        [sys.executable, "manage.py", "up", f"--port={port}"],
        cwd=REPOSITORY,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    inside = Inside(environment)
    try:
        said = up.stdout.readline() + up.stdout.readline()
        found = re.search(r"ready: (http://\S+?)/\nLog in as (\S+) with the password (\S+)", said)
        assert found, said + up.stdout.read()
        yield Running(*found.groups(), folder, inside)
    finally:
        inside.end()
        up.terminate()
        up.wait(timeout=60)


@pytest.fixture(scope="package")
def browser(chromium):
    """One Chromium for all journeys; each opens contexts of its own, which share nothing."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(chromium), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser):
    """Opens a page in a fresh browser context, logged in as `user` unless that is None.

    Script errors and refused resources fail the test. `faults=True` is for pages whose server goes away: what
    the browser itself writes about requests without an answer is no complaint then.
    """
    contexts, complaints = [], []

    def hear(page, faults):
        def on_console(line):
            is_expected = faults and line.text.startswith(("Failed to load resource", "A decision could not be sent"))
            if line.type == "error" and not is_expected:
                complaints.append(line.text)

        page.on("pageerror", lambda error: complaints.append(f"script error: {error}"))
        page.on("console", on_console)

    def open_it(running, user="admin", *, faults=False, **options):
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}} | options)
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        context.on("page", lambda page: hear(page, faults))  # also those the page itself opens
        if user is not None:
            cookie = running.inside(seeds.log_in, user)
            context.add_cookies([{"name": "sessionid", "value": cookie, "url": running.url}])
        return context.new_page()

    open_it.contexts = contexts
    yield open_it
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture(scope="package")
def running_house(chromium, tmp_path_factory):
    choosing = ChoosingPorts()  # until its servers listen, no other runner's house may think their ports free
    house = House(tmp_path_factory.mktemp("house"))
    try:
        try:
            house.set_up()
        finally:
            choosing.over()
        yield house
    finally:
        house.take_down()


@pytest.fixture
def house(running_house):
    """Facet in parts that a test may kill and start again; whole again afterwards."""
    yield running_house
    running_house.mend()


@pytest.fixture
def page(house, open_page):
    """A fresh browser, logged in as admin, on the list of projects."""
    page = open_page(house)
    page.goto(f"{house.url}/")
    return page
