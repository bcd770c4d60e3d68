"""An attacker who gets at what is installed: locked, hashed, audited; and a secret that is about to be committed."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import threading
import tomllib
from collections.abc import Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb
import pytest
from conftest import ROOT

from customer360.warehouse.duckdb_session import connect, extension_file

UV = ROOT / ".venv-uv" / "bin" / "uv"
FOUND = {
    "id": "GHSA-0000", "modified": "2026-01-01T00:00:00Z", "summary": "Sandbox escape", "aliases": ["CVE-2026-1"],
    "affected": [{"package": {"name": "jinja2", "ecosystem": "PyPI"}, "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99.0"}]}]}],
}  # fmt: skip


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"ci_{name}", ROOT / ".ci" / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_everything_installed_is_locked_with_its_hash() -> None:
    packages = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    assert len(packages) > 200
    for package in packages:
        if "editable" in package["source"]:
            continue
        files = [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
        assert files and all(file["hash"].startswith("sha256:") for file in files), package["name"]
        assert set(package["source"]) == {"registry"}, f"{package['name']} comes from {package['source']}"


def test_a_changed_extension_is_refused_also_where_the_true_one_was_loaded_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    true = extension_file("sqlite_scanner")
    package = tmp_path / "duckdb_extension_sqlite_scanner"
    folder = package / "extensions" / true.parent.name
    folder.mkdir(parents=True)
    (package / "__init__.py").touch()  # without it, the installed package is found first
    shutil.copy(true, folder)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert extension_file("sqlite_scanner") == folder / true.name  # what is installed is left alone
    for _ in range(2):  # checked, then known
        with connect("sqlite_scanner") as connection:
            assert connection.execute("SELECT current_setting('allow_unsigned_extensions')").fetchall() == [(False,)]
            loaded = "SELECT loaded FROM duckdb_extensions() WHERE extension_name = 'sqlite_scanner'"
            assert connection.execute(loaded).fetchall() == [(True,)]
    changed = bytearray(true.read_bytes())
    changed[-10] ^= 1
    other = folder / "other.duckdb_extension"
    other.write_bytes(changed)
    with connect("sqlite_scanner") as connection, pytest.raises(duckdb.IOException, match="signature"):
        connection.load_extension(str(other))  # nothing comes in with the known one
    other.replace(folder / true.name)
    with pytest.raises(duckdb.IOException, match="signature"):
        connect("sqlite_scanner")


def test_the_installer_is_installed_by_its_hash() -> None:
    pinned = (ROOT / ".ci" / "uv.txt").read_text()
    assert re.search(r"^uv==\S+ \\$", pinned, re.M) and pinned.count("--hash=sha256:") > 10
    for user in ("Makefile", "docker-compose.yml"):
        assert "--require-hashes -r" in (ROOT / user).read_text()
    assert "uv sync --frozen" in (ROOT / "docker-compose.yml").read_text()


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A vulnerability service that knows of one, and a copy of the project's lock file to ask about."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
            hit = {"vulns": [{"id": FOUND["id"], "modified": FOUND["modified"]}]}
            self.answer({"results": [hit if query["package"]["name"] == "jinja2" else {} for query in asked]})

        def do_GET(self) -> None:
            self.answer(FOUND)

        def answer(self, document: dict[str, Any]) -> None:
            body = json.dumps(document).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    if not UV.exists():
        pytest.skip("uv is not where `make setup` puts it")
    for name in ("uv.lock", "pyproject.toml", "README.md"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("AUDIT_SERVICE_URL", f"http://127.0.0.1:{server.server_port}")
    yield tmp_path
    server.shutdown()
    server.server_close()


def test_a_vulnerability_fails_the_check_until_it_is_accepted(
    service: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    audit, accepted = script("audit"), service / "accepted.toml"
    accepted.write_text("")
    assert audit.main(str(UV), service, accepted) == 1
    assert re.search(r"jinja2 \S+: GHSA-0000 = CVE-2026-1: Sandbox escape \(fixed in 99.0, ", capsys.readouterr().out)
    accepted.write_text('[[accepted]]\nid = "CVE-2026-1"\nreason = "no sandbox is used"\nuntil = 2999-01-01\n')
    assert audit.main("/nowhere/uv", service, accepted) == 0, "the day's answer is kept"
    assert "no vulnerability but the 1 accepted" in capsys.readouterr().out
    accepted.write_text('[[accepted]]\nid = "CVE-2026-1"\nreason = "no sandbox is used"\nuntil = 2020-01-01\n')
    assert audit.main("/nowhere/uv", service, accepted) == 1
    assert "accepted until 2020-01-01, which is over" in capsys.readouterr().out
    accepted.write_text('[[accepted]]\nid = "CVE-2026-1"\nuntil = 2999-01-01\n')
    assert audit.main("/nowhere/uv", service, accepted) == 1
    assert "without a reason" in capsys.readouterr().out
    accepted.write_text('[[accepted]]\nid = "CVE-2026-1"\nreason = "no sandbox is used"\n')
    assert audit.main("/nowhere/uv", service, accepted) == 1
    assert "or an end (until)" in capsys.readouterr().out


def test_a_service_out_of_reach_is_said_and_not_taken_for_good(
    service: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    audit = script("audit")
    monkeypatch.setenv("AUDIT_SERVICE_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.delenv("AUDIT_REQUIRED", raising=False)
    assert audit.main(str(UV), service) == 0
    assert capsys.readouterr().out.startswith(
        "AUDIT SKIPPED: whether dependencies have known vulnerabilities is not known"
    )
    monkeypatch.setenv("AUDIT_REQUIRED", "1")
    assert audit.main(str(UV), service) == 1
    assert not (service / ".cache").exists(), "nothing is kept of it"


def test_what_is_accepted_in_this_project_has_a_reason_and_an_end() -> None:
    audit = script("audit")
    entries = tomllib.loads(audit.ACCEPTED.read_text()).get("accepted", [])
    assert audit.judged({"vulnerabilities": [], "adverse_statuses": []}, entries, today=date.max) == []


def test_a_secret_about_to_be_committed_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hygiene = script("hygiene")
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    made_up = {  # in halves, so that this file is clean
        "key.pem": "-----BEGIN RSA PRIVATE" + " KEY-----\nMIIE\n",
        "aws.py": "key = 'AKIA" + "QYLPMN5HHHFPZAM2'\n",
        "slack.txt": "xoxb-" + "1234567890" + "-1234567890" + "-abcdef" + "ghijkl" + chr(10),
        "sub/conn.yaml": "url: postgres://me:hun" + "ter2secret@db/x\n",
        "clean.py": "x = 1\n",
    }
    for name, text in made_up.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(hygiene, "ROOT", tmp_path)
    monkeypatch.chdir(tmp_path)
    assert {line.partition(":")[0] for line in hygiene.secrets()} == {"key.pem", "aws.py", "slack.txt", "sub/conn.yaml"}
