"""A crew of processes ends together: in order, by accident or by force."""

import signal

import pytest

from tests.config.conftest import eventually

CREW = """
import sys
from config.embedded.crew import Command, Crew
crew = Crew("crew", [
    Command(name="first", title="The first", words=["sh", "-c", "echo hello; sleep 1000 & wait"]),
    Command(name="second", title="The second", words=["sleep", "2000"], orphan_signal=9),
], grace_s=5)
crew.run(attend=lambda: print("started", flush=True))
print(crew.sentence(), flush=True)
"""


@pytest.fixture
def crew(new_folder):
    manager = new_folder.run("-c", CREW)
    assert manager.stdout.readline() == "started\n"
    eventually(lambda: len(new_folder.processes("sleep 1000")) >= 2, "the shell has started its sleep")
    return manager


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_told_to_stop_it_stops_everybody(new_folder, crew, how):
    crew.send_signal(how)
    said, _ = crew.communicate(timeout=60)
    assert said == "None\n"
    assert not new_folder.processes()
    assert (new_folder.path / "log" / "first.log").read_text() == "hello\n"


def test_one_that_falls_is_named_and_takes_the_others_along(new_folder, crew):
    new_folder.processes("sleep", "2000")[-1].kill()
    said, _ = crew.communicate(timeout=60)
    assert said == f"The second was killed by SIGKILL. The reason should be in {new_folder.path}/log/second.log.\n"
    assert not new_folder.processes()


def test_one_that_ends_by_itself_is_named_with_its_exit_code(new_folder):
    manager = new_folder.run("-c", CREW.replace("sleep 1000 & wait", "exit 3"))
    assert "The first ended with exit code 3." in manager.communicate(timeout=60)[0]


def test_a_killed_manager_leaves_none_of_its_commands_behind(new_folder, crew):
    crew.kill()
    crew.wait()
    eventually(lambda: not new_folder.processes(), "the commands and what they started have ended")
