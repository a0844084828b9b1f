#!/usr/bin/env bash
# Asks every server of a namespace what a first caller would, one scorecard after the other. Where released/SCORECARD.json
# is, the model must be that release's.
#
#   smoke_cluster.sh NAMESPACE [stable|canary]
set -euo pipefail

namespace=${1:?the namespace}
port=13000
for service in $(kubectl --namespace "$namespace" get services --output name \
  --selector "app.kubernetes.io/component=server,track=${2:-stable}"); do
  port=$((port + 1))
  kubectl --namespace "$namespace" port-forward "$service" "$port:3000" >/dev/null &
  forward=$!
  trap 'kill "$forward" 2>/dev/null || true' EXIT
  for _ in $(seq 30); do
    (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break
    sleep 1
  done
  scorecard=${service#service/}
  scorecard=${scorecard%-server*}
  release=released/${scorecard//-/_}.json
  version=$(test ! -e "$release" || grep --only-matching --perl-regexp '"version": *"\K[^"]+' "$release")
  echo "$service"
  python -m deploy.delivery.smoke "http://127.0.0.1:$port" ${version:+--version "$version"}
  kill "$forward" 2>/dev/null || true
done
