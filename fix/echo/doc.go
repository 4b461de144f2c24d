// Command echo is the session core of package fix in front of an application that returns each application message as it came, for suites that test a
// session from outside:
//
//	go run ./fix/echo --listen 127.0.0.1:5001 --sender ISLD --target TW --begin-string FIX.4.4 --reset-on-logon
//
// It is one session of a venue without consensus: commands are applied at once, by the same state machine that the exchange replicates.
//
//	main.go         flags
//	venue.go        the session's state and what was sent
//	application.go  messages returned
//	connection.go   one TCP connection
package main
