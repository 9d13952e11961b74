"""The frozen tables themselves, byte for byte, in one zip beside a note that says what they are."""

import io
import json
import zipfile
from collections.abc import Iterator

from datasets.manifest import parse_table

TITLE = "Parquet (the frozen tables, zipped)"
SUFFIX = "zip"


def write(files: dict[str, bytes], info: dict, counts: dict) -> Iterator[bytes]:
    """One zip; fills `counts` with the rows it holds. The same version gives the same bytes anywhere."""
    counts.update({name: parse_table(data).num_rows for name, data in files.items()})
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        note = json.dumps(info, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
        archive.writestr(_entry("version.json"), note.encode())
        for name in sorted(files):
            archive.writestr(_entry(f"{name}.parquet"), files[name])
    yield out.getvalue()


def _entry(name: str) -> zipfile.ZipInfo:
    """Without clock or platform, which would make equal exports differ."""
    entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    entry.create_system = 3
    entry.external_attr = 0o644 << 16
    return entry
