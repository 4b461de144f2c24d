#!/bin/sh
# Builds the exchange and both clients written by others, and kills leaders under four of each. Needs g++ and libquickfix-dev; the Go module of quickfixgo comes over the Go proxy.
#   fix/peers/run.sh [KILLS]
set -eu
cd "$(dirname "$0")/../.."
kills=${1:-50}
if ! [ -e /usr/include/quickfix/Application.h ]; then
	echo "fix-peers: libquickfix-dev is not installed: apt-get install libquickfix-dev" >&2
	exit 1
fi
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
go build -o "$out/exchange" ./cmd/exchange
(cd fix/peers/quickfixgo && go build -o "$out/quickfixgo" ./client && go build -o "$out/drill" ./drill)
g++ -std=c++14 -O1 -w -o "$out/quickfix" fix/peers/quickfix/client.cc -lquickfix -lpthread
"$out/drill" --exchange "$out/exchange" --clients "$(printf "$out/quickfixgo,$out/quickfix,%.0s" 1 2 3)$out/quickfixgo,$out/quickfix" --kills "$kills"
