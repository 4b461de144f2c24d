// Package glimpse gives a late joiner the books as they are: a snapshot over SoupBinTCP, and the number of the feed's message to go on with.
//
//	keeper.go  Keeper: follows the feed store in a goroutine of its own and keeps the books built
//	image.go   Image: the books at one number, as packets; made once, sent to everybody who asks at about that time
//	server.go  Server: the port
//	end.go     the message that ends a snapshot
//
// A login begins a private stream that starts at 1: the system event, every instrument's directory and trading state, every order as an addition in the
// order in which they would trade, and last End of Snapshot with the number of the first message of the feed to be applied after it. Then the session
// is over. The client who has joined the feed before drops what comes below that number.
//
// The engine is never asked and never waits: the books are built from the messages that it published.
package glimpse
