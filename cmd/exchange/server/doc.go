// Package server assembles one replica of the exchange; it is the only package that knows every room.
//
// # The story of one order
//
//  1. gateway.go: a connection's bytes go into fix.Acceptor, which frames them, checks the session and turns an order into a book.Command.
//     ouch_gateway.go: the same with ouch.Acceptor.
//  2. inbox.go: the command enters the bounded inbox. When it is full the gateway stops reading from its clients.
//  3. replica.go: the loop takes a batch, stamps the leader's time and encodes it. From here on, time is data.
//  4. replica.go: consensus.Node.Propose writes it into the followers' logs, one-sidedly.
//  5. A majority of completions decides it. A leader that lost its permission learns it here, before it has answered anyone.
//  6. replica.go: Node.Next hands decided entries up, on every replica, in order.
//  7. outbox.go: book.Market.Apply turns each command into events: same bytes, same events, same numbers, same hash.
//  8. outbox.go: every replica files the events: messages to sessions in reports.go, feed messages in marketdata's store.
//  9. gateway.go: on the leader, the connection's writer follows the report store and sends what its session has not had yet.
//  10. feed.go: every replica publishes the identical feed from its store; ws_feed.go shows the market of it to WebSocket and REST clients.
//
// Around it: leadership.go (what a leader does besides: the market's start, timers of disconnected sessions), transfer.go (state for a replica
// that comes back), http.go (status, metrics, state transfer), provider.go (whose memory), config.go (every setting and bound).
//
// One goroutine, locked to its thread, runs steps 3 to 8 and never waits for I/O; everything else reads what it publishes. While little is under way it does steps
// 1, 9 and 10 too, for one or two clients and readers of the feed, as far as sockets give and take at once (express_linux.go).
package server
