"""Writes .env, from which compose takes images and secrets.

    python3 deploy/compose/environment.py SCOREBOX_IMAGE=tag ...

What is in the file stays, except for the values given here; passwords that are missing are made up. Only its owner can
read it, and git ignores it.
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
"""The discard port: alerts are seen in Alertmanager, and sent nowhere until an address of a webhook is put here."""

PROFILES = "serve,monitoring,training"


def main(path: Path, given: dict[str, str]) -> None:
    """Writes the file beside `path`, then renames it there."""
    known = dict(re.findall(r"^(\w+)=(.*)$", path.read_text(), re.MULTILINE)) if path.exists() else {}
    defaults = {"COMPOSE_PROFILES": PROFILES}
    defaults |= {name: secrets.token_urlsafe(24) for name in PASSWORDS}
    defaults |= dict.fromkeys(WEBHOOKS, NOWHERE)
    text = "".join(f"{name}={value}\n" for name, value in {**defaults, **known, **given}.items())
    aside = path.with_name(f"{path.name}.new")
    aside.unlink(missing_ok=True)
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    aside.replace(path)


if __name__ == "__main__":
    main(PATH, dict(argument.split("=", 1) for argument in sys.argv[1:]))
