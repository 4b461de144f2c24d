package server

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"exchange/marketdata/feed"

	"github.com/rs/zerolog"
)

// other is another replica, which serves its hashes as feedHash does.
func other(t *testing.T, session string, store *feed.Store) Member {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var number uint64
		if _, err := fmt.Sscanf(r.URL.String(), "/v1/feed/hash?number=%d", &number); err != nil {
			t.Errorf("asked for %s", r.URL)
		}
		number = min(number, store.Next()-1)
		h, err := store.HashAt(number)
		if err != nil {
			http.Error(w, err.Error(), http.StatusGone)
			return
		}
		fmt.Fprintf(w, `{"session":%q,"number":%d,"hash":%q}`, session, number, hex(h))
	}))
	t.Cleanup(s.Close)
	return Member{HTTP: strings.TrimPrefix(s.URL, "http://")}
}

func storeOf(messages ...string) *feed.Store {
	s := feed.NewStore(1 << 20)
	for i, m := range messages {
		s.Append(uint64(i+1), []byte(m))
	}
	s.Publish()
	return s
}

func TestFeedsThatDifferRaiseAnAlarm(t *testing.T) {
	cfg := DefaultConfig()
	var log bytes.Buffer
	twins := newFeedTwins(&cfg, storeOf("one", "two", "three"), zerolog.New(&log))
	same, ahead, behind := storeOf("one", "two", "three"), storeOf("one", "two", "three", "four"), storeOf("one", "two")
	for id, store := range map[int]*feed.Store{2: same, 3: ahead, 4: behind} {
		m := other(t, cfg.FeedSession, store)
		m.ID = id
		twins.compare(m)
	}
	if at, differ := twins.status(); at != 2 || len(differ) != 0 || log.Len() != 0 {
		t.Fatalf("equal feeds: equal at %d, differ %v, log %s", at, differ, &log)
	}
	gone := Member{ID: 5, HTTP: "127.0.0.1:1"}
	empty := other(t, cfg.FeedSession, storeOf())
	empty.ID = 6
	twins.compare(gone)
	twins.compare(empty)
	if at, differ := twins.status(); at != 2 || len(differ) != 0 {
		t.Fatalf("who says nothing: equal at %d, differ %v", at, differ)
	}

	bad := other(t, cfg.FeedSession, storeOf("one", "TWO", "three"))
	bad.ID = 7
	renamed := other(t, "DAY2", same)
	renamed.ID = 8
	for range 3 {
		twins.compare(bad)
		twins.compare(renamed)
	}
	_, differ := twins.status()
	slices.Sort(differ)
	if !slices.Equal(differ, []int{7, 8}) {
		t.Errorf("differ %v", differ)
	}
	if n := strings.Count(log.String(), `"level":"error"`); n != 2 || !strings.Contains(log.String(), `"other":7`) {
		t.Errorf("%d lines in the log: %s", n, &log)
	}
	// Once seen, it stays: a replica that was replaced since has the same name.
	healed := other(t, cfg.FeedSession, same)
	healed.ID = 7
	twins.compare(healed)
	if _, differ := twins.status(); len(differ) != 2 {
		t.Errorf("forgotten: %v", differ)
	}
}

func TestMetricsTellOfTheAlarm(t *testing.T) {
	var out strings.Builder
	writeMetrics(&out, 3, feedMetrics(&Status{FeedNumber: 77}, FeedStatus{Differ: []int{1}, SnapshotFault: "bad", LinePackets: 9}))
	for _, line := range []string{
		`exchange_feed_differing_replicas{replica="3"} 1`, `exchange_feed_fault{replica="3"} 1`, `exchange_feed_number{replica="3"} 77`,
		`# TYPE exchange_feed_line_packets_total counter`, `exchange_feed_line_packets_total{replica="3"} 9`,
	} {
		if !strings.Contains(out.String(), line+"\n") {
			t.Errorf("%q is missing in\n%s", line, &out)
		}
	}
	if f := (&FeedStatus{}); f.Alarm() {
		t.Error("an alarm for nothing")
	}
}

func TestWhereALineGoes(t *testing.T) {
	for setting, want := range map[string]int{
		"127.0.0.1:9161": 1, "239.1.2.3:9161": 1, "127.0.0.1:9161,127.0.0.2:9161, 10.0.0.1:77": 3, "": 0, "nonsense": 0, "127.0.0.1:0": 0,
		"239.1.2.3:9161,127.0.0.1:9161": 0, strings.Repeat("127.0.0.1:9,", 40) + "127.0.0.1:9": 0,
	} {
		all, err := moldDestinations(setting)
		if len(all) != want || (err == nil) != (want > 0) {
			t.Errorf("%q: %v, %v", setting, all, err)
		}
		cfg := DefaultConfig()
		cfg.Members[0].Mold = setting
		if err := cfg.Check(); (err == nil) != (want > 0 || setting == "") {
			t.Errorf("%q in a configuration: %v", setting, err)
		}
	}
}
