// Package feed holds the market's one stream of messages by number: written by the replica's loop, read by every line and
// connection that publishes it.
//
// A message is what the state machine numbered: the same number has the same bytes on every replica and for ever, and
// HashAt shows it. Numbers begin at 1 and have no hole.
//
//	store.go     Store: chunks of bytes and their index; Append and Publish by the one writer
//	reader.go    Reader: a cursor; a slow one holds a chunk and nothing else
//	follower.go  Follower: how a reader at the tail is woken
//	hash.go      the rolling hash over the stream
//	transfer.go  the content as bytes, for a replica that comes back without its memory
//
// The writer takes no lock and waits for nobody. What is published never changes, so readers need no lock either: they see
// counters that only rise, and chunks behind them.
package feed
