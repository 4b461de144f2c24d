package simulate

// What came about. A fault is inflicted; whether it led to what it is there for is another matter, so that is counted too: a seed in which a leader was
// stopped shows nothing about stale leaders unless one of them wrote.

// came is something that faults are there to bring about.
type came uint8

const (
	tornWrites    came = iota // a WRITE became visible in parts, or only a part of it ever was
	staleWrites               // a WRITE was refused: its writer had lost the right to
	twoLeaders                // two led at once, as far as they knew, each time
	twoCandidates             // two tried to lead at once, each time
	laps                      // a replica's log was decided once around
	dropped                   // a leader went on without a follower
	adopted                   // entries that an earlier leader had written and not seen decided
	learners                  // replicas that had lost their memory and were let in again
	states                    // states taken over from others
	handedOver                // hand-overs that were not given up
	cameKinds
)

var cameNames = [cameKinds]string{
	"torn-writes", "stale-writes", "two-leaders", "two-candidates", "laps", "followers-dropped", "entries-adopted", "learners-admitted", "states-taken",
	"handed-over",
}

// together counts how often a second one came to do what one did already.
type together struct{ now bool }

func (t *together) see(several bool) (n int) {
	if several && !t.now {
		n = 1
	}
	t.now = several
	return n
}

// watch counts what can be seen of all replicas after one's turn.
func (w *world) watch() {
	leading, standing := 0, 0
	for _, r := range w.replicas {
		if r.v == nil {
			continue
		}
		if r.v.Node().Leading() {
			leading++
		}
		if r.v.Node().Standing() {
			standing++
		}
	}
	w.came[twoLeaders] += w.leaders.see(leading > 1)
	w.came[twoCandidates] += w.candidates.see(standing > 1)
}

// tally counts what a replica has counted, when its process or the run ends.
func (w *world) tally(r *replica) {
	if r.v == nil {
		return
	}
	c := r.v.Node().Status().Counters
	w.came[dropped] += int(c.Dropped)
	w.came[adopted] += int(c.Adopted)
	w.came[learners] += int(c.Admitted)
	w.came[handedOver] += int(c.HandedOver)
}

// tallyAll does so for all, and for the fabric.
func (w *world) tallyAll() {
	for _, r := range w.replicas {
		w.tally(r)
	}
	torn, refused := w.net.Placed(logPD)
	w.came[tornWrites], w.came[staleWrites] = int(torn), int(refused)
}
