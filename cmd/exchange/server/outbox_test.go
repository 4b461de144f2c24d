package server

import (
	"testing"

	"exchange/book"
)

// A command with very many events does not make the replica look dead to the others: it beats while it files them.
func TestFilingManyEventsBeats(t *testing.T) {
	cfg := DefaultConfig()
	o := newOutbox(&cfg, newDirectory(&cfg))
	beats, filed := 0, uint64(0)
	o.beat = func() {
		if last, _ := o.reports.last(3); last < filed+beatEvery/2 {
			t.Errorf("a beat after %d events, and the one before after %d", last, filed)
		} else {
			filed = last
		}
		beats++
	}
	events := make([]book.Event, 10*beatEvery)
	for i := range events {
		events[i] = *report(3, uint64(i)+1)
	}
	o.file(events)
	if beats != 10 {
		t.Errorf("%d beats", beats)
	}
}
