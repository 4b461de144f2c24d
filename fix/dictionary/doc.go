// Command dictionary makes package fix's tables, its tag names and the message tables of docs/fix.md from table.txt, the one place where fields,
// types, values, groups and messages of all versions stand. `go generate ./fix` runs it; its test fails when what is checked in is not what it makes.
//
//	table.go   table.txt read, and what contradicts itself refused
//	source.go  the Go tables and tag names
//	pages.go   the tables of docs/fix.md
package main
