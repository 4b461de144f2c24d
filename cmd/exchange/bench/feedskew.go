package bench

import (
	"context"
	"slices"
	"sync"
	"time"

	"exchange/cmd/exchange/cluster"
)

// skew measures how far the lines are apart: one order at a time, three readers.
func (m *feedMeasuring) skew(ctx context.Context) error {
	m.close()
	var err error
	if m.venue, err = dialLeader(ctx, m.cluster); err != nil {
		return err
	}
	arrivals, err := hearLines(m.cluster.Describe().Replicas)
	if err != nil {
		return err
	}
	defer arrivals.close()
	for done, total := 0, max(m.o.Orders/20, 1); done < total; {
		if err := ctx.Err(); err != nil {
			return err
		}
		count := min(feedRound, total-done)
		for range count {
			m.venue.out = ouchEnter(m.venue.out[:0], m.venue.next)
			m.venue.next++
			_ = m.venue.conn.SetDeadline(time.Now().Add(pipelinePatience))
			if _, err := m.venue.conn.Write(m.venue.out); err != nil {
				return err
			}
			if err := m.venue.reports(1); err != nil {
				return err
			}
			time.Sleep(skewPause)
		}
		if err := m.venue.cancelAll(); err != nil {
			return err
		}
		done += count
	}
	time.Sleep(earQuiet)
	all, byLine := arrivals.figures()
	m.report.Figures = append(append(m.report.Figures, all), byLine...)
	return nil
}

// lineArrivals is when each message came on each line.
type lineArrivals struct {
	start time.Time
	ears  []*lineEar
	ids   []int
	wg    sync.WaitGroup
	mu    sync.Mutex
	at    map[uint64][]int64 // by number: per line; 0: it did not come
}

func hearLines(replicas []cluster.Replica) (*lineArrivals, error) {
	a := &lineArrivals{start: time.Now(), at: map[uint64][]int64{}}
	for i, r := range replicas {
		ear, err := hearLine(r.Mold)
		if err != nil {
			a.close()
			return nil, err
		}
		_ = ear.conn.SetReadDeadline(time.Time{})
		ear.at = func(number uint64) { a.arrived(i, number, len(replicas)) }
		a.ears, a.ids = append(a.ears, ear), append(a.ids, r.ID)
	}
	for _, ear := range a.ears {
		a.wg.Add(1)
		go func() {
			defer a.wg.Done()
			for {
				if _, err := ear.some(); err != nil {
					return
				}
			}
		}()
	}
	return a, nil
}

func (a *lineArrivals) arrived(line int, number uint64, lines int) {
	now := int64(time.Since(a.start))
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.at[number] == nil {
		a.at[number] = make([]int64, lines)
	}
	a.at[number][line] = now
}

func (a *lineArrivals) close() {
	for _, e := range a.ears {
		e.close()
	}
	a.wg.Wait()
}

// figures gives the time from a message's first arrival to its last, of those that came on every line, and each line's time behind the first.
func (a *lineArrivals) figures() (all Figure, byLine []Figure) {
	a.mu.Lock()
	defer a.mu.Unlock()
	apart, behind := newSamples(), make([]*samples, len(a.ids))
	for i := range behind {
		behind[i] = newSamples()
	}
	for _, at := range a.at {
		if slices.Contains(at, 0) {
			continue
		}
		first := slices.Min(at)
		apart.record(slices.Max(at) - first)
		for i := range at {
			behind[i].record(at[i] - first)
		}
	}
	for i, s := range behind {
		byLine = append(byLine, s.figure("line_behind_first", map[string]any{"replica": a.ids[i]}))
	}
	return apart.figure("line_skew", map[string]any{"lines": len(a.ids)}), byLine
}
