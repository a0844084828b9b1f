#!/bin/sh
# The shipper beside a server. A shipper that ends with an error must not take the pod out of the Service, which a
# container in a crash loop does, so it is started again in here; what it said is in the log, and the lag it leaves is in
# the server's metrics. After SIGTERM, which comes when the server has ended, what is left is copied.
stop=
trap 'stop=yes; kill -TERM "$child" 2>/dev/null' TERM
while [ -z "$stop" ]; do
  python -m pipelines.cli journal ship "$SCOREBOX_SCORECARD" --follow &
  child=$!
  # A signal that came before this line has found another child or none.
  [ -z "$stop" ] || kill -TERM "$child" 2>/dev/null
  wait "$child"
  # A trap ends the first wait early.
  wait "$child"
  [ -n "$stop" ] && break
  sleep "${SHIP_AGAIN_SECONDS:-30}" &
  child=$!
  [ -z "$stop" ] || kill -TERM "$child" 2>/dev/null
  wait "$child"
done
exec timeout 20 python -m pipelines.cli journal ship "$SCOREBOX_SCORECARD"
