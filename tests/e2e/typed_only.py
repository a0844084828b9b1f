"""The same service without its face: requests meet BentoML's own routes and the typed methods."""

from typing import Any

from _bentoml_sdk import Service  # type: ignore[import-untyped]  # BentoML marks only its outer package as typed

import service

Scorebox: Any = service.Scorebox
Scorebox.to_asgi = lambda is_main=True: Service.to_asgi(Scorebox, is_main)
