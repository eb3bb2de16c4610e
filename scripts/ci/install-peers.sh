#!/usr/bin/env bash
# Installs the programs the broker is tried with, unmodified: into .cache/peers at fixed versions, or from the system's
# packages.
set -euo pipefail
cd "$(dirname "$0")/../.."
peers=$PWD/.cache/peers
mkdir -p "$peers"

is_updated=
need() { # PROGRAM PACKAGE…
  local program=$1
  shift
  command -v "$program" >/dev/null && return
  [ -n "$is_updated" ] || apt-get update -qq
  is_updated=yes
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@"
}

need go golang-go
need python3 python3 python3-venv
need openssl openssl
need ps procps
need mvn maven
need javac openjdk-17-jdk-headless
# What docs/stubs.md is followed with.
need grpc_tools_ruby_protoc ruby-grpc ruby-grpc-tools
need grpc_cpp_plugin protobuf-compiler protobuf-compiler-grpc
need protoc protobuf-compiler
need c++ g++
need pkg-config pkg-config
[ -e /usr/include/grpcpp/grpcpp.h ] || need grpcpp.h libgrpc++-dev

has_postgres() {
  command -v postgres || compgen -G '/usr/lib/postgresql/*/bin/postgres'
}

# Only the programs matter: tests make clusters of their own.
if ! has_postgres >/dev/null; then
  mkdir -p /etc/postgresql-common
  [ -e /etc/postgresql-common/createcluster.conf ] ||
    echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
  need postgres postgresql
fi
"$(has_postgres | tail -n 1)" --version

# The clients' tests run where these are, so that nobody's first `npm test` fetches modules.
for toolchain in go mvn; do
  found=$(command -v "$toolchain")
  [ "$found" = "$peers/$toolchain" ] || ln -sfn "$found" "$peers/$toolchain"
done

[ -x "$peers/grpcurl" ] || GOBIN=$peers GOFLAGS=-mod=mod go install github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.4
"$peers/grpcurl" --version

# What is asked for by name is in NAME-requirements.txt, and all that it needs in NAME-constraints.txt: of some hundred
# packages one has a new release nearly every day.
make_python() { # NAME: a Python of its own with the packages, and this repository's
  local folder=$peers/$1 wanted=scripts/ci/$1-requirements.txt
  local pip=("$folder/bin/python" -m pip install --quiet --disable-pip-version-check -c "scripts/ci/$1-constraints.txt")
  if [ ! -x "$folder/bin/python" ]; then
    rm -rf "$folder.new"
    python3 -m venv "$folder.new" || {
      rm -rf "$folder.new"
      apt-get update -qq
      DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv
      python3 -m venv "$folder.new"
    }
    mv "$folder.new" "$folder"
  fi
  "${pip[@]}" -r "$wanted"
  "${pip[@]}" ./clients/python
}

make_python python
"$peers/python/bin/python" -c 'import grpc; print("grpcio", grpc.__version__)'

# LiteLLM is kept apart: managers of its shape must also work where it is not installed. Of its releases the plug-in is
# tried with the newest and with the oldest that it takes.
releases=(litellm litellm-oldest)
installing=()
for release in "${releases[@]}"; do
  make_python "$release" &
  installing+=($!)
done
for each in "${installing[@]}"; do wait "$each"; done
for release in "${releases[@]}"; do
  "$peers/$release/bin/python" -c 'from importlib.metadata import version; print("litellm", version("litellm"))'
done

# LiteLLM's database client would download its engine as a program; this is the same engine in WebAssembly, and the
# client, generated. It is kept apart too: a proxy without a database need not load it.
install_prisma() {
  local folder=$peers/prisma python=$peers/litellm/bin/python sum schema
  sum=$(cat scripts/ci/litellm-requirements.txt scripts/ci/prisma/* | sha256sum)
  [ "$sum" != "$(cat "$folder/installed.sum" 2>/dev/null)" ] || return 0
  rm -rf "$folder"
  mkdir "$folder"
  cp scripts/ci/prisma/package.json scripts/ci/prisma/package-lock.json "$folder"
  (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
  # LiteLLM has all else that the client needs.
  "$python" -m pip install --quiet --disable-pip-version-check --no-deps --target "$folder/python" \
    -r scripts/ci/prisma/requirements.txt
  schema=$("$python" -c 'from importlib.util import find_spec; print(find_spec("litellm").submodule_search_locations[0])')
  node scripts/ci/prisma/write-generator-request.mjs "$folder" "$schema/proxy/schema.prisma" |
    PYTHONPATH=$folder/python "$python" scripts/ci/prisma/generate_client.py
  "$python" -m compileall -q "$folder/python"
  echo "$sum" >"$folder/installed.sum"
}

install_prisma
PYTHONPATH=$peers/prisma/python "$peers/litellm/bin/python" -c 'from importlib.metadata import version; print("prisma", version("prisma"))'
