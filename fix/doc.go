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
//	acceptor.go   the connection's states and timers; logon.go its beginning, and events out; inbound.go the session rules; gap.go what
//	              came too early; resend.go what is sent again; refuse.go rejects
//	application.go what application messages are for; orders.go D, F and G to book.Command
//	reports.go    book.Event to 8 and 9; admin.go to A 0 1 2 3 4 5 and j
//	encoder.go    header, BodyLength, CheckSum; number.go timestamp.go checksum.go
//	directory.go  what the venue tells an acceptor: sessions and instruments
//	initiator.go  the client's side; initiator_inbound.go what comes in; client_messages.go typed messages; sent.go what may be asked
//	              for again; initiator_state.go a session saved
//
// # How a server drives an Acceptor
//
//  1. A connection is accepted: NewAcceptor. Followers close at once instead.
//  2. Bytes come: Receive, at most Room of them. Then Commands are submitted in order, all of them; Bytes are written, and Sent.
//  3. Commands are decided and applied, and their events filed by session and number, on every replica.
//  4. The connection's writer follows its session's events with a cursor that starts, before the Logon is submitted, at the end: Deliver, one by one.
//     It stops while Bytes are not being taken by the client.
//  5. Whenever ResendRequest gives a range: the events of that range go to Resend, ResendDone ends them, then Deliver goes on.
//  6. Tick, at least once a second. Hangup, when the connection is gone.
//  7. Closed: write what is left of Bytes, close the connection, go on delivering until Over. Then the session is free for another.
//
// When a leader loses its office it closes its connections and forgets their acceptors; nothing else is to be done.
//
// # Words
//
//	frame     one FIX message as bytes, from 8= to the SOH after 10=nnn
//	garbled   a frame that counts as not received: it is dropped and consumes no number
//	expected  the MsgSeqNum that the next inbound message must have
//	gap       expected up to a number seen too early; filled by the other side after a ResendRequest
package fix
