"""`facet pull`: a version in a folder, over real HTTP, and again after whatever went wrong."""

import contextlib
import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import zipfile

import facet_client
import numpy as np
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.urls import reverse
from facet_client.command import main
from facet_client.folder import ABOUT, INDEX, read_index
from facet_client.server import Server
from PIL import Image as Picture

from datasets.client_wheel import wheel
from datasets.models import Pull
from datasets.tags import move_tag
from labelling import storage
from labelling.identities import get_or_create_identity
from labelling.ingest import ingest_photo
from labelling.models import ErasedPhoto, Erasure, Face, FaceState, Identity, Image, ImageState, Origin, Who
from labelling.photos import upright_rgb
from labelling.tokens import make_token
from tests.conftest import picture_bytes
from tests.orientations import saved_as
from tests.together import wait_until

BOX = (20.0, 10.0, 40.0, 50.0)


@pytest.fixture
def token(engineer, monkeypatch):
    made, _ = make_token(engineer, "a program")
    monkeypatch.setenv("FACET_TOKEN", made)
    return made


@pytest.fixture
def add(project, transactional_db):
    """A real photo of the project with one face of somebody."""

    def add(seed: int, person: str | None, data: bytes | None = None) -> Image:
        taken = ingest_photo(project, f"{seed}.jpg", data or picture_bytes(seed))
        Image.objects.filter(pk=taken.id).update(state=ImageState.LABELLED)
        image = Image.objects.get(pk=taken.id)
        identity = get_or_create_identity(project, person) if person else None
        Face.objects.create(
            project=project, image=image, **dict(zip("xywh", BOX, strict=True)), image_w=image.width,
            image_h=image.height, origin=Origin.HUMAN, state=FaceState.CONFIRMED, identity=identity,
            who=Who.ASSIGNED if identity else Who.UNASSIGNED,
        )  # fmt: skip
        return image

    return add


@pytest.fixture
def version(add, project, freeze_now):
    """Of six photos, one of which a camera held upright, of two people and somebody without a name."""
    turned = saved_as(Picture.open(io.BytesIO(picture_bytes(9, format="PNG"))), 6)
    for seed, person in enumerate(("Ana", "Ana", "Ben", "Ben", None)):
        add(seed, person)
    add(9, "Ana", turned)
    return freeze_now(project)


@pytest.fixture
def pull(live_server, project, token, tmp_path):
    """Pull into the same folder again and again."""

    def pull(wanted: str = "latest", **options):
        return facet_client.pull(live_server.url, f"{project.slug}@{wanted}", tmp_path / "set", **options)

    return pull


def originals(project) -> dict[str, bytes]:
    return {
        image.sha256: storage.get(storage.original_key(project.pk, image.sha256))
        for image in Image.objects.filter(project=project)
    }


def test_a_version_arrives_with_its_tables_and_photos_that_stand_upright(pull, version, project):
    data = pull()
    assert (data.project, data.number, data.content_hash) == (project.slug, version.number, version.content_hash)
    assert (data.pulled.photos, data.pulled.fetched, data.pulled.missing) == (6, 6, [])
    faces, images = data.faces(), data.images()
    assert (len(faces), len(images)) == (6, 6)
    assert sorted(faces["identity"].dropna()) == ["Ana", "Ana", "Ana", "Ben", "Ben"]
    assert faces[["x", "y", "w", "h"]].iloc[0].tolist() == list(BOX)
    for sha256, original in originals(project).items():
        (path,) = images[images["image_sha256"] == sha256]["path"]
        shown = np.asarray(Picture.open(path).convert("RGB")).astype(int)
        assert shown.shape == upright_rgb(original).shape
        assert np.abs(shown - upright_rgb(original)).max() <= 16


def test_only_what_a_later_version_has_more_is_fetched(pull, version, add, project, freeze_now):
    pull()
    assert pull().pulled.fetched == 0
    add(20, "Cem")
    freeze_now(project)
    later = pull()
    assert (later.number, later.pulled.photos, later.pulled.fetched) == (version.number + 1, 7, 1)
    assert len(later.images()["path"].dropna()) == 7
    earlier = pull(str(version.number), prune=True)
    assert (earlier.pulled.fetched, earlier.pulled.removed, len(read_index(earlier.path))) == (0, 1, 6)


def test_a_tag_names_the_version_on_which_it_stands(pull, version, add, project, freeze_now, owner):
    add(20, "Cem")
    freeze_now(project)
    move_tag(version, "spring", by=owner, reason="a test")
    assert pull("spring").number == version.number
    with pytest.raises(facet_client.ServerRefused, match="no tag “autumn”"):
        pull("autumn")


def test_a_pull_that_was_killed_goes_on_where_it_was(pull, version, add, project, freeze_now, live_server, tmp_path):
    for seed in range(100, 160):
        add(seed, "Ana")
    freeze_now(project)
    words = ["pull", live_server.url, project.slug, str(tmp_path / "set"), "--at-once", "1"]
    process = subprocess.Popen([sys.executable, "-m", "facet_client.command", *words], stderr=subprocess.DEVNULL)
    index = tmp_path / "set" / INDEX
    wait_until(lambda: index.exists() and index.read_text().count("\n") > 5, "the first photos to be there")
    process.send_signal(signal.SIGKILL)
    process.wait()
    with pytest.raises(facet_client.NotPulled, match="only a part"):
        facet_client.open(tmp_path / "set")
    data = pull()
    assert 0 < data.pulled.fetched < data.pulled.photos - 5
    assert list(data.wrong_files()) == []


class Cutter:
    """Stands between client and server, and cuts the first answers off after so many bytes."""

    def __init__(self, port: int, times: int, after: int) -> None:
        self._port, self._left, self._after = port, times, after
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.cuts = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._socket.accept()
                server = socket.create_connection(("127.0.0.1", self._port))
                threading.Thread(target=self._carry, args=(client, server, None), daemon=True).start()
                most = self._after if self._left > 0 else None
                self._left -= 1
                threading.Thread(target=self._carry, args=(server, client, most), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket, most: int | None) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(1024):
                sink.sendall(piece)
                if most is not None and (most := most - len(piece)) <= 0:
                    self.cuts += 1
                    break
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._socket.close()


def test_answers_that_are_cut_off_are_asked_for_again(live_server, version, project, token, tmp_path):
    cutter = Cutter(live_server.thread.port, times=5, after=6_000)
    try:
        data = facet_client.pull(cutter.url, project.slug, tmp_path / "set", at_once=2)
    finally:
        cutter.close()
    assert cutter.cuts >= 3
    assert list(data.wrong_files()) == []
    assert len(data.images()["path"].dropna()) == 6


@pytest.mark.parametrize("damage", [False, True])
def test_a_table_goes_on_from_the_part_that_is_there_if_it_is_that_tables(pull, version, tmp_path, damage):
    whole = storage.get(version.key("faces"))
    half = whole[: len(whole) // 2]
    (tmp_path / "set").mkdir()
    pull(photos=False)
    (tmp_path / "set" / "faces.parquet").unlink()
    part = tmp_path / "set" / f"faces.parquet.{version.faces_sha256[:16]}.part"
    part.write_bytes(b"x" * len(half) if damage else half)
    fetched = []
    data = pull(photos=False, tell=lambda what, done, total, size: fetched.append((what, done)))
    assert (data.path / "faces.parquet").read_bytes() == whole
    assert not part.exists()
    firsts = [done for what, done in fetched if "faces" in what]
    assert firsts[0] > len(half)


def test_files_that_changed_are_found_and_fetched_again(pull, version, capsys):
    data = pull()
    path = data.path / next(data.path.joinpath("photos").rglob("*.jpg")).relative_to(data.path)
    bytes_before = path.read_bytes()
    path.write_bytes(bytes_before[:-1] + b"x")
    assert main(["verify", str(data.path)]) == 1
    assert f"{path.name} is not what the server gave" in capsys.readouterr().err
    assert pull().pulled.fetched == 1
    assert path.read_bytes() == bytes_before
    assert main(["verify", str(data.path)]) == 0


def test_a_photo_that_is_gone_from_the_store_is_named_and_the_rest_comes(pull, version, project, live_server, tmp_path):
    gone = Image.objects.filter(project=project).first()
    storage.delete(storage.original_key(project.pk, gone.sha256))
    assert main(["pull", live_server.url, project.slug, str(tmp_path / "set"), "--json"]) == 1
    data = facet_client.open(tmp_path / "set")
    assert data.images().set_index("image_sha256")["path"].isna().sum() == 1
    assert pull().pulled.missing == [f"{gone.sha256}.jpg"]


def test_a_photo_whose_person_was_erased_meanwhile_is_no_fault(pull, version, project, live_server, tmp_path, capsys):
    gone = Image.objects.filter(project=project).first()
    erasure = Erasure.objects.create(project=project, identity=Identity.objects.first(), class_id=0)
    ErasedPhoto.objects.create(project=project, sha256=gone.sha256, erasure=erasure)
    gone.delete()  # the version's tables do not know yet
    assert main(["pull", live_server.url, project.slug, str(tmp_path / "set")]) == 0
    assert "5 photos fetched, 1 erased since" in capsys.readouterr().out
    assert facet_client.open(tmp_path / "set").images()["path"].isna().sum() == 1


def test_only_engineers_take_versions_away_and_it_is_written_down(pull, version, project, annotator, engineer):
    token, _ = make_token(annotator, "another program")
    with pytest.raises(facet_client.ServerRefused, match="role of engineer") as refused:
        pull(token=token)
    assert refused.value.status == 403
    with pytest.raises(facet_client.ServerRefused, match="FACET_TOKEN"):
        pull(token="facet_wrong")
    assert not Pull.objects.exists()
    pull(photos=False)
    assert [(one.version, one.by, one.photos) for one in Pull.objects.all()] == [(version, engineer, False)]


def test_photos_of_other_projects_are_not_to_be_had(version, stranger, engineer, live_server, token, add, project):
    from labelling.projects import create_project

    elsewhere = create_project("Elsewhere", by=stranger)
    ingest_photo(elsewhere, "theirs.jpg", picture_bytes(500))
    theirs = Image.objects.get(project=elsewhere)
    server = Server(live_server.url, token)
    for address in (
        f"projects/{elsewhere.slug}/photos/{theirs.sha256}/",
        f"projects/{project.slug}/photos/{theirs.sha256}/",
    ):
        with pytest.raises(facet_client.ServerRefused) as refused:
            server.get(address)
        assert refused.value.status == 404


def test_a_folder_that_holds_something_else_is_left_alone(pull, version, live_server, project, tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "thesis.txt").write_text("mine")
    with pytest.raises(facet_client.NotPulled, match="something else"):
        pull()
    (tmp_path / "set" / "thesis.txt").unlink()
    data = pull()
    about = json.loads((data.path / ABOUT).read_text())
    (data.path / ABOUT).write_text(json.dumps(about | {"project": "another"}))
    with pytest.raises(facet_client.NotPulled, match="“another”"):
        pull()


@pytest.mark.parametrize(
    "url, wanted, said",
    [
        ("http://facet.example", "lobby", "unencrypted"),
        ("facet.example", "lobby", "no address"),
        ("http://127.0.0.1:9", "@3", "PROJECT@VERSION"),
    ],
)
def test_addresses_that_make_no_sense_are_refused_in_words(url, wanted, said, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("FACET_TOKEN", "facet_x")
    assert main(["pull", url, wanted, str(tmp_path / "set")]) == 1
    assert said in capsys.readouterr().err
    assert not (tmp_path / "set").exists()


def test_without_a_token_it_says_where_to_get_one(live_server, project, tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("FACET_TOKEN", raising=False)
    assert main(["pull", live_server.url, project.slug, str(tmp_path / "set")]) == 1
    assert "FACET_TOKEN" in capsys.readouterr().err


def test_the_checkouts_own_command_is_the_same(live_server, version, project, token, tmp_path, capsys):
    call_command("pull", live_server.url, f"{project.slug}@{version.number}", str(tmp_path / "set"), "--json")
    assert json.loads(capsys.readouterr().out.strip().splitlines()[-1])["fetched"] == 6
    with pytest.raises(CommandError, match="no version 77"):
        call_command("pull", live_server.url, f"{project.slug}@77", str(tmp_path / "set"))


def test_torch_gets_square_crops_and_the_same_class_numbers_in_every_split(pull, version):
    data = pull()
    whole = data.torch(size=64)
    assert whole.classes == ["Ana", "Ben"]
    assert sorted(whole.targets) == [0, 0, 0, 1, 1]
    picture, target = whole[0]
    assert (tuple(picture.shape), target) == ((3, 64, 64), whole.targets[0])
    parts = [data.torch(split) for split in ("train", "val", "test")]
    assert sum(map(len, parts)) == 5
    assert all(part.classes == whole.classes for part in parts)
    weights = whole.weights()
    assert sum(w for w, t in zip(weights, whole.targets, strict=True) if t == 0) == pytest.approx(1)
    row = whole.faces.iloc[0]
    by_hand = Picture.open(row["path"]).convert("RGB").crop((15, 10, 65, 60))  # 50 is its longer side, without margin
    plain = np.asarray(data.torch(size=50, margin=0, transform=np.asarray)[0][0]).astype(int)
    assert np.abs(plain - np.asarray(by_hand)).mean() < 1


def test_pip_gets_a_package_that_runs_with_httpx_alone(client, tmp_path):
    name, data = wheel()
    given = client.get(reverse("client-wheel", args=[name]))
    assert given.content == data
    assert client.get(reverse("client-wheel", args=["other.whl"])).status_code == 404
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        archive.extractall(tmp_path)
    blocked = "import sys; sys.modules.update(dict.fromkeys(('pandas', 'numpy', 'torch', 'pyarrow', 'PIL', 'django')));"
    run = f"{blocked} import facet_client.command as c; print(c.__file__); c.main(['pull', '--help'])"
    told = subprocess.run(
        [sys.executable, "-c", run], env=os.environ | {"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True,
        check=False, cwd=tmp_path,
    )  # fmt: skip
    assert told.stdout.startswith(str(tmp_path)), told.stderr
    assert "PROJECT@VERSION" in told.stdout


def test_a_part_of_a_table_that_is_not_there_is_refused(live_server, version, project, client_for, engineer):
    client = client_for(engineer)
    url = reverse("api-pulled-table", args=[project.slug, version.number, "faces.parquet"])
    whole = storage.get(version.key("faces"))
    part = client.get(url, headers={"Range": "bytes=100-"})
    assert (part.status_code, b"".join(part.streaming_content)) == (206, whole[100:])
    assert part["Content-Range"] == f"bytes 100-{len(whole) - 1}/{len(whole)}"
    assert client.get(url, headers={"Range": f"bytes={len(whole)}-"}).status_code == 416
    assert client.get(url.replace("faces", "persons")).status_code == 404


def test_the_page_shows_lines_to_paste_and_who_took_it_away(client_for, engineer, annotator, version, pull, project):
    pull()
    address = reverse("version", args=[project.slug, version.number])
    page = client_for(engineer).get(address).content.decode()
    name, _ = wheel()
    assert f"pip install http://testserver/client/{name}" in page
    assert f"facet pull http://testserver {project.slug}@{version.number} {project.slug}" in page
    assert "tables and photos" in page
    assert "facet pull" not in client_for(annotator).get(address).content.decode()
