// Package drill breaks a cluster of real processes under load, again and again, and checks that nothing was lost, doubled or numbered wrongly.
//
//	scenario.go    what is done to the leader: killed, stopped, asked to hand over
//	scene.go       one drill: cluster, clients, receivers; again and again; the comparison at the end
//	load.go        FIX clients that keep orders under way, and know what they were told
//	numbers.go     a session's inbound numbers: no hole, none with two contents
//	feedcheck.go   the feed from every replica: no gap, no number with two contents, books as the clients know them
//	report.go      the result
package drill
