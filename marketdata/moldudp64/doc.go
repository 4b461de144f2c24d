// Package moldudp64 is MoldUDP64 1.00: the feed in datagrams, each of which names its session and the number of its first message.
//
//	packet.go        the packets: AppendHeader, AppendMessage, Parse, Request
//	publisher.go     Publisher: a line; follows the store, fills packets, sends heartbeats and the end of the session, spares packets that nobody hears
//	requests.go      Requests: what to answer to a request for lost messages; RequestServer is its socket
//	receiver.go      Receiver: merges lines, finds gaps, asks again; without a socket
//
// The words are the specification's: a packet is a datagram, a block is a message with its length, a line is one of the
// streams of packets that carry the same messages (A and B, one from each replica). Lines may pack differently, for receivers count
// messages and not packets.
//
// A publisher never waits for a receiver. What is lost on the way is asked for again, by number, from a request server.
package moldudp64
