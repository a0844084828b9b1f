"""Exit with 0 if the server in this container is ready, else with 1: HEALTHCHECK without a shell or curl."""

import os
import sys
from http.client import HTTPConnection, HTTPException

try:
    connection = HTTPConnection("127.0.0.1", int(os.environ.get("BENTOML_PORT", "3000")), timeout=2)
    connection.request("GET", "/readyz")
    sys.exit(connection.getresponse().status != 200)
except (OSError, HTTPException) as error:
    sys.exit(f"not ready: {error}")
