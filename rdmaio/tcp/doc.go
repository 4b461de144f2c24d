// Package tcp is one-sided memory between processes of any hosts: software queue pairs over TCP, with the contract of package rdmaio.
//
// # How it works
//
//  1. Each end of a queue pair has one connection of its own, on which it posts; the peer's end has another. Two protection domains never
//     share a connection, so small control writes do not wait behind bulk ones.
//  2. PostSend encodes the request into the pair's buffer. The next Poll, PollAsync or State call of the owner loop hands everything that
//     was posted to the system in one write, and takes the answers that have come. The loop does this itself, without blocking: no goroutine
//     stands between it and the socket. (With TLS two goroutines a connection do, through bounded buffers.)
//  3. At the other end a goroutine of the provider, not the owner loop, reads the requests, places them in the region and answers with
//     the number of requests done. So an owner loop that sleeps or works takes no part, as with a card; its process must run, which is
//     where this differs: a stopped process answers nobody, and its peers see RetryExceeded after Config.Unreachable where a
//     card would go on placing writes. That is safe, because nothing is ever called placed that was not.
//
// # Fencing
//
// One lock for each region covers both the placing of a piece of a write and ModifyAccess. A piece is placed only if, under that lock, its
// connection is the pair's current one, the writer's incarnation is the one that the right was given to, the right is there, and the piece was
// posted in the present epoch: each revocation begins a new epoch, which the writer is told of, and stamps nothing with before it has heard. So
// when ModifyAccess has returned, nothing that was posted before is placed any more, not even after the right was given again; bytes that lie in
// a socket's buffer are checked when they come out. What is refused is answered with a NAK, the pair at the writer goes to StateError with
// RemoteAccessError, and its Reset makes a new connection. A connection that breaks, or on which nothing is answered for Config.Unreachable,
// gives RetryExceeded instead.
//
// A new connection of a pair ends the older one under the same lock, before it is ready: what was posted before a Reset cannot land after it.
//
// # Death
//
// PeerDown needs knowledge. It is told when a process says that it closes, when a newer incarnation of it appears, and when all its
// connections have ended and its host refuses a new one: a process keeps its listening socket for all its life, so nobody listens where it
// did. A network device that refuses in a host's name can make that wrong; then the peer's rights are taken, as ModifyAccess would,
// and it is told up again, with the same incarnation, when it is heard of.
//
// # Memory
//
// Whole aligned words are placed with atomic stores. What is longer may be seen torn, at any boundary of a word. A write is placed in pieces of
// at most MaxPiece bytes; a revocation may come between two pieces.
//
// # TLS
//
// With Config.TLS both ends show certificates, and a member is let in only under its own name: MemberName. Without it anybody who can
// reach the port can take a member's place: use it on networks that only the members can reach.
package tcp
