// Package book is the exchange's state machine: instruments, sessions and their numbers, and one limit order book for each instrument. The same commands
// in the same order give the same events, the same numbers and the same hash, on every replica and for ever.
//
// It imports nothing of ours, starts no goroutine, reads no clock and logs nothing. Market.Apply takes a decided Command and appends the Events
// it caused to the caller's slice.
//
//	command.go   what can be asked                    event.go     what can follow
//	market.go    the state, Apply, what can be read   codec.go     both as bytes
//	session.go   connections and numbers              listing.go   instruments, participants, the day
//	numbered.go  sessions whose client numbers its requests (OUCH)
//	plain.go     the short way of plain orders that come to rest, and of their cancels
//	crossing.go  that of plain orders that meet somebody, and of trades between plain orders
//	reduce.go    that of plain reductions
//	             plain_amd64.s is all of them in assembly, with the stream's hash (stream_amd64.h): enter_amd64.h, cancel_amd64.h, crossing_amd64.h and
//	             reduce_amd64.h are its ways
//	match.go     an order's way in: checks, trades, rest or end
//	change.go    cancel, reduce, replace
//	level.go     the orders at one price, the levels of one side
//	ladder.go    a price to its level, over all of int64
//	ahead.go     ApplyAll; asks memory for what the commands behind the present one will touch (ahead_amd64.s)
//	order.go     orders in a pool without pointers
//	identity.go  the client ids seen this day
//	stream.go    the rolling hash over all that was applied
//	snapshot.go  the whole state as bytes, and back   hash.go      the hash of the state
//	limits.go    every bound by name
//
// # Rules
//
// The best price trades first, at one price the order that has been there longest, always at the resting order's price. What is left of a day order
// rests; of an immediate-or-cancel or a market order it is cancelled; a fill-or-kill trades in full at once or not at all. A lower quantity at the
// same price keeps an order's place, any other change loses it. A session's client ids are good once a day: every id that was answered is used up, be it an
// order's or a request's, except that a table without room forgets those of refused orders and of cancels. A Cancel is never refused for want of
// room, nor because the instrument is halted.
//
// # Hashes
//
// StreamHash rolls over every command and event: equal at an equal Index means equal history. Hash is over the whole state, which a restored market
// shares with the one it was taken from. BookHash leaves out sessions, ids and times: equal for the same orders entered another way.
package book
