// Package sim is one-sided memory in virtual time: a provider for tests and simulations, in which a whole group of processes
// lives in one goroutine and everything that happens follows from one seed.
//
// It promises the contract of package rdmaio to the letter and uses all the freedom that the contract leaves. A request is
// placed at a later virtual time than it was posted, so operations of different pairs overlap. A long WRITE may become visible
// in two steps, with an arbitrary set of its 8-byte words first. A source that is not inline is read when it is placed, not
// when it is posted, so that a buffer reused too early shows. What was in flight when a pair failed or its process died may
// still land in part, up to the moment when the contract forbids it.
//
// # Words
//
//	Network   the fabric and its clock; runs events in order of virtual time
//	Provider  one process, one incarnation
//	fault     Crash, Restart, Partition, Heal, SetDelay, Unfence: acts of the test, at the present virtual time
//	stray     a request that outlived its pair: failed, reset or crashed, and still on the wire
//
// A paused process is one that its driver does not poll: its memory still takes writes, and what it posted still lands.
// One seed, one configuration and one sequence of calls give one run: nothing here reads a clock, iterates a map or starts a
// goroutine. Nothing may be called from two goroutines.
//
// # Connections
//
// Two ends meet when both processes live, both have made their end in the protection domain, and no direction between them
// is cut. An end that still hangs on an earlier incarnation of the peer must be Reset before it meets the next one. The two
// directions fail apart: an end in StateError posts nothing, but what it granted stays granted.
package sim
