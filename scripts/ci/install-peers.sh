#!/usr/bin/env bash
# Installs the programs the broker is tried with, unmodified and at fixed versions, into .cache/peers.
set -euo pipefail
cd "$(dirname "$0")/../.."
peers=$PWD/.cache/peers
mkdir -p "$peers"

need() { # PROGRAM PACKAGE…
  local program=$1
  shift
  command -v "$program" >/dev/null && return
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@"
}

need go golang-go
need python3 python3 python3-venv
[ -x "$peers/grpcurl" ] || GOBIN=$peers GOFLAGS=-mod=mod go install github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.4
"$peers/grpcurl" --version

if [ ! -x "$peers/python/bin/python" ]; then
  python3 -m venv "$peers/python.new" || {
    rm -rf "$peers/python.new"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv
    python3 -m venv "$peers/python.new"
  }
  "$peers/python.new/bin/python" -m pip install --quiet --disable-pip-version-check -r scripts/ci/python-requirements.txt
  mv "$peers/python.new" "$peers/python"
fi
"$peers/python/bin/python" -c 'import grpc; print("grpcio", grpc.__version__)'
