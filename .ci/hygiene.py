"""No dependency whose licence would bind this project's users, and no secret in its files."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import Distribution, distributions
from pathlib import Path

from detect_secrets import SecretsCollection
from detect_secrets.settings import default_settings

ROOT = Path(__file__).resolve().parents[1]
STRONG = re.compile(
    r"(?<![L])\b(A?GPL|GNU (Affero )?General Public|SSPL|Server Side Public|BUSL|Business Source)", re.I
)
# Distribution → why it may be here all the same.
LICENCE_EXCEPTIONS: dict[str, str] = {}
# Invented passwords are what tests are for; keys and tokens of a known form are refused there too.
INVENTED = {"Basic Auth Credentials", "Secret Keyword"}
# Files whose random-looking strings are no secrets.
NO_SECRETS = re.compile(r"uv\.lock$|\.(png|parquet|gz)$")


def licences(distribution: Distribution) -> list[str]:
    """Alternatives: the user of `MIT OR GPL-2.0` may choose the first."""
    facts = distribution.metadata
    if expression := facts["License-Expression"]:
        return re.split(r"\s+OR\s+", expression)
    classified = [c.rpartition("::")[2].strip() for c in facts.get_all("Classifier") or [] if c.startswith("License")]
    stated = (facts["License"] or "").strip().splitlines()[:1]
    return classified or stated


def bound_by() -> list[str]:
    found = []
    for distribution in distributions():
        name, stated = distribution.metadata["Name"], licences(distribution)
        if stated and all(STRONG.search(licence) for licence in stated) and name not in LICENCE_EXCEPTIONS:
            found.append(
                f"{name} {distribution.version} is under {' OR '.join(stated)}: replace it, or give the reason here"
            )
    return found


def secrets() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    collection = SecretsCollection(root=str(ROOT))
    with default_settings():
        for name in listed.stdout.splitlines():
            if not NO_SECRETS.search(name) and (ROOT / name).is_file():
                collection.scan_file(name)
    return [
        f"{name}:{secret.line_number}: looks like a secret ({secret.type}); if it is none: `pragma: allowlist secret`"
        for name, secret in collection
        if not (name.startswith("tests/") and secret.type in INVENTED)
    ]


def main() -> int:
    problems = [*bound_by(), *secrets()]
    print("\n".join(problems) or f"{len(list(distributions()))} distributions, no licence or secret out of place")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
