#!/bin/sh
# Wireshark's own dissectors read what the exchange sends: a cluster's traffic is captured on the loopback interface while clients follow the feed in every
# way there is, and tshark must decode every packet of SoupBinTCP and MoldUDP64 without a complaint, number the messages as the exchange did, and find under one number
# the same bytes on every line and connection.
# Needs tshark and the right to capture (root, or membership of the group wireshark).
#   marketdata/peers/tshark/run.sh [SECONDS]
set -eu
cd "$(dirname "$0")/../../.."
here=$(pwd)
seconds=${1:-6} base=${BASE_PORT:-20100}
for tool in tshark dumpcap python3; do
	command -v $tool >/dev/null || { echo "feed-tshark: $tool is not installed: apt-get install tshark python3" >&2; exit 1; }
done
out=$(mktemp -d)
trap 'kill $capturing $demo 2>/dev/null || true; wait; rm -rf "$out"' EXIT
capturing= demo=
go build -o "$out/exchange" ./cmd/exchange
cd "$out"

watch() { ./exchange watch ABC --plain --dir demo "$@" >/dev/null; }

# phase NAME TRADERS: a cluster from its start to its end, captured. Readers: the lines from the first message, of which what was sent before is asked for; one that
# joins late; one over TCP. And some orders over OUCH.
phase() {
	dumpcap -q -i lo -s 0 -B 64 -w "$1.pcapng" -f "portrange $((base + 1))-$((base + 69))" 2>dumpcap.log &
	capturing=$!
	for i in 1 2 3 4 5 6 7 8 9 10; do [ -s "$1.pcapng" ] && break; sleep 0.2; done
	kill -0 $capturing 2>/dev/null || { echo "feed-tshark: nothing can be captured here:" >&2; cat dumpcap.log >&2; exit 1; }
	./exchange demo --dir "$out/demo" --base-port "$base" --traders "$2" --quiet >demo.log 2>&1 &
	demo=$!
	for i in $(seq 100); do ./exchange status --dir demo >/dev/null 2>&1 && break; sleep 0.2; done
	sleep 1
	watch --lines --for "${seconds}s" &
	lines=$!
	watch --from-snapshot --for 2s &
	snapshot=$!
	watch --feed "127.0.0.1:$((base + 22))" --for "${seconds}s" &
	tcp=$!
	printf 'buy XYZ1 100@10.00\nsell XYZ1 40@10.00\nbuy XYZ2 5@1.00\nquit\n' |
		./exchange client --dir demo --ouch "127.0.0.1:$((base + 11)),127.0.0.1:$((base + 12)),127.0.0.1:$((base + 13))" >client.log 2>&1 || { cat client.log >&2; exit 1; }
	wait $lines $snapshot $tcp
	kill -INT $demo; wait $demo || true; demo=
	sleep 0.5
	kill -INT $capturing; wait $capturing || true; capturing=
	python3 "$here/marketdata/peers/tshark/check.py" "$1" "$1.pcapng" "$base"
}
phase quiet 0
phase busy 8
