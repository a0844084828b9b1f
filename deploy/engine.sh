#!/usr/bin/env bash
# Sees to a container engine and a base image, for tests and builds: what is there is left as it is.
#
# Debian's docker.io is installed and started where no engine answers, as root. Where no registry can be reached,
# Debian's own Python 3.11 stands in for python:3.11-slim, marked by the label scorebox.stand-in; it is for this
# machine only and must not be pushed under that name.
set -euo pipefail

BASE=python:3.11-slim
LOG=/var/log/dockerd.log

fail() {
  printf '\n**** NO CONTAINER ENGINE: %s\n**** Images are neither built nor tested on this machine.\n\n' "$1" >&2
  exit 1
}

answers() { docker info >/dev/null 2>&1; }

install() {
  test "$(id -u)" = 0 || fail "cannot install $* without root"
  command -v apt-get >/dev/null || fail "cannot install $* without apt-get"
  { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "$@"; } >&2 ||
    fail "apt-get could not install $*"
}

start() {
  command -v dockerd >/dev/null || install docker.io
  answers && return
  if test -d /run/systemd/system; then
    systemctl start docker || fail "systemctl start docker failed"
  else
    test "$(id -u)" = 0 || fail "cannot start dockerd without root"
    setsid nohup dockerd >"$LOG" 2>&1 </dev/null &
  fi
  for _ in $(seq 60); do
    answers && return
    sleep 0.5
  done
  fail "dockerd does not answer after 30 s: $(tail -n 1 "$LOG" 2>/dev/null)"
}

stand_in() {
  command -v mmdebstrap >/dev/null || install mmdebstrap
  local folder
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' RETURN
  # Pip is there for builds, as in the image it stands in for; the machine's own certificates, because registries
  # may be behind them.
  mmdebstrap --quiet --variant=minbase --mode=root --include=ca-certificates,python3,python3-pip,python3-venv \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    --customize-hook='ln -sf python3 "$1/usr/bin/python"; rm -f "$1"/usr/lib/python3*/EXTERNALLY-MANAGED' \
    --customize-hook='if ls /usr/local/share/ca-certificates/*.crt >/dev/null 2>&1; then
        cp /usr/local/share/ca-certificates/*.crt "$1/usr/local/share/ca-certificates/"
        chroot "$1" update-ca-certificates
      fi' \
    bookworm "$folder/base.tar" >&2
  docker import --change 'LABEL scorebox.stand-in=debian-bookworm' \
    --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt PIP_CERT=/etc/ssl/certs/ca-certificates.crt REQUESTS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt' \
    --change 'CMD ["python3"]' "$folder/base.tar" "$BASE" >/dev/null
}

# BuildKit and compose are plugins of the client. Bookworm has neither; trixie's run on it.
plugins() {
  docker buildx version >/dev/null 2>&1 && docker compose version >/dev/null 2>&1 && return
  if apt-cache show docker-buildx >/dev/null 2>&1; then
    install docker-buildx docker-compose
    return
  fi
  local folder
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' RETURN
  mkdir -p "$folder"/etc/{apt.conf.d,preferences.d,sources.list.d} "$folder"/state/lists/partial "$folder"/cache/archives/partial
  sed -E 's/^Suites: bookworm .*/Suites: trixie/' /etc/apt/sources.list.d/debian.sources |
    awk '/security/{s=1} /^$/{s=0} 1' >"$folder/etc/sources.list.d/trixie.sources"
  printf 'Dir::Etc "%s/etc";\nDir::State "%s/state";\nDir::State::status "/var/lib/dpkg/status";\nDir::Cache "%s/cache";\n' \
    "$folder" "$folder" "$folder" >"$folder/apt.conf"
  (
    cd "$folder"
    export APT_CONFIG=$folder/apt.conf
    { apt-get update --quiet=2 && apt-get download --quiet=2 docker-buildx docker-compose && dpkg --install ./*.deb; } >&2
  ) || fail "the client's plugins buildx and compose could not be installed"
}

answers || start
plugins
docker image inspect "$BASE" >/dev/null 2>&1 || timeout 120 docker pull --quiet "$BASE" >/dev/null 2>&1 ||
  { echo "$BASE cannot be pulled; Debian's Python 3.11 stands in for it" >&2; stand_in; }
docker version --format 'Docker {{.Server.Version}}'
docker image inspect --format "$BASE {{.Id}}{{with index .Config.Labels \"scorebox.stand-in\"}}, stand-in of {{.}}{{end}}" "$BASE"
