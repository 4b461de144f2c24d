package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"exchange/cmd/exchange/cluster"
)

// A leader that is asked to hands over, to whom it is told to; to one that cannot, it does not.
func TestSwitchover(t *testing.T) {
	dir, stop := startDemo(t)
	defer stop()
	whole := func(s cluster.Survey) bool { return s.Leader != 0 && len(s.Status(s.Leader).Confirmed) == 2 }
	before, _ := waitFor(t, dir, whole)
	was := before.Leader
	to := was%3 + 1
	out, errs, status := run(t, "", "admin", "switchover", "--dir", dir, "--to", fmt.Sprint(to), "--json")
	var result struct {
		From, To int
		Gap      int64 `json:"gap_ns"`
	}
	if err := json.Unmarshal([]byte(out), &result); err != nil || status != 0 || result.From != was || result.To != to || result.Gap <= 0 {
		t.Fatalf("status %d, %v: from %d to %d:\n%s%s", status, err, was, to, out, errs)
	}
	if now, _ := waitFor(t, dir, whole); now.Leader != to {
		t.Errorf("replica %d leads, not %d", now.Leader, to)
	}
	if _, errs, status := run(t, "", "admin", "switchover", "--dir", dir, "--to", fmt.Sprint(to)); status != 1 || !strings.Contains(errs, "leads already") {
		t.Errorf("status %d: %s", status, errs)
	}
	if _, errs, status := run(t, "", "admin", "switchover", "--dir", dir, "--to", "9"); status != 1 || !strings.Contains(errs, "does not answer") {
		t.Errorf("status %d: %s", status, errs)
	}
}
