package drill

import (
	"context"
	"errors"
	"time"

	"exchange/cmd/exchange/cluster"
)

// Scenario is one way to take the lead from the leader.
type Scenario struct {
	Name, Short string
	// strike does it, and tells when, on the monotonic clock of this host, ns.
	strike func(s *scene, ctx context.Context, leader int) (at int64, err error)
	// resume is done when another leads, mend when every client has had answers from it; either may be nil.
	resume, mend func(s *scene, leader int) error
	// within is the strike's distribution in the report.
	within func(r *Report) *Distribution
}

// Scenarios are all there are.
var Scenarios = []Scenario{
	{
		Name: "leader-kill", Short: "kill -9 of the leader's process at a random moment, again and again",
		strike: func(s *scene, _ context.Context, leader int) (int64, error) { return s.cluster.Kill(leader, true) },
		mend:   func(s *scene, leader int) error { return s.cluster.Restart(leader) },
		within: func(r *Report) *Distribution { return &r.KillToFirstDecision },
	},
	{
		Name: "leader-stop", Short: "SIGSTOP of the leader; SIGCONT when another leads: the old one wakes up in the belief that it leads",
		strike: func(s *scene, _ context.Context, leader int) (int64, error) { return s.cluster.Pause(leader) },
		resume: func(s *scene, leader int) error {
			time.Sleep(time.Duration(s.rng.Int64N(int64(sleepWithin))))
			return s.cluster.Resume(leader)
		},
		within: func(r *Report) *Distribution { return &r.StopToFirstDecision },
	},
	{
		Name: handoverScenario, Short: "the leader is asked to hand over to another, again and again",
		strike: (*scene).handOver,
		within: func(r *Report) *Distribution { return &r.HandoverToFirstDecision },
	},
}

const handoverScenario = "handover"

// sleepWithin is how long a stopped leader sleeps on at most when another leads.
const sleepWithin = 200 * time.Millisecond

// handOver asks until the leader does: one that has just been found not to be up to date is a matter of milliseconds. One that has lost the lead by itself
// in the meantime cannot.
func (s *scene) handOver(ctx context.Context, leader int) (int64, error) {
	for {
		done, err := cluster.Switchover(s.cluster.HTTP()[leader], 0)
		if err == nil {
			return done.At, nil
		}
		if now := cluster.Look(s.cluster.HTTP(), false); now.Leader != 0 && now.Leader != leader {
			return 0, errMissed
		}
		s.report.GivenUp++
		select {
		case <-ctx.Done():
			return 0, errors.Join(err, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}
