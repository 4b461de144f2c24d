package feed

import (
	"fmt"
	"slices"
	"sync/atomic"
)

// Follower is woken when messages are published: Arm, look at the store once more, then wait on C.
//
//	for {
//		f.Arm()
//		if store.Next() > seen {
//			… read what is new …
//			continue
//		}
//		<-f.C
//	}
//
// A wake-up may come for what was seen already; none is lost.
type Follower struct {
	// C has one element after a Publish that followed Arm.
	C     chan struct{}
	store *Store
	armed atomic.Bool
	// direct, if not nil, is called in place of a send to C.
	direct func()
	// express, if not nil, is asked first, by the writer: see FollowExpress.
	express func() bool
}

// Follow registers a follower, of whom there may be MaxFollowers.
func (s *Store) Follow() (*Follower, error) { return s.FollowWith(nil) }

// FollowWith is Follow for one who wakes others: wake is called in place of a send to C, by whoever calls Wake or Publish, and must not block for long.
func (s *Store) FollowWith(wake func()) (*Follower, error) { return s.follow(wake, nil) }

// FollowExpress is FollowWith (Follow, if wake is nil) for one that can do its work on the writer's own thread: express is called by Publish before anybody is
// woken, must not wait for anything, and tells whether it has done all that there was to do. Otherwise the follower is woken.
func (s *Store) FollowExpress(express func() bool, wake func()) (*Follower, error) {
	return s.follow(wake, express)
}

func (s *Store) follow(wake func(), express func() bool) (*Follower, error) {
	s.following.Lock()
	defer s.following.Unlock()
	old := *s.followers.Load()
	if len(old) == MaxFollowers {
		return nil, fmt.Errorf("feed: %d followers already: let one of them wake the others", MaxFollowers)
	}
	f := &Follower{C: make(chan struct{}, 1), store: s, direct: wake, express: express}
	all := append(slices.Clone(old), f)
	s.followers.Store(&all)
	return f, nil
}

// Arm asks for a wake-up at the next Publish.
func (f *Follower) Arm() { f.armed.Store(true) }

// Disarm takes Arm back, if it comes in time.
func (f *Follower) Disarm() { f.armed.Store(false) }

// Close ends it.
func (f *Follower) Close() {
	f.store.following.Lock()
	defer f.store.following.Unlock()
	old := *f.store.followers.Load()
	all := slices.DeleteFunc(slices.Clone(old), func(g *Follower) bool { return g == f })
	f.store.followers.Store(&all)
}

// PassOn makes Publish call raise in place of waking the followers, if one of them waits: raise has to see to it that another goroutine calls Wake at
// once. It is for a writer whose thread is not to wake goroutines itself. To be called before anything is appended.
func (s *Store) PassOn(raise func()) { s.raise = raise }

// wake wakes who is armed, or passes that on: a load each if nobody is.
func (s *Store) wake() {
	waiting := false
	for _, f := range *s.followers.Load() {
		if f.armed.Load() && (f.express == nil || !f.express()) {
			waiting = true
		}
	}
	switch {
	case !waiting:
	case s.raise == nil:
		s.Wake()
	default:
		s.raise()
	}
}

// Wake wakes the followers that are armed. The follower armed before it looked at next, so it either saw the new number or is seen armed here. Any
// goroutine may call it.
func (s *Store) Wake() {
	for _, f := range *s.followers.Load() {
		if f.armed.Load() && f.armed.Swap(false) {
			if f.direct != nil {
				f.direct()
				continue
			}
			select {
			case f.C <- struct{}{}:
			default:
			}
		}
	}
}
