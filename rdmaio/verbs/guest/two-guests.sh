#!/usr/bin/env bash
# Runs the provider's tests between two guests, two kernels on one virtual network; in the last of them guest 2 loses its power.
#
#   two-guests.sh [TEST-BINARY]      built by `go test -c -tags verbs ./rdmaio/verbs`, which is what it does without one
#
# Status: see run.sh.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=
trap 'rm -rf "$work"' EXIT
binary=${1:-}
if [ -z "$binary" ]; then
	work=$(mktemp -d "${TMPDIR:-/tmp}/exchange-guest.XXXXXX")
	binary=$work/verbs.test
	(cd "$here/../../.." && go test -c -tags verbs -o "$binary" ./rdmaio/verbs)
fi
name=$(basename "$binary")
tests='TestBetweenProcesses|TestStaleWriter|TestRevocations|TestKill|TestWritesToA|TestStopped|TestBroken|TestWhoWas|TestLossOfPower'
"$here/run.sh" -g 2 -t 200 -f "$binary" "
	if [ \$GUEST = 1 ]; then
		EXCHANGE_VERBS_STAGE=10.0.0.2:6999 EXCHANGE_VERBS_HERE=10.0.0.1 $name -test.v -test.timeout 400s -test.run '$tests'
	else
		EXCHANGE_VERBS_ROLE='stage 10.0.0.2:6999' $name
	fi" | { grep -v '=== RUN' || true; }
