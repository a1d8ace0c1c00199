"""``python -m tests.supply.audit`` asks for known vulnerabilities of all packages that an image locks.

Exits with 1 if there is one, and with 2 if the advisories of a package can't be read: no answer is no all-clear.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.common.paths import REPO
from tests.common.say import CannotRun, say
from tests.supply.tools import tool

FILES = (*sorted((REPO / "images").glob("*/requirements.txt")), REPO / "tests/requirements.txt")
SERVICES = ("pypi", "osv")


def audit(path: Path, service: str) -> dict[str, Any]:
    """Returns pip-audit's report of a file of locked packages. Raises CannotRun if it has none."""
    flags = ("--require-hashes", "--disable-pip", "--progress-spinner", "off", "--format", "json")
    argv = [tool("pip-audit"), *flags, "--vulnerability-service", service, "--timeout", "30", "-r", str(path)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    try:
        return json.loads(done.stdout)  # type: ignore[no-any-return]
    except ValueError:
        last = (done.stderr.strip() or "it said nothing").splitlines()[-1]
        raise CannotRun(f"{path.relative_to(REPO)}: no advisories from {service}: {last}") from None


def told(report: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Returns a line for each vulnerability, and the packages whose advisories were not read."""
    found, skipped = [], []
    for package in report["dependencies"]:
        if "skip_reason" in package:
            skipped.append(package["name"])
        for item in package.get("vulns", ()):
            fixed = ", ".join(item["fix_versions"]) or "no version yet"
            found.append(f"{package['name']} {package['version']}: {item['id']}, fixed by {fixed}")
    return found, skipped


def main(service: str) -> int:
    """Audits all files and returns the exit code."""
    worst = 0
    for path in FILES:
        name = path.relative_to(REPO)
        try:
            found, skipped = told(audit(path, service))
        except CannotRun as error:
            say(f"error: {error}")
            worst = 2
            continue
        for line in found:
            print(f"{name}: {line}")
        if skipped:
            say(f"error: {name}: {service} has no advisories of {len(skipped)} packages, such as {skipped[0]}")
        if not found and not skipped:
            print(f"{name}: no known vulnerability")
        worst = max(worst, 2 if skipped else 1 if found else 0)
    return worst


def _parse() -> str:
    parser = argparse.ArgumentParser(prog="python -m tests.supply.audit", description=__doc__)
    parser.add_argument("--service", choices=SERVICES, default="pypi", help="whose advisories [%(default)s]")
    return str(parser.parse_args().service)


if __name__ == "__main__":
    sys.exit(main(_parse()))
