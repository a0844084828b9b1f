"""Write the dashboards' files."""

from __future__ import annotations

from deploy.monitoring.grafana import FOLDER, generated


def main() -> None:
    """Write every file, and remove those of dashboards that are no more."""
    files = generated()
    for path, content in files.items():
        path.write_text(content)
    for path in FOLDER.glob("*.json"):
        if path not in files:
            path.unlink()


if __name__ == "__main__":
    main()
