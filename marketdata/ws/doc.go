// Package ws turns the market's feed into the messages of the Coinbase Exchange feed: JSON over WebSocket, and the answers of the REST questions
// that go with it.
//
//	market.go    Market: applies the feed's messages, command by command
//	translate.go what a command did, as the events of the channel full
//	record.go    the ring of the last events, from which a client goes on where it was cut
//	product.go   Product: one instrument's names, numbers and streams
//	level2.go    snapshots, updates and checksums of a book by price
//	event.go     the events as JSON
//	status.go    products and currencies as JSON
//	candle.go    candles, the day's totals, the last trades
//	answer.go    the answers of REST: book, trades, ticker, stats, candles
//	request.go   what clients send
//	frame.go     text frames of RFC 6455
//	text.go      prices, times and ids as text
//
// Everything is a function of the feed, and so of the replicated log: the same message number gives the same sequence numbers and the same bytes on
// every replica. A client that saw sequence n of a product goes on at n+1 wherever it connects next.
//
// The words: a product is an instrument, size is shares, an order's id is its reference on the feed. A command is all that one entry of the log did;
// its messages have one tracking number and one time, and come to clients together: one level2 update, one ticker.
//
// Nothing here knows a clock, a socket or a goroutine, and nothing is safe for concurrent use.
package ws
