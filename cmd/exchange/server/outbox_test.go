package server

import (
	"slices"
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

// Nobody hears of what his order did before the feed's followers can.
func TestFeedIsToldBeforeTheOwner(t *testing.T) {
	cfg := DefaultConfig()
	o := newOutbox(&cfg, newDirectory(&cfg))
	var told []string
	f, err := o.feed.FollowExpress(func() bool { told = append(told, "feed"); return true }, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	f.Arm()
	e := report(3, 1)
	e.Kind, e.Feed, e.FeedSeq, e.Code = book.SystemEventOccurred, 'S', 1, 'O'
	o.file([]book.Event{*e})
	o.flush(func(sessions []uint16) {
		if slices.Equal(sessions, []uint16{3}) {
			told = append(told, "owner")
		}
	})
	if !slices.Equal(told, []string{"feed", "owner"}) {
		t.Errorf("told: %v", told)
	}
}
