// Package simulate runs the whole exchange in virtual time: the real server code of three or five replicas over rdmaio/sim, FIX clients with the real
// session cores over simulated byte streams, and the feed of every replica. One seed decides everything that happens, and everything is checked at
// every step; the same seed gives the same run, told by its hash.
//
//	run.go      Run: a seed from its first order to the last check    result.go  what it came to
//	settle.go   the end: all is mended, or a minority lost for good; everything must be answered, and whole states are compared
//	plan.go     what a seed draws before it begins: sizes, timings, clients
//	fault.go    the faults, and how one is inflicted
//	came.go     what came about of them: stale writes, torn ones, two leaders at once, …
//	replica.go  one process: its turns, its death and return, states it takes over
//	link.go     a byte stream between a client and a replica
//	client.go   a client: orders, what it was told, when
//	check.go    what must hold after every turn, and at the end
//	truth.go    what the first replica to apply a command made of it: all others must agree
//	witness.go  the order of the log against real time, replayed on a model
//	model.go    the model: the exchange's rules for plain orders, written from the rules
//	trace.go    a line for each thing that happened
//
// # What is checked
//
// After every turn of a replica: at most one other may write its log, and none while it leads; no number was led under twice; what it takes for decided
// has the chain that all others found at that index, lies complete in its memory, stays there unchanged until the log is written over, and never
// shrinks; every command gave the events and the state hash that it gave elsewhere; no book is crossed, orders stand and trade in the order of price
// and time, and what is open is what was entered, less what was traded and taken away; every feed message is byte for byte what others published
// under its number. At every message to a client: its number comes once, with one content for ever; it says what the state machine said under that
// number; orders are answered once, fills add up. When all faults are mended, then without a minority that is lost for good, and then with it back:
// within a bound of virtual time all that are there vote, all clients are back and all their requests answered. At the end states are equal, clients
// and books agree on what is open, and the witness finds the log's order in agreement with real time and with the model.
//
// A process that dies loses its memory, and comes back as a learner: a dead one's is never used again (docs/decisions/0005). What comes back with its
// memory is one that stood still, alone (pause) or cut off from all (freeze).
package simulate
