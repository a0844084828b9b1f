"""Lists what is installed where it runs, as JSON. It runs inside an image, with nothing but Python's own library."""

import json
import platform
from importlib.metadata import distributions
from pathlib import Path


def debian() -> list[dict[str, str]]:
    """Return the installed packages of Debian, by its database; none on another system."""
    status = Path("/var/lib/dpkg/status")
    if not status.exists():
        return []
    found = []
    for paragraph in status.read_text().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in paragraph.splitlines() if ": " in line and line[0] != " ")
        if fields.get("Status", "").endswith(" installed"):
            found.append(
                {"name": fields["Package"], "version": fields["Version"], "architecture": fields["Architecture"]}
            )
    return found


def python() -> list[dict[str, str]]:
    """Return the distributions that this interpreter finds, with their licences."""
    return [
        {
            "name": one.metadata["Name"],
            "version": one.version,
            "licence": str(one.metadata.json.get("license_expression") or ""),
        }
        for one in distributions()
    ]


def main() -> None:
    """Write the list to standard output."""
    system = platform.freedesktop_os_release()
    listed = {"system": f"{system['ID']}-{system['VERSION_ID']}", "python": python(), "debian": debian()}
    print(json.dumps(listed))  # noqa: T201  # its only output


main()
