// Package ouch is OUCH 5.0 order entry over SoupBinTCP: the codec, the dialect we speak (docs/ouch.md), and the two session cores, the venue's
// (Acceptor) and the client's (Initiator).
//
// The cores own no socket, clock, goroutine or log: bytes and the time go in; commands, bytes and wishes come out. What must outlive a connection lies in
// package book: the next UserRefNum, the orders, and the number of each message sent. A message under a number is the encoding of one book.Event, so a
// successor of the leader goes on with the same stream, byte for byte, and a client that logs in with its next number gets the rest.
//
//	message.go    the words: symbols, prices, letters, reject codes
//	request.go    what a client says, as bytes and back; report.go what the exchange says; tags.go the optional tags behind either
//	orders.go     a Request to book.Command; carried.go what travels in the order's id
//	events.go     a book.Event to a Report; reasons.go why, in OUCH's codes
//	directory.go  what the venue tells an acceptor: accounts and instruments
//	acceptor.go   the venue's end of a connection; throttle.go how fast a client may be
//	initiator.go  the client's end: numbers, reconnects, what is sent again; pending.go what was not answered yet
//
// # Words
//
//	account      a user name and password, the session of one participant
//	UserRefNum   the client's number for a request: each is used once a day, rising, gaps allowed. What comes again under a used number is ignored, so
//	             whatever was not answered may be sent again
//	channel      a part of an account with its own UserRefNums, named by the tag UserRefIdx; 0 without it
//	stream       the numbered messages from the exchange to an account, over all connections and leaders
//	appendage    optional tags behind a message: 2 bytes of length, then for each tag its length, number and value
package ouch
