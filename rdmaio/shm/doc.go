// Package shm is one-sided memory between processes of one Linux host. A WRITE is a copy into memory that both processes map:
// the other process does nothing, and may even be stopped.
//
// # Fencing
//
// The hardware refuses a stale writer, as a network card would. The writer maps the owner's region, puts the mapping under the
// write protection of a userfaultfd, and only then makes it writable; the owner holds that descriptor and grants or revokes by
// an ioctl on the writer's addresses. When the ioctl that revokes has returned, no store of the writer lands, whether it runs, is
// stopped or was about to store: the store faults, and the fault becomes RemoteAccessError. The writer keeps a copy of the
// descriptor too, so that its writes stay fenced when the owner dies. Probe tries all this out on a region of its own.
//
// The owner takes 0 or ESRCH (that address space is gone) for fenced, and grants nothing after any other answer.
//
// It is a fence against a stale process of ours, not against a malicious one, which could map the memory again.
//
// # Cost
//
// A permitted WRITE is a copy and nothing else, some 13 ns for 64 bytes with its completion: 64 bytes to two peers take 26 ns where the bare
// copies and a fence take 5. A denied one is caught at the faulting instruction (see fault_amd64.go) and costs about 3 µs.
//
// Moving a right costs 57 ns for each page of the region that the peer has touched since it was armed, protected or not, and 9 ns for each other.
// Regions are of 2 MiB pages where the system has set enough aside (sysctl vm.nr_hugepages): then 16 MiB change hands in 50 µs. Otherwise
// pages are of 4 KiB, and between processes that have both touched all of it 4 MiB take 0.15 ms and 16 MiB 0.58 ms; from a process that is dead
// nothing has to be taken. The first WRITE to each page after a grant takes a minor fault of 0.7 µs.
//
// Transparent huge pages are no help: the kernel splits those of shared memory to protect them.
//
// # The window
//
// So a region longer than WholeRegion without huge pages is granted through a window: DefaultWindow bytes in eight parts, of which three lie ahead of
// the one that is written. It moves when the owner loop polls, and when the peer asks the porter. That takes 16 MiB from one process to another in
// 50 µs, whatever was written. A WRITE beyond the window waits in line, and what is posted behind it too; PostSend does not block, and the completion
// comes when the window has moved. To the contract it is a slow network: order, bounds and rights are the same. What was posted under one grant is
// never placed under the next.
//
// The price: each page costs a fault again on each lap, and a stopped owner takes no more than what is open. A writer of 64 bytes at a time sees no
// difference at the median and 2 µs at p99; one that streams GB/s waits for the owner. Hence shorter regions, and any of huge pages, are granted
// as a whole. Fencing says what is in force.
//
// # What it promises less than a card
//
//   - Reading is refused by agreement only: the right to read is a word that the reader looks at, since the owner's memory can be
//     write-protected but not hidden. A READ that races with the revocation of RemoteRead may still bring data. That is safe
//     because no byte of the owner changes by it; nothing may rest on a reader's being kept out.
//   - A dead owner's memory still takes writes until its death is noticed. So Success does not mean that the owner lives,
//     only that its memory has the bytes; what was written to a dead incarnation is lost with it. From the notice on, everything
//     posted to it fails. A new incarnation starts with new memory.
//
// # Death
//
// Each process holds a robust futex in a page that its peers map: when it is killed the kernel marks that word before it frees
// the memory, and a peer finds it by a load, in PostSend and PollAsync. A pidfd tells the same later and also where no such
// word could be read. A word that is marked says that a thread died, so the peer's writers are fenced before PeerDown is told:
// then nothing of the dead lands in our memory.
// A stopped process is not dead and its pairs stay ready.
//
// An owner loop that sleeps between its looks can have itself woken: a Watch waits on the word and is woken by the kernel.
//
// The kernel has marked the word 0.1 ms after a SIGKILL (p50), and PeerDown is told 0.03 ms later.
//
// # Restart
//
// A region lives as long as its provider, and is abandoned with it: a restarted process has a new incarnation and new zeroed memory, in which nobody has
// rights, and never maps the old again. Peers that still map the old let go of it when they are told, and then the system frees it. So what was written
// to a process that died is lost, and its successor has to be brought up to date by the others before it counts.
//
// Nothing is left in the system after a crash of everything, hence nothing is swept at start: no file has a name, neither in /dev/shm nor in the
// cluster's directory.
//
// # Meeting
//
// Processes find each other by abstract Unix sockets named after the cluster's directory and their id, which leave nothing
// behind when they are killed; regions are memfds, passed over the sockets. So all must share a network namespace and a user. A
// second process with the same id is refused by the name being taken.
//
// A pair becomes ready only when both owner loops have polled: a process that is stopped, or does not poll, meets nobody.
//
// # Words
//
//	porter   answers peers that come: hands out our regions, takes the descriptors that fence them
//	caller   goes to one peer: takes its regions, arms them, watches for its death
//	life     the page that shows a process's life and what it lets others read
//	armed    mapped and write-protected under a userfaultfd, then writable
//	fence    the owner's hold on one peer's armed mapping
//	part     an eighth of a window; want: the part that a peer writes to, which it shows the owner
//	line     what a writer posted beyond the window
//
// Porter and callers are goroutines of the provider. They leave what they find for the owner loop, which takes it when it
// polls: nothing but the owner loop changes the state of a pair.
//
// # Tests
//
// EXCHANGE_REVOCATIONS is the number of revocations against writers in tight loops, in place of 10,000 and, through a window, 3,000.
package shm
