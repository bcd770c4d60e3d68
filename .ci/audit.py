"""No dependency with a known vulnerability, unless it is accepted in writing, with a reason and an end.

`uv audit` asks a vulnerability service (OSV) about every package of uv.lock. Where the service cannot be reached,
nothing is known, and that is what is said; with AUDIT_REQUIRED=1 it is a failure. What a day's first audit of a lock
file found is kept in .cache. AUDIT_SERVICE_URL: another service of the same kind, such as a company's own.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tomllib
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
ACCEPTED = Path(__file__).with_name("accepted_vulnerabilities.toml")


def audited(uv: str, root: Path, *, today: date) -> dict[str, Any] | str:
    """uv's answer about the lock file in `root`, or why there is none."""
    lock = hashlib.sha256((root / "uv.lock").read_bytes()).hexdigest()
    service = os.environ.get("AUDIT_SERVICE_URL", "")
    key, kept = f"{today} {lock} {service}", root / ".cache" / "audit.json"
    if kept.is_file():
        before = json.loads(kept.read_text(encoding="utf-8"))
        if before["key"] == key:
            answer: dict[str, Any] = before["answer"]
            return answer
    command = [uv, "audit", "--frozen", "--preview-features", "audit,json-output", "--output-format", "json"]
    done = subprocess.run(
        [*command, *(["--service-url", service] if service else [])],
        cwd=root,
        env={"UV_HTTP_RETRIES": "1", **os.environ},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in (0, 1) or not done.stdout.strip():
        causes = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        return f"{causes[0]} ({causes[-1]})" if causes else f"uv audit ended with code {done.returncode}"
    answer = json.loads(done.stdout)
    kept.parent.mkdir(exist_ok=True)
    kept.write_text(json.dumps({"key": key, "answer": answer}), encoding="utf-8")
    return answer


def judged(answer: dict[str, Any], accepted: list[dict[str, Any]], *, today: date) -> list[str]:
    """What is wrong, a sentence each: vulnerabilities that nobody accepted, and acceptances whose time is over."""
    whole = [entry for entry in accepted if entry.get("reason") and isinstance(entry.get("until"), date)]
    known = {entry["id"]: entry for entry in whole}
    problems = [
        f"{entry['id']} is accepted in {ACCEPTED.name} without a reason or an end (until)"
        for entry in accepted
        if entry not in whole
    ]
    for found in answer["vulnerabilities"]:
        package = f"{found['dependency']['name']} {found['dependency']['version']}"
        ids = [found["id"], *found["aliases"]]
        entry = next((known[name] for name in ids if name in known), None)
        if entry is not None and entry["until"] >= today:
            continue
        fixed = f"fixed in {', '.join(found['fix_versions'])}" if found["fix_versions"] else "no fix yet"
        over = f"; accepted until {entry['until']}, which is over" if entry is not None else ""
        problems.append(f"{package}: {' = '.join(ids)}: {found['summary']} ({fixed}, {found['link']}){over}")
    return problems + [f"the index says of a package: {json.dumps(found)}" for found in answer["adverse_statuses"]]


def main(uv: str, root: Path = ROOT, accepted: Path = ACCEPTED) -> int:
    today = datetime.now(UTC).date()
    answer = audited(uv, root, today=today)
    if isinstance(answer, str):
        print(f"AUDIT SKIPPED: whether dependencies have known vulnerabilities is not known. {answer}")
        return 1 if os.environ.get("AUDIT_REQUIRED") == "1" else 0
    entries = tomllib.loads(accepted.read_text(encoding="utf-8")).get("accepted", [])
    problems = judged(answer, entries, today=today)
    packages = answer["summary"]["audited_packages"]
    print("\n".join(problems) or f"{packages} packages audited, no vulnerability but the {len(entries)} accepted")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
