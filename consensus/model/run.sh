#!/bin/sh
# Looks at every state of the model: the rules as they are must hold, each rule left out must break what it should, and what ought to happen must be possible.
# Needs spin and a C compiler, three minutes and 2 GiB. Leaves nothing behind.
#   consensus/model/run.sh
set -u
here=$(cd "$(dirname "$0")" && pwd)
for tool in spin gcc; do
	command -v "$tool" >/dev/null || {
		echo "model: $tool is not installed: apt-get install spin gcc libc6-dev" >&2
		exit 1
	}
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
failed=0

# What pan prints of an assertion that fails is its condition; each has something that no other has.
agreement='((decided\[[^=]*==0)||'
one_writer='(writers\[[^-]*-1))==0'
believed='(commit\[[^=]*<=0)||'
rising='(mine>=minProposal\['
fixed='>=commit\['
open='(top<=commit\['

# search FLAG...: builds the model so and looks at all its states; what came of it is in $work/out.
search() {
	flags=$*
	rm -rf "$work/pan" && mkdir "$work/pan" || exit 1
	(
		cd "$work/pan" &&
			spin -a "$@" "$here/mu.pml" &&
			gcc -O2 -w -DSAFETY -DCOLLAPSE -DNOREDUCE -DMEMLIM=4000 -o pan pan.c &&
			nice ./pan -E -m10000 -w25
	) >"$work/out" 2>&1
	figures=$(awk '/states, stored/ { states = $1 } /total actual memory/ { memory = $1 } /elapsed time/ { seconds = $4 }
		END { printf "%9d states %5.0f MiB %5.1f s", states, memory, seconds }' "$work/out")
}

report() { # RESULT WHAT
	printf '%-6s %s  %s\n' "$1" "$figures" "$2"
	[ "$1" = ok ] && return
	failed=1
	head -n 40 "$work/out" | sed 's/^/       | /'
	[ -e "$work/pan/mu.pml.trail" ] || return
	# shellcheck disable=SC2086 # a word for each flag
	(cd "$work/pan" && spin -t -p -k mu.pml.trail $flags "$here/mu.pml") | grep 'proc ' | sed 's/^/       | /' # the steps to it
}

# holds WHAT FLAG...: no assertion fails in any state, and all states were looked at.
holds() {
	what=$1
	shift
	search "$@"
	if grep -q 'errors: 0$' "$work/out" && grep -q 'states, stored' "$work/out" &&
		! grep -qiE 'max search depth too small|search not completed|out of memory|memlim|pan: reached|hash-?compact|bit statespace' "$work/out"; then
		report ok "holds: $what"
	else
		report FAILED "does not hold, or was not looked at whole: $what"
	fi
}

# reached FLAG...: there is no statement that nothing gets to. Only with d_steps as atomic sequences, and none merged, does pan know.
reached() {
	search -o3 -Dd_step=atomic "$@"
	if grep -q 'errors: 0$' "$work/out" && grep -q '^unreached in' "$work/out" && ! grep 'mu\.pml:[0-9]*, state' "$work/out" | grep -qv '"-end-"'; then
		report ok "reached: every statement, with $*"
	else
		report FAILED "not every statement is reached, with $*"
	fi
}

# breaks CONDITION WHAT FLAG...: the assertion with that condition fails.
breaks() {
	condition=$1 what=$2
	shift 2
	search "$@"
	if grep 'errors: 1$' "$work/out" >/dev/null && grep '^pan:1: assertion violated' "$work/out" | grep -q "$condition"; then
		report ok "breaks: $what"
	else
		report FAILED "was to break, with the condition $condition: $what"
	fi
}

# happens WHAT NUMBER FLAG...: what SEEN in the model has under that number.
happens() {
	what=$1 number=$2
	shift 2
	search -DSEEN="$number" "$@"
	if grep 'errors: 1$' "$work/out" >/dev/null && grep '^pan:1: assertion violated' "$work/out" | grep -q "(($number!=$number)||"; then
		report ok "happens: $what"
	else
		report FAILED "was to happen: $what"
	fi
}

holds "two attempts to lead each, two slots"
holds "and followers dropped and asked again" -DDROPS -DTRIES1=1
holds "and one that loses its memory" -DLOSS -DTRIES1=1
holds "and WRITEs long under way" -DDROPS -DDELAYS -DTRIES1=1 -DSLOTS=1

for rule in NO_REVOKE GRANT_BEFORE_REVOKE; do
	breaks "$one_writer" "$rule, one writer" -D$rule
	breaks "$agreement" "$rule, agreement" -D$rule -DONLY_AGREEMENT -DSLOTS=1
done
breaks "$rising" "NUMBER_REUSED, numbers" -DNUMBER_REUSED
breaks "$agreement" "NUMBER_REUSED, agreement" -DNUMBER_REUSED -DONLY_AGREEMENT
for rule in BEFORE_MAJORITY NO_TAILS LOWEST_TAIL DEPOSED_JOINS; do
	breaks "$agreement" "$rule, agreement" -D$rule -DONLY_AGREEMENT
done
breaks "$agreement" "NO_RECALL, agreement" -DNO_RECALL -DONLY_AGREEMENT -DDELAYS -DTRIES1=1 -DSLOTS=1
breaks "$agreement" "FORGETFUL_VOTES, agreement" -DFORGETFUL_VOTES -DONLY_AGREEMENT -DLOSS -DTRIES1=1 -DSLOTS=1
breaks "$fixed" "NO_RECALL, what is decided stays" -DNO_RECALL -DDROPS -DDELAYS -DTRIES1=1 -DSLOTS=1
breaks "$open" "UNDRAINED_JOINS, what one that joins knows" -DUNDRAINED_JOINS
for rule in NO_BRING_UP COMMIT_AHEAD; do
	breaks "$believed" "$rule, what a follower believes" -D$rule
done

reached -DDROPS -DTRIES1=1
reached -DLOSS -DTRIES1=1
happens "0 decides" 1
happens "1 decides" 2
happens "one decides a value of its own behind one of the other's" 3
happens "a new leader copies what was decided without it" 4
happens "a leader decides what the other proposed" 5
happens "a new leader finds two values for a slot" 6
happens "a new leader finds a higher number than its own" 7
happens "one proposes that nobody lets write any more" 8
happens "one that let the leader in late is taken in" 9
happens "one that lost its memory votes again" 10 -DLOSS

[ "$failed" = 0 ] || { echo "model: failed" >&2; exit 1; }
echo "model: all as it should be"
