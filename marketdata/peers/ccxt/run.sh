#!/bin/sh
# Starts a demo and lets ccxt, unmodified from npm, read its order book, trades and ticker from every replica over REST and WebSocket.
# Needs Go, node 20.19 or later with npm, and the npm registry.
set -eu
cd "$(dirname "$0")/../../.."
command -v npm >/dev/null || { echo "ccxt: npm is not installed: apt-get install nodejs npm" >&2; exit 2; }
out=$(mktemp -d)
demo=
finish() {
	[ -z "$demo" ] || { kill -INT "$demo" 2>/dev/null || true; wait "$demo" 2>/dev/null || true; }
	rm -rf "$out"
}
trap finish EXIT
trap 'exit 2' INT TERM
cp marketdata/peers/ccxt/package.json marketdata/peers/ccxt/package-lock.json marketdata/peers/ccxt/read.js "$out"
(cd "$out" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
go build -o "$out/exchange" ./cmd/exchange
"$out/exchange" demo --quiet --dir "$out/demo" --for 5m >"$out/demo.log" 2>&1 &
demo=$!
until [ -e "$out/demo/cluster.json" ] && grep -q '^directory' "$out/demo.log"; do
	kill -0 "$demo" 2>/dev/null || { cat "$out/demo.log" >&2; exit 1; }
	sleep 0.2
done
sleep 3 # some trades
timeout 200 node "$out/read.js" "$out/demo/cluster.json"
