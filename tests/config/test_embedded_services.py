"""PostgreSQL, Valkey and S3 come with the first client and go with the last, whatever happens between."""

import os
import signal
import socket

import boto3
import psycopg2
import pytest
import redis
import requests
from botocore.config import Config
from botocore.exceptions import ClientError

from config.embedded.ports import is_free, pick_port
from tests.config.conftest import eventually, leave


def store_of(environment):
    return boto3.client(
        "s3",
        endpoint_url=environment["S3_ENDPOINT_URL"],
        region_name=environment["S3_REGION"],
        aws_access_key_id=environment["S3_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["S3_SECRET_ACCESS_KEY"],
        config=Config(request_checksum_calculation="when_required", response_checksum_validation="when_required"),
    )


def test_a_second_start_finds_the_data_again(folder):
    client, first = folder.client()
    with psycopg2.connect(first["DATABASE_URL"]) as database:
        database.cursor().execute(
            "CREATE EXTENSION IF NOT EXISTS vector; CREATE TABLE vectors AS SELECT '[1,2,3]'::vector AS v"
        )
    redis.from_url(first["REDIS_URL"]).set("kept", "yes")
    store_of(first).put_object(Bucket=first["S3_BUCKET"], Key="a/kept", Body=b"bytes")
    leave(client)
    assert folder.is_quiet()
    _, second = folder.client()
    cursor = psycopg2.connect(second["DATABASE_URL"]).cursor()
    cursor.execute("SELECT v::text FROM vectors")
    assert cursor.fetchall() == [("[1,2,3]",)]
    assert redis.from_url(second["REDIS_URL"]).get("kept") == b"yes"
    assert store_of(second).get_object(Bucket=second["S3_BUCKET"], Key="a/kept")["Body"].read() == b"bytes"
    assert second["FACET_SECRET_KEY"] == first["FACET_SECRET_KEY"]


def test_nobody_gets_in_without_the_password(folder):
    _, given = folder.client()
    real, wrong = given["DATABASE_URL"], given["DATABASE_URL"].replace("facet:", "facet:x")
    psycopg2.connect(real).close()
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(wrong)
    with pytest.raises(redis.AuthenticationError):
        redis.from_url("redis://" + given["REDIS_URL"].partition("@")[2]).ping()
    for stranger in (given | {"S3_SECRET_ACCESS_KEY": "x" * 40}, given | {"S3_ACCESS_KEY_ID": "x" * 20}):
        with pytest.raises(ClientError, match=r"SignatureDoesNotMatch|InvalidAccessKeyId"):
            store_of(stranger).list_objects_v2(Bucket=given["S3_BUCKET"])
    assert requests.get(f"{given['S3_ENDPOINT_URL']}/{given['S3_BUCKET']}", timeout=10).status_code >= 400
    assert (folder.path / "secrets.json").stat().st_mode & 0o077 == 0
    secrets = (given["S3_SECRET_ACCESS_KEY"], real.partition("facet:")[2].partition("@")[0])
    shown = [" ".join(process.cmdline()) for process in folder.processes()]
    assert not [line for line in shown if any(secret in line for secret in secrets)]


def test_the_services_end_with_a_client_that_was_killed(folder):
    client, _ = folder.client()
    assert folder.processes("rclone", "serve")
    client.send_signal(signal.SIGKILL)
    eventually(folder.is_quiet, "the services have ended")


def test_the_services_stay_for_the_client_that_stays(folder):
    first, environment = folder.client()
    _, same = folder.client()
    assert same["DATABASE_URL"] == environment["DATABASE_URL"]
    leave(first)
    psycopg2.connect(environment["DATABASE_URL"]).close()
    assert not folder.is_quiet()


def test_a_killed_supervisor_takes_the_services_with_it_and_the_next_start_recovers(folder):
    client, environment = folder.client()
    with psycopg2.connect(environment["DATABASE_URL"]) as database:
        database.cursor().execute("CREATE TABLE kept AS SELECT 1")
    # As in a power cut: nobody can tidy up. Both at once, or one would stop the other in order.
    for process in [*folder.processes("config.embedded.supervise"), *folder.processes("bin/postgres", "-D")]:
        process.kill()
    eventually(folder.is_quiet, "the services have ended")
    client.kill()
    # Meanwhile another program has got the number that PostgreSQL left in its note.
    note = folder.path / "postgres" / "data" / "postmaster.pid"
    note.write_text(f"{os.getpid()}\n" + note.read_text().partition("\n")[2])
    assert (folder.path / "run" / "services.json").exists()
    _, environment = folder.client()
    cursor = psycopg2.connect(environment["DATABASE_URL"]).cursor()
    cursor.execute("SELECT count(*) FROM kept")
    assert cursor.fetchone() == (1,)


def test_a_part_that_falls_is_named_in_one_sentence(folder):
    watcher = folder.run(
        "-c",
        "import time\n"
        "from config import embedded\n"
        "embedded.ensure()\n"
        "print('ready', flush=True)\n"
        "while embedded.failure() is None: time.sleep(0.05)\n"
        "print(embedded.failure(), flush=True)",
    )
    assert watcher.stdout.readline() == "ready\n"
    folder.processes("rclone", "serve", "s3", "--addr")[0].kill()
    said, _ = watcher.communicate(timeout=60)
    log = folder.path / "log" / "s3.log"
    assert said == f"The object store (rclone) was killed by SIGKILL. The reason should be in {log}.\n"
    assert log.exists()
    assert folder.is_quiet()


def test_a_service_that_cannot_start_is_named_in_one_sentence(new_folder):
    folder = new_folder
    outside = {"REDIS_URL": "redis://else.where", "S3_ENDPOINT_URL": "https://s3.example"}
    client, _ = folder.client(**outside)
    leave(client)
    (folder.path / "postgres" / "data" / "PG_VERSION").write_text("9.6\n")
    refused = folder.run("-c", "from config import embedded\nembedded.ensure()")
    _, error = refused.communicate(timeout=60)
    log = folder.path / "log" / "postgres.log"
    assert error.splitlines()[-1].endswith(f"PostgreSQL ended with exit code 1. The reason should be in {log}.")
    assert folder.is_quiet()


def test_only_what_is_missing_is_started(folder):
    outside = {"DATABASE_URL": "postgresql://else/where", "S3_ENDPOINT_URL": "https://s3.example"}
    _, environment = folder.client(**outside)
    assert redis.from_url(environment["REDIS_URL"]).ping()
    assert {name: environment[name] for name in outside} == outside
    assert not folder.processes("rclone")
    assert not folder.processes("bin/postgres")


def test_nothing_is_started_or_written_when_all_is_outside(new_folder):
    folder = new_folder
    outside = {"DATABASE_URL": "postgresql://else/where", "S3_ENDPOINT_URL": "https://s3.example"}
    client, environment = folder.client(REDIS_URL="redis://else.where", **outside)
    leave(client)
    assert "FACET_EMBEDDED" not in environment
    assert not folder.path.exists()


def test_a_taken_port_is_left_to_its_owner():
    with socket.create_server(("127.0.0.1", 0)) as owner:
        taken = owner.getsockname()[1]
        assert not is_free(taken)
        assert pick_port(taken) != taken
    assert pick_port(taken) == taken
