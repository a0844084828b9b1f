"""The same service without its face: requests meet BentoML's own routes and the typed methods."""

from _bentoml_sdk import Service

from service import Scorebox

Scorebox.to_asgi = lambda is_main=True: Service.to_asgi(Scorebox, is_main)
