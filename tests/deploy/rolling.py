"""A stand-in for Kubernetes on one machine: a StatefulSet's pods as containers, and nginx for Ingress and Service.

The containers run as the rendered manifest says: settings, user, limits, probes, delays. What Kubernetes does to
replace them is done here step by step, one pod after the other from the last on:

1. the pod is taken out of nginx, as its endpoint is out of the Service;
2. preStop's delay passes, then SIGTERM, at most the grace period for the end;
3. a new container starts on the same volume, and is started again whenever it ends with an error;
4. its startup probe is asked until it says yes, then `minReadySeconds` pass, then nginx gets its address.

A pod that does not become ready stops the update, and stays out of nginx.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from pipelines.images import engine
from tests.deploy.engine import Container, docker, remove, start
from tests.deploy.manifests import Cluster, quantity

NGINX = "scorebox-test-nginx"
START_SECONDS = 30.0
NGINX_CONF = """\
worker_processes 1;
pid /tmp/nginx.pid;
error_log stderr warn;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path /tmp/body;
  proxy_temp_path /tmp/proxy;
  fastcgi_temp_path /tmp/fastcgi;
  uwsgi_temp_path /tmp/uwsgi;
  scgi_temp_path /tmp/scgi;
  # A reload closes connections that wait for a next request, and one may be on its way.
  keepalive_timeout 0;
  upstream server {{
    {servers}
    keepalive 32;
  }}
  server {{
    listen 127.0.0.1:{port};
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    location / {{ proxy_pass http://server; }}
  }}
}}
"""
HARDENED = ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")


class NotReadyError(AssertionError):
    """A new pod did not become ready in time."""


def nginx_image(base: str = "python:3.11-slim") -> str:
    """Debian's nginx on the base of the release images; its name."""
    recipe = f"FROM {base}\nRUN apt-get update && apt-get install --yes --no-install-recommends nginx\n"
    return built(NGINX, recipe)


def built(tag: str, recipe: str) -> str:
    """An image of a recipe that copies no files."""
    engine.docker("build", "--tag", tag, "-", given=recipe)
    return tag


def answers(address: Callable[[], str], seconds: float) -> bool:
    """Whether what is at the address comes to answer 200; a container that is started again may have another one."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(httpx.HTTPError, httpx.InvalidURL):
            if httpx.get(address(), timeout=2).status_code == 200:
                return True
        time.sleep(0.1)
    return False


@dataclass(frozen=True)
class PodTemplate:
    """How a manifest runs its server, in the words of the engine.

    Attributes:
        delay: seconds from the pod's end in the Service to SIGTERM.
        grace: seconds from there to SIGKILL.
        ready: the path of the startup probe.
        patience: seconds that it has.
        settle: seconds that a ready pod waits before the next one is replaced.
    """

    options: tuple[str, ...]
    environment: dict[str, str]
    delay: float
    grace: int
    ready: str
    patience: float
    settle: float

    @classmethod
    def of(cls, cluster: Cluster, name: str) -> PodTemplate:
        """The template of that StatefulSet."""
        (server,) = [found for found in cluster.servers() if found.name == name]
        container, context = server.pod["containers"][0], server.pod["securityContext"]
        limits, probe = container["resources"]["limits"], container["startupProbe"]
        assert container["securityContext"]["readOnlyRootFilesystem"]
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        delay = container["lifecycle"]["preStop"]["sleep"]["seconds"]
        return cls(
            options=(
                *HARDENED,
                *("--user", f"{context['runAsUser']}:{context['runAsGroup']}"),
                *("--memory", str(int(quantity(limits["memory"])))),
                *("--cpus", str(min(quantity(limits["cpu"]), os.cpu_count() or 1))),
                *("--restart", "on-failure"),
            ),
            environment=cluster.environment(container) | {"SCOREBOX_RELOAD_TOKEN": ""},
            delay=delay,
            # Kubernetes counts from the beginning of preStop.
            grace=server.pod["terminationGracePeriodSeconds"] - delay,
            ready=probe["httpGet"]["path"],
            patience=probe["periodSeconds"] * probe["failureThreshold"],
            settle=server.manifest["spec"]["minReadySeconds"],
        )


@dataclass
class Door:
    """Nginx before the pods, on a loopback port.

    Attributes:
        served: every container that it was ever told of.
    """

    port: int
    folder: Path
    served: set[str] = field(default_factory=set)
    _container: Container | None = None

    def open(self, pods: list[Container]) -> None:
        """Starts it, or tells a running one."""
        addresses = [pod.direct_url.removeprefix("http://") for pod in pods]
        servers = "\n    ".join(f"server {address};" for address in addresses)
        self.served |= {pod.name for pod in pods}
        (self.folder / "nginx.conf").write_text(NGINX_CONF.format(servers=servers, port=self.port))
        if self._container is None:
            mount = ("--volume", f"{self.folder}:/conf:ro", "--network", "host", "--user", "10101:10101")
            command = ("nginx", "-c", "/conf/nginx.conf", "-g", "daemon off;")
            self._container = start(NGINX, *command, options=(*HARDENED, *mount), port=None)
            assert answers(lambda: f"http://127.0.0.1:{self.port}/readyz", START_SECONDS), self._container.logs()
        else:
            docker("kill", "--signal", "HUP", self._container.name)

    def close(self) -> None:
        """Ends it."""
        if self._container is not None:
            remove(self._container)


class Pods:
    """The pods of one StatefulSet.

    Args:
        journals: a folder for each, which stays when its pod goes.
    """

    def __init__(self, template: PodTemplate, journals: list[Path], door: Door) -> None:
        self._template, self._journals, self._door = template, journals, door
        self._pods: list[Container] = []
        self._out: set[int] = set()
        self._image = self._image_before = ""

    @contextmanager
    def running(self, image: str) -> Iterator[None]:
        """All of them, for the length of the block."""
        self._image = image
        try:
            for ordinal in range(len(self._journals)):
                self._pods.append(self._start(ordinal, image))
            for ordinal in range(len(self._journals)):
                self._wait(ordinal, self._template.patience)
            self._tell()
            yield
        finally:
            self._door.close()
            for pod in self._pods:
                remove(pod)

    def update(self, image: str, patience: float | None = None) -> None:
        """Do what follows `kubectl apply` with another image.

        Args:
            image: the new one.
            patience: seconds for a pod to become ready; those of the startup probe by default.

        Raises:
            NotReadyError: a pod did not become ready. It is left as it is, and those before it are untouched.
        """
        self._image_before, self._image = self._image, image
        for ordinal in reversed(range(len(self._pods))):
            self._replace(ordinal, image, self._template.patience if patience is None else patience)

    def undo(self) -> None:
        """Do what follows `kubectl rollout undo`: the pods that have the newer image get the one before."""
        self._image, self._image_before = self._image_before, self._image
        for ordinal in reversed(range(len(self._pods))):
            if docker("inspect", "--format", "{{.Config.Image}}", self._pods[ordinal].name) != self._image:
                self._replace(ordinal, self._image, self._template.patience)

    def pod(self, ordinal: int) -> Container:
        """One of them."""
        return self._pods[ordinal]

    def stop(self) -> None:
        """All of them, as for a replacement."""
        for pod in self._pods:
            assert pod.stop(self._template.grace) == 0, pod.logs()

    def _replace(self, ordinal: int, image: str, patience: float) -> None:
        old, was_ready = self._pods[ordinal], ordinal not in self._out
        self._out.add(ordinal)
        self._tell()
        if was_ready:
            time.sleep(self._template.delay)
            assert old.stop(self._template.grace) == 0, old.logs()
        remove(old)
        self._pods[ordinal] = self._start(ordinal, image)
        self._wait(ordinal, patience)
        time.sleep(self._template.settle)
        self._out.remove(ordinal)
        self._tell()

    def _start(self, ordinal: int, image: str) -> Container:
        mount = ("--volume", f"{self._journals[ordinal]}:/journal")
        return start(image, options=(*self._template.options, *mount), port=None, **self._template.environment)

    def _wait(self, ordinal: int, seconds: float) -> None:
        pod = self._pods[ordinal]
        if not answers(lambda: pod.direct_url + self._template.ready, seconds):
            raise NotReadyError(f"pod {ordinal} was not ready after {seconds:g} s:\n{pod.logs()[-2000:]}")

    def _tell(self) -> None:
        self._door.open([pod for ordinal, pod in enumerate(self._pods) if ordinal not in self._out])
