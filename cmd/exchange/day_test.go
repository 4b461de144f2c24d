package main

import (
	"context"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"exchange/cmd/exchange/cluster"
	"exchange/marketdata/client"
)

// An operator halts an instrument, lets it go on, and ends the day: all who follow the feed hear its last message and that the session is over, in every way
// there is; who comes later gets all of it, and the same end. Clients can still read what they missed.
func TestTheDayEnds(t *testing.T) {
	dir, stop := startDemo(t)
	defer stop()
	_, f := waitFor(t, dir, func(s cluster.Survey) bool { return s.Leader != 0 })
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var soup, mold client.Handler
	var counts [2]uint64
	soup = func(number uint64, _ []byte) error { counts[0] = number; return nil }
	mold = func(number uint64, _ []byte) error { counts[1] = number; return nil }
	ended := make(chan error, 2)
	addresses, servers, lines := []string{}, []string{}, []string{}
	for _, r := range f.Replicas {
		addresses, servers, lines = append(addresses, r.ITCH), append(servers, r.MoldRequest), append(lines, r.Mold)
	}
	go func() { ended <- (&client.Soup{Addresses: addresses}).Run(ctx, soup) }()
	go func() { ended <- (&client.Mold{Lines: lines, RequestServers: servers, From: 1}).Run(ctx, mold) }()

	if out, errs, status := run(t, "", "admin", "halt", "XYZ1", "--dir", dir); status != 0 || !strings.Contains(out, "halted") {
		t.Fatalf("halt: status %d: %s%s", status, out, errs)
	}
	if out, errs, _ := run(t, "buy XYZ1 100@10.00\nquit\n", "client", "--dir", dir, "--sender", "CLIENT1"); !strings.Contains(out+errs, "halt") {
		t.Errorf("an order in a halted instrument: %s%s", out, errs)
	}
	if out, errs, status := run(t, "", "admin", "resume", "XYZ1", "--dir", dir); status != 0 || !strings.Contains(out, "trades") {
		t.Fatalf("resume: status %d: %s%s", status, out, errs)
	}
	if _, errs, status := run(t, "", "admin", "halt", "NONE", "--dir", dir); status != 1 || !strings.Contains(errs, "not listed") {
		t.Errorf("halt of nothing: status %d: %s", status, errs)
	}
	if out, errs, status := run(t, "buy XYZ1 100@10.00\nquit\n", "client", "--dir", dir, "--sender", "CLIENT1"); status != 0 {
		t.Fatalf("client: %s%s", out, errs)
	}
	capture := filepath.Join(t.TempDir(), "day")
	whole := exec.Command(program, "watch", "XYZ1", "--dir", dir, "--plain", "--capture", capture)
	var seen lockedBuffer
	whole.Stdout = &seen
	if err := whole.Start(); err != nil {
		t.Fatal(err)
	}
	defer whole.Process.Kill()
	seen.wait(t, "add buy 100@10.00", 1)

	var result struct {
		Phase      string
		FeedNumber uint64 `json:"feed_number"`
	}
	out, errs, status := run(t, "", "admin", "end-day", "--dir", dir, "--json")
	if err := json.Unmarshal([]byte(out), &result); err != nil || status != 0 || result.Phase != "C" {
		t.Fatalf("end-day: status %d, %v: %s%s", status, err, out, errs)
	}
	for range 2 {
		if err := <-ended; err != nil {
			t.Errorf("a reader of the feed: %v", err)
		}
	}
	if counts[0] != result.FeedNumber || counts[1] != result.FeedNumber {
		t.Errorf("the readers got messages up to %v of %d", counts, result.FeedNumber)
	}
	if err := whole.Wait(); err != nil {
		t.Errorf("watch does not end with the session: %v\n%s", err, seen.String())
	}
	if said, ok := decode(t, capture); !ok || !strings.Contains(said, "0 orders rest") {
		t.Errorf("the capture: %s", said)
	}
	for _, r := range f.Replicas { // late
		last := uint64(0)
		err := (&client.Soup{Addresses: []string{r.ITCH}}).Run(ctx, func(number uint64, _ []byte) error { last = number; return nil })
		if err != nil || last != result.FeedNumber {
			t.Errorf("replica %d, late: messages up to %d of %d: %v", r.ID, last, result.FeedNumber, err)
		}
	}
	if out, errs, status := run(t, "", "admin", "end-day", "--dir", dir); status != 0 || !strings.Contains(out, "has ended") {
		t.Errorf("a second end: status %d: %s%s", status, out, errs)
	}
	if out, errs, _ := run(t, "buy XYZ1 100@10.00\nquit\n", "client", "--dir", dir, "--sender", "CLIENT1"); !strings.Contains(out+errs, "closed") {
		t.Errorf("an order after the day: %s%s", out, errs)
	}
}
