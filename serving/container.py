"""Serve a Bento in one process, as the command of an image: `python -m serving.container /app/bento`.

`bentoml serve` starts a parent that loads the service too, only to watch over its workers, and in a
container it ends with the first of them that dies. Without it the service is ready in half the time
and half the memory, and SIGTERM comes straight to where it is handled. Address and port come from
BENTOML_HOST and BENTOML_PORT, as for `bentoml serve`.
"""

from __future__ import annotations

import os
import signal
import socket
import sys


def serve(bento: str) -> None:
    """Bind, load the Bento's service, and serve it until SIGTERM.

    Args:
        bento: folder of a built Bento, with its models.

    Raises:
        SystemExit: an address or a port is not one, or the service cannot start.
    """
    # A first process has no default handlers: until uvicorn sets its own, the signal would be lost.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    # Handled once the service is there.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    host, port = os.environ.get("BENTOML_HOST", "127.0.0.1"), os.environ.get("BENTOML_PORT", "3000")
    # Bound only: uvicorn listens when the service is there, and until then connections are refused instead of hanging.
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, int(port)))
    except (OSError, ValueError, OverflowError) as error:
        sys.exit(f"scorebox cannot start: it cannot listen at BENTOML_HOST {host}, BENTOML_PORT {port}: {error}")

    from bentoml.serving import ensure_prometheus_dir

    # Before the client is imported, which chooses its mode by this variable.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = ensure_prometheus_dir()

    from _bentoml_impl.worker.service import main  # type: ignore[import-untyped]

    main([bento, "--fd", str(bound.detach()), "--worker-id", "1"])


if __name__ == "__main__":
    serve(sys.argv[1])
