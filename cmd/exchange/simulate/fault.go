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
	slowFollower                 // a follower stands still while the log is written over
	clockJump                    // a wall clock jumps
	slowClient                   // a client does not read
	storm                        // all clients lose their connections and come back at once
	handOver                     // the leader is asked to hand over
	heal                         // cut links are mended
	faultKinds
)

var faultNames = [faultKinds]string{
	"crash", "power-loss", "pause", "pause-leader", "freeze", "partition", "one-way", "isolate", "delay", "flap", "rivals", "unfenced",
	"slow-follower", "clock-jump", "slow-client", "storm", "hand-over", "heal",
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
		w.net.Schedule(now+d, func() { w.rejoin(r) })
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
		w.net.Schedule(now+w.outage(), func() { w.net.SetDelay(a, b, 0) })
	case flap:
		if r == other {
			return false
		}
		w.say(r.id, "has a link to %d that flaps", other.id)
		at := now
		for range 3 + w.rng.IntN(8) {
			at += w.rng.Int64N(10 * h)
			w.net.Schedule(at, func() {
				if !w.settling {
					w.net.Partition(a, b)
				}
			})
			at += w.rng.Int64N(10 * h)
			w.net.Schedule(at, func() { w.net.Heal(a, b) })
		}
	case rivals:
		return w.rivals()
	case unfenced:
		if r == other {
			return false
		}
		w.net.Unfence(a, b, true)
		w.say(r.id, "cannot take rights from %d", other.id)
		w.net.Schedule(now+w.rng.Int64N(20*h), func() { w.net.Unfence(a, b, false) })
	case slowFollower:
		if w.leader() == r || !w.pause(r, w.rng.Int64N(400*h)) {
			return false
		}
		w.think = 1
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
	w.net.Schedule(w.net.Now()+w.rng.Int64N(60*w.plan.heartbeat), func() { w.net.Heal(a, b) })
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
