package main

import (
	"strings"
	"testing"
)

// saysInOrder fails unless the texts stand in what was said, one behind the other.
func saysInOrder(t *testing.T, said string, texts ...string) {
	t.Helper()
	rest := said
	for _, text := range texts {
		_, after, found := strings.Cut(rest, text)
		if !found {
			t.Fatalf("%q is not said, or not there:\n%s", text, said)
		}
		rest = after
	}
}

// What the two clients have words for that no other test types: a budget over FIX, channels over OUCH.
func TestClientsByHand(t *testing.T) {
	dir, stop := startDemo(t)
	defer stop()
	t.Run("a budget", func(t *testing.T) {
		out, errs, status := run(t, strings.Join([]string{
			"sell XYZ1 10@10.00", "sell XYZ1 10@11.00", "buy XYZ1 15@market budget=154.99", "buy XYZ1 15@market budget=155", "sell XYZ1 5@market budget=1",
			"buy XYZ1 1@9.00 budget=10", "buy XYZ1 1@market budget=much", "buy XYZ1 1@market gtc", "buy XYZ1 1@market budget=0.001",
		}, "\n")+"\n", "client", "--dir", dir, "--sender", "CLIENT1")
		if status != 0 {
			t.Errorf("status %d: %s", status, errs)
		}
		saysInOrder(t, out, "accepted: buy XYZ1 15@market, budget 154.99", "cancelled, 0 done budget not met",
			"accepted: buy XYZ1 15@market, budget 155.00", "10 done, 5 open", "filled 5@11.00, 15 done, 0 open", "cancelled, 0 done fill or kill",
			"rejected: budget is not a multiple of tick size times lot size")
		saysInOrder(t, out, "! a budget has no other price", `! budget "much"`, `! "gtc": day, ioc, fok or budget=`)
	})
	ouch := func(t *testing.T, lines ...string) string {
		out, errs, status := run(t, strings.Join(lines, "\n")+"\n", "client", "--ouch", "demo", "--dir", dir, "--username", "OUCH2")
		if status != 0 {
			t.Errorf("status %d: %s", status, errs)
		}
		return out
	}
	t.Run("channels", func(t *testing.T) {
		out := ouch(t, "buy XYZ2 100@10.00 channel=7", "buy XYZ2 50@9.00 fok channel=255", "buy XYZ2 5@8.00", "buy XYZ2 6@8.00 channel=0", "replace 7/1 80@10.00",
			"sell XYZ2 30@10.00 ioc channel=8", "orders", "cancel 7/2", "cancel 7/9", "next channel=7", "next", "next channel=9",
			"buy XYZ2 1@1.00 channel=256", "cancel 300/1", "cancel 7/x", "next 7")
		for _, text := range []string{
			"> 7/1 buy XYZ2 100@10.00 channel=7", "< 7/1 accepted: buy XYZ2 100@10.00", "< 255/1 accepted: buy XYZ2 50@9.00", "< 255/1 cancelled 50 (I), nothing open",
			"< 1 accepted: buy XYZ2 5@8.00", "< 2 accepted: buy XYZ2 6@8.00", "< 7/2 replaces 7/1: 80@10.00, 0 done, 80 open", "< 8/1 filled 30@10.00, nothing open",
			"< 7/2 filled 30@10.00, 30 done, 50 open", "< 7/2 cancelled 50 (U), nothing open", "* order 7/9 is not open",
			`! "256" is no channel: 0 to 255`, `! "300" is no channel: 0 to 255`, `! "7/x" is no order's number`, "! write it like: next, or next channel=7",
		} {
			saysInOrder(t, out, text)
		}
		saysInOrder(t, out, "  1 buy XYZ2 5@8.00, 0 done, 5 open\n  2 buy XYZ2 6@8.00, 0 done, 6 open\n  7/2 buy XYZ2 80@10.00, 30 done, 50 open",
			"< next is 7/3\n", "< next is 3\n", "< next is 9/1\n")
	})
	t.Run("channels of an earlier run", func(t *testing.T) {
		out := ouch(t, "next channel=7", "cancel 255/1", "buy XYZ2 1@1.00 channel=255", "orders", "cancel 255/2", "cancel 2", "next channel=255")
		saysInOrder(t, out, "< next is 7/3\n", "> 255/1 cancel 255/1", "* order 255/1 is not open", "< 255/2 accepted", "< 255/2 cancelled 1 (U)", "< next is 255/3\n")
		if strings.Count(out, "< next is") != 2 {
			t.Errorf("answers are shown that nobody asked for:\n%s", out)
		}
	})
}
