#!/bin/sh
# Plays the session suites that quickfixgo's module carries (QuickFIX's acceptance tests, and those for NextExpectedMsgSeqNum) against fix/echo. They are read from the
# module cache, where the Go proxy's module is put; nothing of them is in this tree.
#   fix/peers/suites.sh
set -eu
cd "$(dirname "$0")/../.."
module=$(cd fix/peers/quickfixgo && go mod download github.com/quickfixgo/quickfix && go list -m -f '{{.Dir}}' github.com/quickfixgo/quickfix)
definitions=$module/_test/definitions
go test -c -o "${TMPDIR:-/tmp}/fix-suites.$$" ./fix/echo
trap 'rm -f "${TMPDIR:-/tmp}/fix-suites.$$"' EXIT

# play DIRECTORY VERSION [FLAGS]
play() {
	echo "$1: $(find "$definitions/$1" -name '*.def' | wc -l) scripts"
	suite=$1 begin=$2
	shift 2
	"${TMPDIR:-/tmp}/fix-suites.$$" -test.run Outside -suite "$definitions/$suite" -begin "$begin" "$@"
}
play server/fix42 FIX.4.2
play server/fix44 FIX.4.4
play server/fix50sp2 FIX.5.0SP2
# Left out: 2b wants a text of that engine's own, 2c that the Logon's own number is filled over after the Logon was sent.
for version in fix44:FIX.4.4 fix50sp2:FIX.5.0SP2; do
	play "nextexpectedseqnum/${version%%:*}" "${version#*:}" -next-expected -except 2b_NextExpectedMsgSeqNumTooHigh,2c_NextExpectedMsgSeqNumTooLow
done
