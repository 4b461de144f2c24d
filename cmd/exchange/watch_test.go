package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"exchange/cmd/exchange/cluster"
)

// Who joins late, over SoupBinTCP and on the lines, sees the same book as who read the day from its first message; every replica gives the same snapshot,
// and the replicas find each other's feeds equal.
func TestWatchJoinsLate(t *testing.T) {
	dir, stop := startDemo(t)
	defer stop()
	out, errs, status := run(t, "buy XYZ1 100@10.00\nbuy XYZ1 50@10.00\nsell XYZ1 30@10.00\nsell XYZ1 70@11.00\nquit\n", "client", "--dir", dir, "--sender", "CLIENT1")
	if status != 0 {
		t.Fatalf("client: %s%s", out, errs)
	}
	s, f := waitFor(t, dir, func(s cluster.Survey) bool {
		for _, r := range s.Replicas {
			// The keepers of the snapshots are up to date, and the feeds were compared.
			if r.Status == nil || r.Status.Feed.SnapshotNext != r.Status.FeedNumber+1 || r.Status.Feed.EqualAt != r.Status.FeedNumber {
				return false
			}
		}
		return s.Leader != 0
	})
	books := ""
	for _, r := range f.Replicas {
		text, number, err := cluster.Books(r.HTTP)
		if err != nil || number != s.Replicas[0].Status.FeedNumber || strings.Count(text, "\n") != 3 || books != "" && text != books {
			t.Errorf("books of replica %d at %d: %v\n%s", r.ID, number, err, text)
		}
		books = text
		late, errs, status := run(t, "", "watch", "XYZ1", "--plain", "--feed", r.ITCH, "--glimpse", r.Glimpse, "--for", "300ms")
		if status != 0 || !strings.Contains(late, "* 3 orders rest in all books") {
			t.Errorf("replica %d: status %d\n%s%s", r.ID, status, late, errs)
		}
	}

	capture := filepath.Join(t.TempDir(), "lines")
	lines := exec.Command(program, "watch", "XYZ1", "--dir", dir, "--plain", "--lines", "--from-snapshot")
	whole := exec.Command(program, "watch", "XYZ1", "--dir", dir, "--plain", "--capture", capture)
	var seen [2]lockedBuffer
	for i, c := range []*exec.Cmd{lines, whole} {
		c.Stdout = &seen[i]
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		defer c.Process.Kill()
	}
	seen[0].wait(t, "* 3 orders rest", 1)
	seen[1].wait(t, "add sell 70@11.00", 1)
	if out, errs, status := run(t, "sell XYZ1 20@10.00\nquit\n", "client", "--dir", dir, "--sender", "CLIENT2"); status != 0 {
		t.Fatalf("client: %s%s", out, errs)
	}
	for i := range seen {
		seen[i].wait(t, "trade 20@10.00", 1)
	}
	whole.Process.Signal(os.Interrupt)
	if err := whole.Wait(); err != nil {
		t.Error(err)
	}
	if said, ok := decode(t, capture); !ok || !strings.Contains(said, "3 orders rest") {
		t.Errorf("the capture: %s", said)
	}
	out, errs, status = run(t, "", "status", "--dir", dir)
	if status != 0 || !strings.Contains(out, "feeds are equal message by message at least up to") || strings.Contains(out, "ALARM") {
		t.Errorf("status %d:\n%s%s", status, out, errs)
	}
}
