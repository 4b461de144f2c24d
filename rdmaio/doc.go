// Package rdmaio is one-sided memory: a process WRITEs into and READs from another's memory without that process's CPU taking
// part, as an RDMA card does it, with the words of libibverbs. It knows nothing of consensus.
//
// Providers: shm (processes of one host), tcp (any hosts), verbs (RDMA cards) and sim (virtual time, one seed). The contract is
// stated here and on each method, and package rdmaiotest states it as tests that every provider passes.
//
// # Words
//
//	Provider          a process's end of the fabric (the verbs' device context)
//	protection domain what separates one region from another: a queue pair reaches the region of its domain only
//	MemoryRegion      memory of ours that peers can reach
//	QueuePair         our end of a reliable connection to one peer, in one protection domain
//	WorkRequest       one WRITE or READ; its outcome is a Completion, found in a CompletionQueue
//	Access            what a peer may do to our region; set by us, the owner, per queue pair
//
// # Memory model
//
//  1. WRITEs of one queue pair are placed in the order they were posted: if a byte of a later one is seen, every byte of an
//     earlier one can be seen.
//  2. Within one WRITE bytes become visible in any order, so a reader may see a torn write. An aligned 8-byte word is never
//     torn. What is longer carries a checksum.
//  3. A Success completion means placed in full, visible to the owner and to every READ that starts afterwards. Until then any
//     part may be placed. After a failed completion any part may have been placed, but nothing is placed later than the return
//     of the ModifyAccess that denied it.
//  4. A READ posted after a WRITE on the same pair sees it. READ and WRITE of different pairs are not ordered.
//  5. A READ may see a concurrent WRITE torn, as in 2.
//  6. Revocation is absolute: see QueuePair.ModifyAccess.
//  7. Death is not denial: RemoteAccessError means the owner refused, so somebody else may have been let in; RetryExceeded means
//     the peer is gone or cut off.
//
// A restarted process has a new incarnation, new zeroed regions and has granted nothing.
package rdmaio
