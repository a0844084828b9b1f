#!/usr/bin/env bash
# Fails where an image has a known vulnerability, high or critical, for which there is a fix; docs/explanation/security.md says what
# follows. Trivy gets the image as a file, not the engine's socket.
#
#   scan_image.sh IMAGE
set -euo pipefail

TRIVY=ghcr.io/aquasecurity/trivy:0.75.0@sha256:af6acf9a6b85dfe389a1941505c0ce9efef52a4719635e1a962f022a3d855daa
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
docker save --output "$folder/image.tar" "${1:?the image}"
chmod -R a+rX "$folder"
docker run --rm --volume "$folder:/scanned:ro" --cap-drop ALL --security-opt no-new-privileges "$TRIVY" image \
  --input /scanned/image.tar --scanners vuln,secret --severity HIGH,CRITICAL --ignore-unfixed --exit-code 1 --no-progress
