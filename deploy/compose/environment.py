"""Write .env, from which compose takes images and secrets.

    python3 deploy/compose/environment.py SCOREBOX_IMAGE=tag ...

Values that the file holds stay, except for those given here; missing passwords are made up. Only its owner can read the
file, and git ignores it.
"""

import os
import re
import secrets
import sys
from pathlib import Path

PATH = Path(__file__).parent.parent.parent / ".env"
PASSWORDS = ("POSTGRES_PASSWORD", "GRAFANA_PASSWORD", "SCOREBOX_RELOAD_TOKEN")
WEBHOOKS = ("ALERTMANAGER_ON_CALL", "ALERTMANAGER_ENGINEERS", "ALERTMANAGER_MODEL_OWNERS")
NOWHERE = "http://127.0.0.1:9/"
"""The discard port: Alertmanager shows alerts and sends them nowhere until the address of a webhook stands here."""

PROFILES = "serve,monitoring,training"


def main(path: Path, given: dict[str, str]) -> None:
    """Write the file next to `path`, then rename it to `path`."""
    known = dict(re.findall(r"^(\w+)=(.*)$", path.read_text(), re.MULTILINE)) if path.exists() else {}
    defaults = {"COMPOSE_PROFILES": PROFILES}
    defaults |= {name: secrets.token_urlsafe(24) for name in PASSWORDS}
    defaults |= dict.fromkeys(WEBHOOKS, NOWHERE)
    text = "".join(f"{name}={value}\n" for name, value in {**defaults, **known, **given}.items())
    temporary = path.with_name(f"{path.name}.new")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    temporary.replace(path)


if __name__ == "__main__":
    main(PATH, dict(argument.split("=", 1) for argument in sys.argv[1:]))
