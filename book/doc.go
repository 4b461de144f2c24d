// Package book is the exchange's state machine: instruments, sessions and their numbers, and one limit order book for each instrument. The same commands
// in the same order give the same events, the same numbers and the same hash, on every replica and for ever.
//
// It imports nothing of ours, starts no goroutine, reads no clock and logs nothing. Market.Apply takes a decided Command and appends the Events
// it caused to the caller's slice.
package book
