"""`facet up` from the first line it prints to the last process it leaves: none."""

import json
import re
import signal

import requests

from tests.config.conftest import eventually


def start_up(folder):
    """Start `up` and return it with the URL, the name and the password it prints."""
    up = folder.run("manage.py", "up")
    said = up.stdout.readline() + up.stdout.readline()
    found = re.fullmatch(r"Facet is ready: (http://\S+/)\nLog in as (\S+) with the password (\S+)\n", said)
    assert found, said + up.stderr.read()
    return up, *found.groups()


def end_of(folder, up):
    """Return what `up` said last, once nothing of it is left."""
    said, error = up.communicate(timeout=60)
    assert not folder.processes()
    return said, error


def log_in(url, name, password):
    session = requests.Session()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', session.get(f"{url}login/", timeout=30).text)
    form = {"username": name, "password": password, "csrfmiddlewaretoken": token.group(1)}
    return session.post(f"{url}login/", data=form, allow_redirects=False, timeout=30).status_code == 302


def test_it_prints_a_login_that_works_and_stops_cleanly(folder):
    up, url, name, password = start_up(folder)
    assert log_in(url, name, password)
    assert not log_in(url, name, "guessed")
    second = folder.run("manage.py", "up")
    _, refusal = second.communicate(timeout=60)
    assert second.returncode == 1
    assert "Facet already runs" in refusal
    up.send_signal(signal.SIGINT)
    said, error = end_of(folder, up)
    assert up.returncode == 0, error
    assert said.endswith("Facet has stopped.\n")


def test_a_second_start_prints_the_same_login_and_a_fallen_service_ends_it_with_one_sentence(folder):
    up, _, *login = start_up(folder)
    kept = json.loads((folder.path / "secrets.json").read_text())["admin_password"]
    assert login == ["admin", kept]
    # The oldest is the server itself; the others are its children.
    min(folder.processes("bin/postgres"), key=lambda process: process.create_time()).kill()
    _, error = end_of(folder, up)
    assert up.returncode == 1
    log = folder.path / "log" / "postgres.log"
    assert error == (
        f"CommandError: PostgreSQL was killed by SIGKILL. The reason should be in {log}. Facet has stopped.\n"
    )


def test_workers_run_for_a_block_and_a_fallen_one_is_named(folder):
    command = folder.run(
        "-c",
        "import time\n"
        "from config import embedded\n"
        "from config.embedded.workers import running_workers\n"
        "embedded.ensure()\n"
        "try:\n"
        "    with running_workers() as workers:\n"
        "        workers.check()\n"
        "        print('running', flush=True)\n"
        "        while True: workers.check(); time.sleep(0.05)\n"
        "except embedded.EmbeddedError as error:\n"
        "    print(error, flush=True)\n",
    )
    assert command.stdout.readline() == "running\n"
    fallen = eventually(lambda: folder.processes("celery", "--queues=bulk"), "the workers have started")
    fallen[0].kill()
    said, _ = command.communicate(timeout=60)
    log = folder.path / "log" / "worker.log"
    assert said == f"The worker for long work was killed by SIGKILL. The reason should be in {log}.\n"
    assert not folder.processes()
