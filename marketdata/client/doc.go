// Package client is the consumer's end of the feed: one stream of messages in order and each once, from any of the replicas
// that serve it.
//
//	soup.go  Soup: over SoupBinTCP; when a connection breaks it goes on at the next replica from the next number
//	mold.go  Mold: from MoldUDP64 lines, merged; what all of them lost is asked for again
//	snapshot.go  Snapshot: the books as they are, and the number to go on from
//	market.go    Market: all of it: the books from a snapshot or from the first message, and every message after that
//
// Soup and Mold have a Run that calls a handler for each message until the context or the session ends; Market has one that keeps books of
// package depth besides.
package client

// Handler takes a message of the feed. Its bytes are valid only during the call. Numbers come without a hole. While a handler takes its
// time nothing is lost over SoupBinTCP; over MoldUDP64 what the sockets cannot hold is asked for again. An error ends Run.
type Handler func(number uint64, message []byte) error

// NoticeKind is a change in where the feed comes from.
type NoticeKind uint8

const (
	// Connected: the login was accepted at Address; Number is the next message.
	Connected NoticeKind = 1 + iota
	// Disconnected from Address, or never connected: Err says why. The next address is tried.
	Disconnected
	// Requested: Number is the first of the messages that were lost on every line and are asked for at Address.
	Requested
	// SnapshotTaken: the books were taken from Address; Number is the feed's first message after them.
	SnapshotTaken
)

// Notice tells of such a change.
type Notice struct {
	Kind    NoticeKind
	Address string
	Number  uint64
	Err     error
}
