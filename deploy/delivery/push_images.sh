#!/usr/bin/env bash
# Pushes images to ghcr.io, tagged with the commit, and adds what they are there by digest to a file, one in a line.
# REGISTRY_TOKEN says who may; the rest is GitHub's own environment.
#
#   push_images.sh FILE IMAGE...
set -euo pipefail

file=${1:?the file}
shift
docker login ghcr.io --username "$GITHUB_ACTOR" --password-stdin <<<"$REGISTRY_TOKEN"
trap 'docker logout ghcr.io' EXIT
mkdir -p "$(dirname "$file")"
for built in "$@"; do
  pushed="ghcr.io/${GITHUB_REPOSITORY_OWNER,,}/${built%:*}"
  docker tag "$built" "$pushed:$GITHUB_SHA"
  docker push --quiet "$pushed:$GITHUB_SHA"
  docker image inspect --format '{{join .RepoDigests "\n"}}' "$pushed:$GITHUB_SHA" |
    grep --fixed-strings "$pushed@" >>"$file"
done
