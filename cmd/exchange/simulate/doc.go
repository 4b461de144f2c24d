// Package simulate runs the whole exchange in virtual time: the real server code of three or five replicas over rdmaio/sim, FIX clients with the real
// session cores over simulated byte streams, and the feed of every replica. One seed decides everything that happens, and everything is checked at
// every step; the same seed gives the same run, told by its hash.
//
//	run.go      Run: a seed from its first order to the last check
//	plan.go     what a seed draws before it begins: sizes, timings, clients
//	fault.go    the faults, and how one is inflicted
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
// has the chain that all others found at that index, lies complete in its memory and never shrinks; every command gave the events and the state
// hash that it gave elsewhere; no book is crossed; every feed message is byte for byte what others published under its number. At every message to
// a client: its number comes once, with one content for ever; it says what the state machine said under that number; orders are answered once, fills
// add up. At the end, when all faults are mended: within a bound of virtual time all replicas vote, all clients are back and all their
// requests answered; states are equal, clients and books agree on what is open, and the witness finds the log's order in agreement with real
// time and with the model.
package simulate
