// Package soupbin is SoupBinTCP 3.00: a stream of numbered messages to a client over TCP that survives the connection, and
// unnumbered ones from the client. A login of version 4.1, five bytes longer, is accepted too.
//
// It holds the framing (packet.go) and the two ends of a connection as cores without a socket or a clock: Server and Client.
// Bytes and a time go in; bytes to send and events come out. A time is nanoseconds of any clock that does not go back.
//
//	packet     what travels: 2-byte length, 1-byte type, payload
//	message    the payload of a data packet: what the layer above sends
//	sequenced  numbered, from server to client: the number is not sent, both ends count from the login's answer
//	session    up to 10 letters and digits that name one stream; message numbers are unique within it
//	next       the number of the next sequenced message
//
// Both ends send a heartbeat after a second of silence and hold the link dead after 15 seconds without a byte.
//
// A connection, seen from the server: Receive gives LoginRequested; the owner decides (Decide knows the rules of sessions and
// numbers) and answers with Accept or Reject; then AppendSequenced for each message, Tick about four times a second,
// and at the day's end EndOfSession.
package soupbin
