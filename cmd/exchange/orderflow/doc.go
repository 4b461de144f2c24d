// Package orderflow is files of orders in a plain format, to play the same flow through different books: read, write, generate, play.
//
// A file is a 32-byte header and 32-byte records, little endian:
//
//	header  8 bytes "BKBENCH1", u64 records, u64 how many of them are prefill, u32 symbols, u32 price span in ticks
//	record  u8 op, u8 side (0 buy, 1 sell), u16 symbol, u32 quantity, u64 id, i64 price in ticks, u64 aux
//
// Order ids start at 1 and are unique over all symbols; prices lie in BasePrice … BasePrice+span-1. A replace (aux: the new id) is a cancel and a new
// order at the back of its level; a reduce takes quantity off and keeps priority, at or above the open quantity it cancels; what is asked of a
// dead order is a reject.
//
//	format.go     the header and the records; Read, Encode
//	lobster.go    LOBSTER's message files as flow
//	commands.go   records to commands of the state machine
//	player.go     a file through one market, and what came out
//	limits.go     bounds of a market in which a file fits
//	generator.go  files by seed
package orderflow
