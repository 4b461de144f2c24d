package simulate

import (
	"time"

	"exchange/rdmaio"
)

// fault is a kind of misfortune.
type fault uint8

const (
	crash           fault = iota // a process dies, and comes back without its memory
	powerLoss                    // the same, and nobody is told
	pause                        // a process gets no processor time for 1 ms to 60 s
	pauseLeader                  // the same for whoever leads: it comes back as a stale leader
	freeze                       // a process stands still, cut off from all, and comes back with its memory
	partition                    // a link is cut
	partitionOneWay              // a link is cut in one direction
	isolate                      // a replica is cut off from all others
	delay                        // a link becomes slow
	flap                         // a link is cut and mended again and again
	rivals                       // the leader dies while the next two do not see each other: two stand at once
	unfenced                     // rights cannot be taken back for a while
	unfencedLeader               // the leader stands still, and nobody can take its rights for a while
	slowFollower                 // a follower stands still while the log is written over
	lateFollower                 // the same, and the leader dies before it goes on
	loneLate                     // a follower stands still, the others are cut off, and the leader dies with what only it has
	succession                   // a leader stands still, the next one too as soon as it writes, and when that wakes up another is cut off
	lateWrites                   // a leader hands over with writes under way to a follower that is cut off, and they arrive much later
	load                         // the leader has much to write
	ambushCrash                  // the leader dies as soon as something is on its way
	ambushPause                  // it stands still then
	ambushCut                    // it is cut off then, or from some
	clockJump                    // a wall clock jumps
	slowClient                   // a client does not read
	storm                        // all clients lose their connections and come back at once
	handOver                     // the leader is asked to hand over
	heal                         // cut links are mended
	faultKinds
)

var faultNames = [faultKinds]string{
	"crash", "power-loss", "pause", "pause-leader", "freeze", "partition", "one-way", "isolate", "delay", "flap", "rivals", "unfenced",
	"unfenced-leader", "slow-follower", "late-follower", "lone-late-follower", "succession", "late-writes", "load", "crash-in-flight", "pause-in-flight", "cut-in-flight", "clock-jump", "slow-client", "storm", "hand-over", "heal",
}

// inflict lets one fault happen, if it can; it tells whether it did.
func (w *world) inflict(kind fault) bool {
	r := w.replicas[w.rng.IntN(len(w.replicas))]
	other := w.replicas[w.rng.IntN(len(w.replicas))]
	now, h := w.net.Now(), w.plan.heartbeat
	a, b := rdmaio.NodeID(r.id), rdmaio.NodeID(other.id)
	switch kind {
	case crash, powerLoss:
		return w.kill(r, kind == powerLoss)
	case pause:
		return w.pause(r, w.outage())
	case pauseLeader:
		l := w.leader()
		return l != nil && w.pause(l, w.outage())
	case freeze:
		d := w.outage()
		if !w.pause(r, d) {
			return false
		}
		w.isolate(r)
		w.schedule(now+d, func() { w.rejoin(r) })
	case partition, partitionOneWay:
		if r == other {
			return false
		}
		if kind == partition {
			w.net.Partition(a, b)
			w.say(r.id, "is cut off from %d", other.id)
		} else {
			w.net.PartitionOneWay(a, b)
			w.say(r.id, "does not reach %d", other.id)
		}
	case isolate:
		w.isolate(r)
	case delay:
		if r == other {
			return false
		}
		d := w.rng.Int64N(4 * h)
		w.net.SetDelay(a, b, d)
		w.say(r.id, "reaches %d with %v delay", other.id, time.Duration(d))
		w.schedule(now+w.outage(), func() { w.net.SetDelay(a, b, 0) })
	case flap:
		if r == other {
			return false
		}
		w.say(r.id, "has a link to %d that flaps", other.id)
		at := now
		for range 3 + w.rng.IntN(8) {
			at += w.rng.Int64N(10 * h)
			w.schedule(at, func() { w.net.Partition(a, b) })
			at += w.rng.Int64N(10 * h)
			w.schedule(at, func() { w.net.Heal(a, b) })
		}
	case rivals:
		return w.rivals()
	case unfenced:
		if r == other {
			return false
		}
		w.net.Unfence(a, b, true)
		w.say(r.id, "cannot take rights from %d", other.id)
		w.schedule(now+w.rng.Int64N(20*h), func() { w.net.Unfence(a, b, false) })
	case slowFollower:
		return w.leader() != r && w.pause(r, w.rng.Int64N(400*h)) && w.load(r.pausedUntil)
	case lateFollower:
		l := w.leader()
		if l == nil || l == r || !w.pause(r, h*(20+w.rng.Int64N(100))) {
			return false
		}
		w.load(r.pausedUntil)
		w.schedule(now+w.rng.Int64N(r.pausedUntil-now), func() {
			if l.v != nil && !w.kill(l, false) {
				w.pause(l, w.outage())
			}
		})
	case loneLate:
		return w.loneLate(r)
	case succession:
		return w.succession()
	case lateWrites:
		return w.lateWrites(r)
	case unfencedLeader:
		l := w.leader()
		if l == nil || !w.pause(l, h*(20+w.rng.Int64N(60))) {
			return false
		}
		for _, owner := range w.replicas {
			if owner != l && w.rng.IntN(4) > 0 {
				to, from := rdmaio.NodeID(owner.id), rdmaio.NodeID(l.id)
				w.net.Unfence(to, from, true)
				w.say(owner.id, "cannot take rights from %d", l.id)
				w.schedule(now+h*(15+w.rng.Int64N(60)), func() { w.net.Unfence(to, from, false) })
			}
		}
	case load:
		return w.load(now + h*(1+w.rng.Int64N(100)))
	case ambushCrash:
		unnoticed := w.rng.IntN(2) == 0
		w.whenIdle = false
		w.ambush = func(l *replica) { w.kill(l, unnoticed) }
	case ambushPause:
		w.whenIdle = false
		w.ambush = func(l *replica) { w.pause(l, w.outage()) }
	case ambushCut:
		w.whenIdle = false
		w.ambush = func(l *replica) {
			for _, other := range w.replicas {
				if other != l && w.rng.IntN(3) > 0 {
					w.net.Partition(rdmaio.NodeID(l.id), rdmaio.NodeID(other.id))
					w.say(l.id, "is cut off from %d", other.id)
				}
			}
		}
	case clockJump:
		r.clock += w.rng.Int64N(int64(40*time.Second)) - int64(20*time.Second)
		r.clock = min(max(r.clock, -int64(time.Minute)), int64(time.Minute))
		w.say(r.id, "has a clock that is %v ahead", time.Duration(r.clock))
	case slowClient:
		c := w.clients[w.rng.IntN(len(w.clients))]
		c.stalled = now + w.outage()/4
		w.say(0, "%s does not read until %v", c.name, time.Duration(c.stalled))
	case storm:
		for _, c := range w.clients {
			if c.link != nil {
				c.link.sever(w.soon(), w.soon())
			}
		}
		w.say(0, "all clients lose their connections")
	case handOver:
		l := w.leader()
		if l == nil || l.v.Node().HandOver(0) != nil {
			return false
		}
		w.say(l.id, "is asked to hand over")
	case heal:
		w.net.HealAll()
		w.say(0, "all links are mended")
	}
	return true
}

// schedule lets what belongs to a fault happen later, unless all was mended before.
func (w *world) schedule(at int64, f func()) {
	w.net.Schedule(at, func() {
		if !w.settling {
			f()
		}
	})
}

// load gives whoever leads much to write until then.
func (w *world) load(until int64) bool {
	w.ballast, w.ballastUntil = 1+w.rng.IntN(8), until
	w.say(0, "there is much to write until %v", time.Duration(until))
	return true
}

// kill lets a replica die if a majority keeps its memory, and plans its return.
func (w *world) kill(r *replica, unnoticed bool) bool {
	if r.v == nil || r.v.Node().Votes() && w.voters()-1 < len(w.replicas)/2+1 {
		return false
	}
	w.say(r.id, "dies (noticed: %v)", !unnoticed)
	r.crash(unnoticed)
	r.restartAt = w.net.Now() + w.outage()
	return true
}

// voters counts the living replicas with their memory.
func (w *world) voters() (n int) {
	for _, r := range w.replicas {
		if r.v != nil && r.v.Node().Votes() {
			n++
		}
	}
	return n
}

// leader is a replica that leads and runs, nil if there is none.
func (w *world) leader() *replica {
	for _, r := range w.replicas {
		if r.running() && r.v.Node().Leading() {
			return r
		}
	}
	return nil
}

func (w *world) pause(r *replica, d int64) bool {
	if !r.running() {
		return false
	}
	r.pausedUntil = w.net.Now() + d
	w.say(r.id, "stands still for %v", time.Duration(d))
	return true
}

func (w *world) isolate(r *replica) {
	for _, other := range w.replicas {
		if other != r {
			w.net.Partition(rdmaio.NodeID(r.id), rdmaio.NodeID(other.id))
		}
	}
	w.say(r.id, "is cut off from all")
}

func (w *world) rejoin(r *replica) {
	for _, other := range w.replicas {
		if other != r {
			w.net.Heal(rdmaio.NodeID(r.id), rdmaio.NodeID(other.id))
		}
	}
	w.say(r.id, "is cut off no more")
}

// rivals lets the leader die or stand still while two others do not see each other.
func (w *world) rivals() bool {
	l := w.leader()
	if l == nil {
		return false
	}
	at := w.rng.IntN(len(w.replicas))
	var pair []*replica
	for k := range w.replicas {
		if r := w.replicas[(at+k)%len(w.replicas)]; r != l && len(pair) < 2 {
			pair = append(pair, r)
		}
	}
	a, b := rdmaio.NodeID(pair[0].id), rdmaio.NodeID(pair[1].id)
	if !w.kill(l, w.rng.IntN(2) == 0) {
		w.pause(l, w.outage())
	}
	w.net.Partition(a, b)
	w.say(pair[0].id, "and %d do not see each other", pair[1].id)
	w.schedule(w.net.Now()+w.rng.Int64N(60*w.plan.heartbeat), func() { w.net.Heal(a, b) })
	return true
}

// loneLate lets a follower stand still while the leader writes to nobody but it, or as few others as make a majority, and the leader die before the
// follower has looked at anything.
func (w *world) loneLate(r *replica) bool {
	l := w.leader()
	if l == nil || l == r || w.voters() != len(w.replicas) {
		return false
	}
	h, now := w.plan.heartbeat, w.net.Now()
	w.load(now + 4*h)
	cut := len(w.replicas) / 2
	for _, other := range w.replicas {
		if other != l && other != r && cut > 0 {
			cut--
			a, b := rdmaio.NodeID(l.id), rdmaio.NodeID(other.id)
			w.net.Partition(a, b)
			w.say(l.id, "is cut off from %d", other.id)
			w.schedule(now+8*h+w.rng.Int64N(8*h), func() { w.net.Heal(a, b) })
		}
	}
	w.schedule(now+w.rng.Int64N(2*h), func() { w.pause(r, 3*h+w.rng.Int64N(2*h)) })
	w.schedule(now+2*h+w.rng.Int64N(h), func() {
		if l.v != nil && !w.kill(l, false) {
			w.pause(l, w.outage())
		}
	})
	return true
}

// succession lets a leader stand still; the next one, which only those lead that are left, too, as soon as it has written something; and when that wakes
// up, a leader as far as it knows, one of those that it led is cut off and the others may let it in.
func (w *world) succession() bool {
	first := w.leader()
	h := w.plan.heartbeat
	if first == nil || !w.pause(first, h*(18+w.rng.Int64N(10))) {
		return false
	}
	w.hushUntil, w.whenIdle = w.net.Now()+120*h, w.rng.IntN(2) == 0
	w.ambush = func(next *replica) {
		if next == first || !w.pause(next, h*(50+w.rng.Int64N(50))) {
			return
		}
		w.ambush = nil
		w.schedule(next.pausedUntil-w.rng.Int64N(15*h), func() {
			r := w.replicas[w.rng.IntN(len(w.replicas))]
			if r == next {
				return
			}
			w.isolate(r)
			w.schedule(w.net.Now()+h*(20+w.rng.Int64N(100)), func() { w.rejoin(r) })
		})
	}
	return true
}

// lateWrites cuts a follower off from all while the leader writes to it, lets the leader hand over and its successor write on, and then mends the link to
// the old leader alone.
func (w *world) lateWrites(r *replica) bool {
	l := w.leader()
	if l == nil || l == r {
		return false
	}
	h, now := w.plan.heartbeat, w.net.Now()
	w.isolate(r)
	w.load(now + h/2 + w.rng.Int64N(h))
	w.schedule(now+2*h+w.rng.Int64N(h), func() { // long enough after that for a commit offset to be on its way too
		if l.running() && l.v.Node().HandOver(0) == nil {
			w.say(l.id, "is asked to hand over")
			w.load(w.net.Now() + h + w.rng.Int64N(5*h))
		}
	})
	w.schedule(now+3*h+w.rng.Int64N(9*h), func() {
		w.net.Heal(rdmaio.NodeID(l.id), rdmaio.NodeID(r.id))
		w.say(r.id, "sees %d again", l.id)
	})
	w.schedule(now+12*h+w.rng.Int64N(12*h), func() { w.rejoin(r) })
	return true
}

// outage draws how long something lasts: from a heartbeat, at least 1 ms, to 60 s, short ones more often.
func (w *world) outage() int64 {
	d := w.plan.heartbeat
	for range w.rng.IntN(8) {
		d *= 4
	}
	d = max(d, int64(time.Millisecond))
	return min(d+w.rng.Int64N(d), int64(time.Minute))
}
