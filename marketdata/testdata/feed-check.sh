#!/bin/sh
# A generated day, played through one book and then over FIX through a cluster of three; an independent decoder (decode.py) rebuilds every book from the
# feed, over SoupBinTCP and from the merged datagrams of the lines, and must agree with the engine order by order.
# Usage: feed-check.sh [RECORDS [SYMBOLS [SEED]]]
set -eu
records=${1:-1000000} symbols=${2:-20} seed=${3:-1}
root=$(cd "$(dirname "$0")/../.." && pwd)
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT
(cd "$root" && go build -o "$dir/exchange" ./cmd/exchange)
decode() { python3 "$root/marketdata/testdata/decode.py" "$@"; }
cd "$dir"
./exchange generate -o day.bin --records "$records" --prefill $((records / 50)) --symbols "$symbols" --seed "$seed" > generated
./exchange replay day.bin --feed-to one.soup --books-to one.books
decode one.soup --expect one.books
./exchange replay day.bin --cluster --feed-to three.soup --lines-to three.mold --books-to three.books
decode three.soup --expect three.books
decode --mold three.mold --expect three.books
grep -v '^#' one.books | cmp - three.books
echo "the feed of a day of $records orders builds the engine's books"
