// Package cluster runs the replicas of a cluster as processes of this host: it writes their configuration, starts and restarts them, kills them
// when a drill asks for it, keeps DIR/cluster.json true, and leaves nothing behind when it stops.
//
//	file.go     DIR/cluster.json, and how commands find a running cluster
//	cluster.go  start, watch, restart, stop
//	process.go  one replica's process
//	query.go    asking replicas over HTTP
//	sample.go   the sample market of the demo
package cluster
