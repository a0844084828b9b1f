# MLflow's server: runs and registry in SQLite, artifacts beside them, both in one volume.
ARG BASE=python:3.11-slim

FROM ${BASE}
COPY mlflow.txt /build/
RUN python3 -m venv --without-pip /app/venv \
    && python3 -m pip --python /app/venv/bin/python install --no-cache-dir --no-deps --only-binary :all: \
       --require-hashes --requirement /build/mlflow.txt \
    && install -d --owner 1034 --group 1034 /mlflow
ENV PATH=/app/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/tmp MLFLOW_DISABLE_TELEMETRY=true
USER 1034:1034
WORKDIR /mlflow
VOLUME /mlflow
EXPOSE 5000
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=6 \
    CMD ["/app/venv/bin/python", "-I", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:5000/health', timeout=2)"]
# It has no login, so it answers to local names only: a page in a browser cannot reach it by another.
CMD ["/app/venv/bin/mlflow", "server", "--host", "0.0.0.0", "--port", "5000", "--workers", "1", \
     "--backend-store-uri", "sqlite:////mlflow/mlflow.db", "--artifacts-destination", "/mlflow/artifacts", \
     "--allowed-hosts", "localhost:*,127.0.0.1:*,mlflow:*"]
