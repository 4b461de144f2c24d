// Package itch is NASDAQ TotalView-ITCH 5.0: the messages of the feed, and what an event of the state machine is as one.
//
//	message.go   Message: every field of every type, flat
//	encode.go    Append: a Message as bytes
//	decode.go    Decode: bytes as a Message
//	event.go     AppendEvent: a book.Event as bytes, a pure function, the same on every replica
//
// Integers are big-endian, text is left-justified and padded with spaces, prices of four bytes are in 1/10,000, times in
// nanoseconds since midnight UTC. A message carries neither its length nor its number: both are the carrier's
// (SoupBinTCP, MoldUDP64).
//
// The words are ITCH's: a stock is an instrument, its locate the instrument's number, shares are lots times the lot size,
// the reference number is the order's place in the queue (a new one whenever priority is lost).
package itch
