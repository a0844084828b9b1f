#!/usr/bin/env bash
# Runs a release image as the platform does, and asks it what a first caller would.
#
#   smoke_image.sh IMAGE
set -euo pipefail

container=$(docker run --detach --publish 127.0.0.1::3000 --read-only --tmpfs /tmp --cap-drop ALL \
  --security-opt no-new-privileges --memory 1g --pids-limit 256 "${1:?the image}")
trap 'docker rm --force --volumes "$container" >/dev/null' EXIT
address=$(docker port "$container" 3000/tcp | head -n 1)
for _ in $(seq 60); do
  if python -m deploy.delivery.smoke "http://$address" 2>/dev/null; then exit; fi
  sleep 1
done
docker logs "$container" >&2
python -m deploy.delivery.smoke "http://$address"
