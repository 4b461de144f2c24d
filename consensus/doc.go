// Package consensus is Mu (Aguilera et al., "Microsecond Consensus for Microsecond Applications", OSDI 2020): a log replicated by one-sided writes.
// The leader writes each entry straight into the logs of its followers; a majority of write completions decides it, and no follower's processor
// takes part. Payloads are bytes; the application is whoever calls Next. Start with the examples.
//
// # The idea
//
// Of 2f+1 replicas f may crash, and messages may be late without bound. Agreement does not come from messages: each replica lets exactly one other write
// its log, and takes that right away before it gives it to the next. So a leader whose WRITE completes knows that nobody else has written
// there since it was let in, and needs no second phase. A leader that was deposed without knowing finds its WRITEs refused by the memory itself.
// Two majorities meet: a new leader is let into one log at least that holds what the old one decided, and proposes that again before its own.
//
// # One entry
//
//  1. leader.go     Propose appends the entry to the own log and WRITEs it into the log of every confirmed follower.
//  2. operation.go  Completions come in; each moves what is known to lie in that follower's log.
//  3. leader.go     What a majority of voters holds is decided: the first undecided offset moves.
//  4. follower.go   Followers look at their own memory: entries carry the commit offset, and when nothing follows, it is written alone.
//  5. node.go       Next hands decided entries to the application, on every node.
//
// # A change of leader
//
//  1. election.go   Everyone READs everyone's counter again and again (pull-score). The holder of our log's permission leads as long as it lives and
//     says it leads; otherwise the living voter with the lowest id of those that see a majority stands.
//  2. permission.go It asks everyone for permission to write their logs. An owner revokes the old holder, then grants, then says so. While the
//     holder lives and leads, others wait.
//  3. catchup.go    From the first majority it copies what is decided, brings the followers up to it, WRITEs its proposal number (prepare), READs
//     the tails, and writes again what it finds there. From then on prepare is left out.
//  4. handover.go   A leader that is asked to hands over: nothing is under way then, and the next one needs nobody's silence to know.
//  5. membership.go Those who come later are brought up and taken in. One that lost its memory is a learner until then: it does not count.
//  6. recycle.go    The log is written over up to the lowest head of those written to; who holds it up too long is dropped and needs a state.
//
// # The paper's words
//
//	background plane, replication plane   backgroundPD, logPD (layout.go)
//	permission request array              requestArray
//	confirmed followers                   peers in state confirmed
//	FUO, first undecided offset           Node.fuo
//	minProposal                           wordMinProposal
//	log head, recycling                   wordHead, recycle.go
//	canary                                the entry's checksum (layout.go)
//	replayer                              Next; a follower's Poll (follower.go)
//	fate sharing                          the counter is part of Poll (publish in node.go)
//
// # What must hold
//
// One writer per log at any time. applied <= handed <= FUO <= end. The FUO never falls, and nothing below it changes. Proposal numbers in a log never
// fall. Nothing is decided without a majority of all members, voters only. An outcome of an earlier attempt to lead never counts for a later
// one. Entries follow each other by a chain over their payloads, so a tail is adopted without holes or not at all. assert.go looks at it
// between Polls: a node that finds it violated stops (Err).
//
// # How it is shown
//
// testdata holds stories, told event by event on a simulated fabric: a leader dies, sleeps, flaps, is cut off; slots are torn; majorities are lost. paper_test.go
// (replication plane) and paper_background_test.go have a test for each claim of the paper, with its section; random_test.go seeds; alloc_test.go that a
// command allocates nothing. planted.go has bugs to put in, and planted_test.go one that takes a test of its own to be found.
// model/ has the rules of permissions and prepare in Promela, for three replicas, and every state of that is looked at.
package consensus
