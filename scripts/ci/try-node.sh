#!/usr/bin/env bash
# Writes and reads a secret with the built broker on another version of Node.js.
# usage: scripts/ci/try-node.sh VERSION
set -euo pipefail
cd "$(dirname "$0")/../.."
version=$1
home=$PWD/.cache/node-$version
[ -x "$home/node_modules/.bin/node" ] || npm install --silent --no-save --no-package-lock --prefix "$home" "node@$version"
node=$home/node_modules/.bin/node
folder=$(mktemp -d)
socket=unix:$folder/broker.sock
cp examples/quickstart/config.yaml "$folder"
"$node" dist/main.js serve --config "$folder/config.yaml" --listen "$socket" --admin-listen off 2>"$folder/log" &
broker=$!
trap 'kill "$broker" 2>/dev/null || true' EXIT
for _ in $(seq 100); do
  grep -q '"msg":"serving"' "$folder/log" && break
  sleep 0.1
done
printf 'on another node' | "$node" dist/main.js --address "$socket" write TRIED
test "$("$node" dist/main.js --address "$socket" read TRIED)" = 'on another node'
kill -TERM "$broker"
wait "$broker"
echo "$("$node" --version): written, read and stopped"
