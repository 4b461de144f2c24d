// Package thread is what a loop asks of the operating system for the one thread that it runs on: naps as long as asked for that others can end, short turns on a processor, and,
// when the one that leads has died, a processor at once.
//
// Replicas share processors with each other, with clients and with a leader that is being killed, whose end keeps a processor in the kernel for
// milliseconds. An ordinary thread that wakes then waits for a tick, 4 ms later, or for the turn of another to end. So for 2 ms after a death a loop is a
// real-time thread (SCHED_RR, the lowest priority of that class), which runs at once on whatever processor runs an ordinary one. It is made one by a thread of
// its own that sleeps until then, for the loop may be waiting for a processor itself. All other time it is ordinary: a leader that spins must not keep
// a processor from its own connections, nor followers one from it.
//
// Real-time priority takes root, CAP_SYS_NICE or a limit (RLIMIT_RTPRIO, `ulimit -r`) of 2. Without it the loop has its short turns (since Linux 6.12),
// and elsewhere than on Linux nothing.
package thread
