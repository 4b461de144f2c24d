// Package fix is FIX order entry: the codec, the dialect we speak, and the two session cores, the venue's (Acceptor) and the
// client's (Initiator).
//
// The cores own no socket, clock, goroutine or log: bytes and the time go in, commands, bytes and wishes come out, and the caller
// drains them after each call. All that must outlive a connection (numbers, orders, client ids) lies in package book: an inbound message
// that consumes a MsgSeqNum becomes exactly one book.Command, and every message sent under a new number is the encoding of one
// book.Event. So a successor of the leader goes on with the same numbers, and a message sent again is the same event encoded again.
//
// # One order, by file
//
//	framer.go     bytes to frames: BodyLength, the end, size limits
//	message.go    a frame to a flat table of fields; BodyLength and CheckSum
//	validate.go   the table against the dictionary: the session rejects
//	dictionary.go fix44.go  what the version defines and what of it we take
//	acceptor.go   the connection's states; logon.go inbound.go resend.go its rows
//	orders.go     D, F and G to book.Command
//	reports.go    book.Event to 8 and 9; admin.go to A 0 1 2 3 4 5 and j
//	encoder.go    header, BodyLength, CheckSum; number.go decimals and times
//	initiator.go  the client's side; typed messages in client_messages.go
//
// # Words
//
//	frame     one FIX message as bytes, from 8= to the SOH after 10=nnn
//	garbled   a frame that counts as not received: it is dropped and consumes no number
//	expected  the MsgSeqNum that the next inbound message must have
//	gap       expected up to a number seen too early; filled by the other side after a ResendRequest
package fix
