// Package verbs is one-sided memory over RDMA cards, through libibverbs: InfiniBand, RoCEv2, and the kernel's Soft-RoCE where
// there is no card. It is built with the tag verbs, on Linux, with cgo; without, Open says so.
//
// # Two connections a pair
//
// A refused request stops both ends of a reliable connection. So each pair is two of them: by the way our requests go out, by
// the gate the peer's come in. The gate's access flags are what ModifyAccess sets; it never sends. A refusal therefore stops
// one direction, the refused one, and Reset makes that anew: the way goes through ERROR, is drained, goes through RESET
// and INIT, and asks the peer's host to open its gate again. Goroutines answer for the gates, not the owner loop: a busy owner
// keeps nobody out, a stopped one only those who have to be let in anew.
//
// Each rdmaio.PD is a protection domain of the card with one region that peers reach. Everything given out is known in the other
// domains as well, but for local use only.
//
// # Fencing
//
// Taking a right away changes the gate's flags in RTS (the fast path). Where the card refuses that, and with Config.AlwaysCycle,
// the gate goes to ERROR and RESET (the slow path) and is connected again when the peer asks; if even that fails the queue
// pair is destroyed, and if that fails too the answer is ErrNotFenced. When a card has answered the command, nothing of the
// refused writer is placed any more. Soft-RoCE answers while a packet may still be copied on another CPU, so the provider then runs on every
// CPU once: see quiesce. This needs a kernel that is not preempted within its own code (PREEMPT_NONE, PREEMPT_VOLUNTARY, which
// are the distributions' defaults).
//
// The exchange of keys tells the peer that its gate was cut: what it has under way, or its next request, completes as
// RemoteAccessError, as it would have by the fast path. There is one difference: a peer that was given the right again before
// it posted anything finds one refusal, and needs one Reset. While the exchange cannot be reached, such a request ends as RetryExceeded.
//
// # Death
//
// Processes find each other at Config.Listen, over TCP, and exchange numbers, keys and addresses there; rdma_cm is not used. A
// connection that breaks proves nothing. PeerDown is told when the peer's system then answers that nobody listens any more where
// that incarnation was met, or when a newer incarnation has come. Before it is told the gates are cut, and an incarnation that
// was told dead is never let in again: even if something on the way had lied, it could do no harm. A host without
// power answers nothing: no event, and requests to it end as RetryExceeded after Config.UnreachableAfter.
//
// So an address must be the process's own: one behind a forwarder that answers for it, alive or dead, breaks this notice.
//
// The exchange is neither encrypted nor authenticated beyond names, as RDMA itself is not: use a network of the cluster's own.
//
// # What it promises less, and why that is safe
//
//   - A card's Success says that the peer's card has taken the WRITE, and that every READ on that pair and every later WRITE comes
//     after it. Its owner's processor sees it a bus transfer later. Nothing is decided by what an owner has not seen yet.
//   - A request that begins or ends inside a word is posted as up to three pieces, so that no aligned word is torn whatever
//     the card copies by. When it fails, a piece of it may be placed: that is what the contract says of every failure.
//   - With Config.Batch a request is started by the next Poll of its completion queue and not by PostSend: WRITEs posted and never
//     polled for are never sent.
//
// # Words
//
//	way      the connection by which our requests go out
//	gate     the connection by which one peer reaches one region of ours
//	host     answers peers that come over TCP, and opens gates
//	caller   goes to one peer's host: asks for gates, notices its death
//	piece    memory that the provider gave out, or a part of a request
//	lane     requests of one pair that wait to be posted in one call
//	cut      to stop a connection so that nothing more passes it
package verbs
