// Package trader is FIX clients with sockets: what orders by hand, the demo's sample traders, load and the drills are made of.
//
//	client.go   one session over a list of addresses: whoever leads is found, the session goes on in sequence
//	blotter.go  a client's own view of its orders, from reports alone
//	sample.go   the demo's traders
package trader
