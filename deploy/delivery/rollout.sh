#!/usr/bin/env bash
# What runs in a namespace before a release, whether the release is there, and the way back.
#
#   rollout.sh note NAMESPACE FILE    before: writes each StatefulSet's revision
#   rollout.sh wait NAMESPACE         after: until every pod is of the new revision and ready
#   rollout.sh undo NAMESPACE FILE    back to the noted revisions, and until that is done
#
# `kubectl rollout undo` by itself goes back one revision, which is one too many where a release changed nothing.
set -euo pipefail

SECONDS_TO_WAIT=${ROLLOUT_SECONDS:-900}
namespace=${2:?the namespace}

of_stable_servers() {
  kubectl --namespace "$namespace" get statefulsets --selector app.kubernetes.io/component=server,track=stable \
    --output "jsonpath={range .items[*]}{.metadata.name} {.status.updateRevision}{\"\\n\"}{end}"
}

note() {
  of_stable_servers | while read -r name revision; do
    number=$(kubectl --namespace "$namespace" get controllerrevision "$revision" --output 'jsonpath={.revision}')
    echo "$name $number"
  done >"$1"
}

settled() { kubectl --namespace "$namespace" rollout status "statefulset/$1" --timeout "${SECONDS_TO_WAIT}s"; }

case $1 in
  note) note "${3:?the file}" ;;
  wait) of_stable_servers | while read -r name _; do settled "$name" </dev/null; done ;;
  undo)
    if ! test -s "${3:?the file}"; then
      echo "nothing ran here before: there is no release to go back to" >&2
      exit 1
    fi
    while read -r name number; do
      kubectl --namespace "$namespace" rollout undo "statefulset/$name" --to-revision "$number" </dev/null
    done <"$3"
    while read -r name _; do settled "$name" </dev/null; done <"$3"
    ;;
  *) sed -n '2,6p' "$0" >&2; exit 2 ;;
esac
