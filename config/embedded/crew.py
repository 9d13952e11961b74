"""Honcho's process manager, made to leave nobody behind and to say who fell.

Honcho runs one small process per command. Ours also die when the manager is killed outright, and
can hold a lock for as long as any of them lives.
"""

import logging
import multiprocessing
import os
import shlex
import signal
import subprocess
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from logging.handlers import RotatingFileHandler

import honcho.compat
import honcho.manager
import honcho.process
from honcho.printer import Message

from config.embedded.folders import REPOSITORY, log_file
from config.embedded.leash import Account, become, die_with_parent

_STOPPING = (signal.SIGINT, signal.SIGTERM)
_LOG_BYTES = 5_000_000


@dataclass(frozen=True)
class Command:
    """A process to run and how it must end."""

    name: str  # of its log file
    title: str  # in sentences
    words: list[str]
    environment: dict[str, str] = field(default_factory=dict)  # on top of ours
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    orphan_signal: signal.Signals = signal.SIGTERM  # when the manager is killed


class Crew(honcho.manager.Manager):
    """Runs commands until one ends or the manager is told to stop; then stops the rest.

    `name` is the log file of the manager itself. `grace_s` is how long the commands get to stop
    before they are killed. The file descriptors in `held` stay open in every process. After
    `run()`, `sentence()` says which command ended by itself, if one did.
    """

    def __init__(self, name: str, commands: Iterable[Command], *, grace_s: float, held: tuple[int, ...] = ()) -> None:
        # Children must be forked, not made by a fork server: they die with us, their parent.
        multiprocessing.set_start_method("fork", force=True)
        super().__init__(printer=_LogFolder(name))
        honcho.manager.KILL_WAIT = grace_s
        self._procmgr = _Stopper(self)
        self._fallen: tuple[Command, int] | None = None
        self._attend: Callable[[], None] | None = None
        self._commands = {command.name: command for command in commands}
        for command in self._commands.values():
            self._process_ctor = partial(_Leashed, command, held)
            line = "exec " + shlex.join(command.words)
            self.add_process(command.name, line, env=os.environ | command.environment, cwd=str(REPOSITORY))

    def run(self, attend: Callable[[], None] | None = None) -> None:
        """Start the commands, call `attend` in a thread beside them, and return when all have ended."""
        self._attend = attend
        # Honcho cannot stop a process whose number it has not heard yet, so a signal has to wait.
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)
        self.loop()

    @property
    def is_ending(self) -> bool:
        """Whether the commands have been told to stop."""
        return self._terminating

    def sentence(self) -> str | None:
        """Return what happened to the command that ended by itself, or None when none did."""
        if self._fallen is None:
            return None
        command, code = self._fallen
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        return f"{command.title} {how}. The reason should be in {log_file(command.name)}."

    def command_of(self, pid: int) -> Command:
        """Return the command that runs as process `pid`."""
        return next(self._commands[name] for name, process in self._processes.items() if process.get("pid") == pid)

    def terminate(self) -> None:
        """Stop every process; honcho calls this when one has ended or a signal came."""
        if not self._terminating:
            ended = [name for name, process in self._processes.items() if process.get("returncode") is not None]
            if ended:
                self._fallen = self._commands[ended[0]], self._processes[ended[0]]["returncode"]
        super().terminate()

    def _start(self) -> None:
        super()._start()
        self._hear_all_numbers()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPPING)
        if self._attend:  # a thread only now: forking beside threads is asking for a deadlock
            threading.Thread(target=self._attend, daemon=True).start()

    def _hear_all_numbers(self) -> None:
        heard = []
        while not self._all_started():
            message = self.events.get(timeout=30)
            if message.type == "start":
                self._processes[message.name]["pid"] = message.data["pid"]
            heard.append(message)
        for message in heard:
            self.events.put(message)


class _Stopper(honcho.compat.ProcessManager):
    """Stops each process the way it wants to be stopped; honcho knows SIGTERM only."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew

    def terminate(self, pid: int) -> None:
        """Ask the process and its group to end."""
        with suppress(ProcessLookupError):
            os.killpg(pid, self._crew.command_of(pid).stop_signal)


class _Leashed(honcho.process.Process):
    """A honcho process that dies with its manager, and its command with it."""

    def __init__(self, command: Command, held: tuple[int, ...], *args: object, **options: object) -> None:
        super().__init__(*args, **options)
        self._command = command
        self._child_ctor = partial(
            honcho.process.Popen, pass_fds=held, stdin=subprocess.DEVNULL, preexec_fn=partial(_enter, command)
        )

    def run(self, events: object = None, ignore_signals: bool = False) -> None:
        """Run the command and report to `events`, in the process honcho forked for it."""
        signal.signal(signal.SIGUSR1, self._orphaned)
        die_with_parent(signal.SIGUSR1)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPPING)
        super().run(events, ignore_signals)

    def _orphaned(self, *_: object) -> None:
        """Pass on that the manager was killed, to the command and to what it has started."""
        if self._child is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._child.pid, self._command.orphan_signal)
        os._exit(1)


def _enter(command: Command) -> None:
    """Run in the child between fork and exec. The order matters: changing the user undoes the leash."""
    if command.account:
        become(command.account)
    die_with_parent(command.orphan_signal)


class _LogFolder:
    """A honcho printer that gives each process its own log file of bounded size."""

    width = 0  # honcho aligns names with it; files need no alignment

    def __init__(self, manager_name: str) -> None:
        self._manager_name = manager_name
        self._files: dict[str, RotatingFileHandler] = {}

    def write(self, message: Message) -> None:
        """Append one line of output to the log of the process that wrote it."""
        text = message.data.decode("utf-8", "replace") if isinstance(message.data, bytes) else message.data
        name = message.name
        if name == honcho.manager.SYSTEM_PRINTER_NAME:
            name, text = self._manager_name, f"{message.time:%Y-%m-%d %H:%M:%S} {text}"
        if name not in self._files:
            self._files[name] = RotatingFileHandler(log_file(name), maxBytes=_LOG_BYTES, backupCount=1)
        self._files[name].emit(logging.makeLogRecord({"msg": text.rstrip()}))
