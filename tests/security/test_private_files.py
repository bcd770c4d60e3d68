"""An attacker with an account of their own on the same machine: what this package writes, they may not read."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

from customer360.errors import SettingsError
from customer360.orchestration.local_airflow import LocalAirflow
from customer360.settings import keep_private, load_settings

C360 = Path(sys.executable).parent / "c360"
NOBODY = 65534
HEADER = "interaction_id,customer_id,interaction_date,interaction_type,product_id,resolution_status,satisfaction_score"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What commands write under the laxest umask there is, the landing zone and an export outside of the data folder.

    The data folder was there before, open to all, so that nothing hides behind it.
    """
    folder = tmp_path_factory.mktemp("private")
    for parent in (folder, *folder.parents):
        if parent.stat().st_uid == os.geteuid() and parent != parent.parent and not parent.stat().st_mode & 0o001:
            parent.chmod(parent.stat().st_mode | 0o011)
    for name in ("data", "sources", "landing", "exports"):
        (folder / name).mkdir()
        (folder / name).chmod(0o755)
    (folder / "sources" / "support.yaml").write_text(
        "system: support\ntables:\n  customer_service:\n"
        f"    files: {folder}/tickets.csv\n    format: csv\n    load: snapshot\n"
    )
    rows = [f"T{n},C1,2024-06-30,inquiry,,resolved,4" for n in range(300)]
    (folder / "tickets.csv").write_text("\n".join([HEADER, *rows, "T900,C1,soon,inquiry,,resolved,4"]) + "\n")
    run(folder, "load", "support", "--date", "2024-06-30")
    run(folder, "quarantine", "export", "customer_service", "--to", f"{folder}/exports/refused.csv")
    run(folder, "sample", "--customers", "100", "--days", "60", "--to", f"{folder}/exports/shop")
    return folder


def run(folder: Path, *arguments: str, **environment: str) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("C360_", "AIRFLOW"))}
    places = {"DATA": folder / "data", "SOURCES": folder / "sources", "LANDING": folder / "landing", "HOME": ROOT}
    done = subprocess.run(
        [C360, *arguments],
        env=kept | {f"C360_{name}": str(path) for name, path in places.items()} | environment,
        umask=0,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def made(folder: Path) -> list[Path]:
    """Everything that commands have written: not the folders that were there before."""
    found = [path for name in ("data", "landing", "exports") for path in (folder / name).rglob("*")]
    assert {path.name for path in found} > {"catalog.sqlite", "refused.csv", "shop", "write.lock", "manifest.json"}
    assert any(path.suffix == ".parquet" and "landing" in path.parts for path in found)
    return found


def test_files_and_folders_are_the_accounts_own(written: Path) -> None:
    open_to_others = {
        str(path.relative_to(written)): oct(path.lstat().st_mode & 0o777)
        for path in made(written)
        if path.lstat().st_mode & 0o077
    }
    assert open_to_others == {}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
def test_another_account_reads_none_of_it(written: Path) -> None:
    code = "import sys\nfor path in sys.argv[1:]:\n    try:\n        open(path, 'rb').read(1); print(path)\n    except PermissionError:\n        pass\n"
    files = [str(path) for path in made(written) if path.is_file()]
    probe = [sys.executable, "-c", code, *files, str(written / "tickets.csv")]
    (written / "tickets.csv").chmod(0o644)
    seen = subprocess.run(
        ["/usr/bin/env", "python3", *probe[1:]],
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
        capture_output=True,
        text=True,
        check=True,
    )
    assert seen.stdout.splitlines() == [str(written / "tickets.csv")], "that file, of the test's own, anybody may read"


def test_the_group_may_be_let_in(tmp_path: Path) -> None:
    for name in ("data", "landing", "sources"):
        (tmp_path / name).mkdir()
    run(tmp_path, "sample", "--customers", "100", "--days", "60", "--to", f"{tmp_path}/shop", C360_UMASK="027")
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "shop").rglob("*.sqlite")}
    assert modes == {0o640}
    assert stat.S_IMODE((tmp_path / "shop").stat().st_mode) == 0o750


@pytest.mark.parametrize("value", ["022", "000", "0", "77x", "-1", "0777"])
def test_nobody_else_is(value: str) -> None:
    for read in (lambda: keep_private({"C360_UMASK": value}), lambda: load_settings({"C360_UMASK": value})):
        with pytest.raises(SettingsError, match="C360_UMASK"):
            read()


def test_airflows_own_files(tmp_path: Path) -> None:
    """Airflow sets the modes of its tasks' logs itself; secrets are private whatever the umask."""
    airflow = LocalAirflow(load_settings({"C360_DATA": str(tmp_path), "C360_UMASK": "027"}), port=1)
    before = os.umask(0)
    try:
        environment = airflow.environment()
    finally:
        os.umask(before)
    assert stat.S_IMODE((airflow.home / "secrets.json").stat().st_mode) == 0o600
    assert environment["AIRFLOW__LOGGING__FILE_TASK_HANDLER_NEW_FILE_PERMISSIONS"] == "0o640"
    assert environment["AIRFLOW__LOGGING__FILE_TASK_HANDLER_NEW_FOLDER_PERMISSIONS"] == "0o750"
    assert not [value for value in airflow.secrets.values() if len(value) < 30]
