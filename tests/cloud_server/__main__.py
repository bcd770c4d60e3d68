"""Serve until Ctrl-C, for trying things by hand: `PYTHONPATH=plugins:tests python -m cloud_server --folder F`."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from threading import Event

from cloud_server import CloudServer


def main() -> int:
    parser = argparse.ArgumentParser(prog="cloud_server", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="where the rows are kept")
    parser.add_argument("--port", type=int, default=0, help="0 takes any that is free")
    parser.add_argument("--project", default="test-project")
    parser.add_argument("--location", default="EU")
    parser.add_argument("--bucket", action="append", default=[], help="a bucket to make; may be repeated")
    given = parser.parse_args()
    server = CloudServer(given.folder, project=given.project, location=given.location, port=given.port)
    for bucket in given.bucket:
        server.add_bucket(bucket)
    server.start()
    for name, value in server.environment.items():
        sys.stdout.write(f"export {name}={shlex.quote(value)}\n")
    sys.stdout.flush()
    try:
        Event().wait()
    except KeyboardInterrupt:
        server.stop()
    for violation in server.violations:
        sys.stderr.write(f"{violation}\n")
    return 1 if server.violations else 0


if __name__ == "__main__":
    sys.exit(main())
