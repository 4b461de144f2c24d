// Package marketdata serves the market's feed: the numbered messages that the state machine makes, on every replica the same.
//
//	itch/       the messages: ITCH 5.0, and what an event is as one
//	feed/       the store of the messages by number, which everything below reads with a cursor
//	(here)      Server: the feed over SoupBinTCP from any number that is kept
//	moldudp64/  the feed in datagrams: publisher, request server, and a receiver that merges lines
//	glimpse/    snapshots of the books, and the number to go on from, for late joiners
//	client/     the consumer's end: one stream in order, each message once, from any replica or line
//	depth/      books built from the messages, order by order
//	ws/         the messages as JSON in the shape of Coinbase Exchange, for WebSocket and REST
//	peers/      programs of others that read the market
//	tape/       a book and its trades as text for a terminal
//
// A session's name and the numbers come from replicated state, so a consumer that lost its replica goes on at another one at the next
// number. Whoever serves pulls: a slow connection has a cursor in the store and nothing else.
package marketdata
