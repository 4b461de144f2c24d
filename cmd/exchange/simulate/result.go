package simulate

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Options of a run.
type Options struct {
	// Replicas is 3 or 5; 0: the seed decides.
	Replicas int
	// Trace is written a line for each thing that happens; nil: none.
	Trace io.Writer
	// Small makes a history that can be searched for an order: few requests of many clients.
	Small bool
}

// smallHistory bounds the requests of a small run.
const smallHistory = 144

// Result is what a seed came to.
type Result struct {
	Seed     uint64
	Replicas int
	// Steps is how many turns replicas and clients took, Virtual how much virtual time went by.
	Steps   int
	Virtual time.Duration
	Faults  [faultKinds]int
	Came    [cameKinds]int
	// Commands, Orders, Leaders: commands decided, requests answered, and how often somebody took the lead.
	Commands, Answered, Leaders int
	// Hash is the same for the same seed.
	Hash uint64
	// Violation says what did not hold, empty if all did; Stuck: it is that nothing went on, and not that something wrong was done.
	Violation string
	Stuck     bool

	operations []operation
	told       []heard
}

// String is the last line of a run.
func (r *Result) String() string {
	return fmt.Sprintf("seed %d: %d replicas, %d steps, %v, %d commands, %d answers, %d leaders, faults: %s; came about: %s; hash %016x", r.Seed, r.Replicas, r.Steps,
		r.Virtual.Round(time.Microsecond), r.Commands, r.Answered, r.Leaders, Counts(r.FaultsByKind()), Counts(r.CameAbout()), r.Hash)
}

// FaultsByKind counts the faults that happened.
func (r *Result) FaultsByKind() map[string]int {
	all := map[string]int{}
	for k, n := range r.Faults {
		if n > 0 {
			all[faultNames[k]] = n
		}
	}
	return all
}

// CameAbout counts what the faults led to.
func (r *Result) CameAbout() map[string]int {
	all := map[string]int{}
	for k, n := range r.Came {
		if n > 0 {
			all[cameNames[k]] = n
		}
	}
	return all
}

// Counts writes faults, or what came about, in the order of their kinds.
func Counts(counted map[string]int) string {
	var parts []string
	for _, name := range append(faultNames[:len(faultNames):len(faultNames)], cameNames[:]...) {
		if n := counted[name]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", name, n))
		}
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}
