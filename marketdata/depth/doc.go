// Package depth builds books from ITCH messages, order by order: who wants to know what rests where applies the feed's messages in
// order to a Builder and looks at its Books.
//
//	builder.go  Builder: applies messages, refuses impossible ones
//	change.go   Change: what a message did
//	book.go     Book: one instrument's levels, orders in their queues, trading state
//	side.go     the levels of one side, best last
//	order.go    the orders, in one slice, found by reference
//	snapshot.go Messages: the books as the messages that build them again
//	trades.go   the last trades and the day's totals
//
// Prices are in 1/10,000, quantities in shares, times in nanoseconds since midnight UTC, all as in the feed. Nothing here is safe for
// concurrent use.
package depth
