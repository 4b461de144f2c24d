package main

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

// simulated runs the command and gives its output line by line.
func simulated(t *testing.T, args ...string) []string {
	t.Helper()
	var out bytes.Buffer
	c := simulateCommand()
	c.SetArgs(args)
	c.SetOut(&out)
	c.SilenceUsage = true
	if err := c.Execute(); err != nil {
		t.Fatalf("simulate %s: %v\n%s", strings.Join(args, " "), err, out.String())
	}
	return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
}

// A trace has a line for each thing that happened, with a column for each replica; the last line tells what the seed came to, and is the same however often it
// is played.
func TestSimulateTellsWhatHappened(t *testing.T) {
	lines := simulated(t, "--seed", "17", "--replicas", "3", "--trace")
	event := regexp.MustCompile(`^ *\d+\.\d{9}s ( \[[flCLzx]\]|  [flCLzx] ){3}(  \d |    )\S`)
	for _, line := range lines[:len(lines)-1] {
		if !event.MatchString(line) {
			t.Fatalf("no event: %q", line)
		}
	}
	last := lines[len(lines)-1]
	if !regexp.MustCompile(`^seed 17: 3 replicas, \d+ steps, .*, faults: [a-z-]+ \d+, .*; came about: .*; hash [0-9a-f]{16}$`).MatchString(last) {
		t.Errorf("the last line: %q", last)
	}
	if again := simulated(t, "--seed", "17", "--replicas", "3"); len(again) != 1 || again[0] != last {
		t.Errorf("once more, without a trace: %q, before: %q", again, last)
	}
	two := simulated(t, "--seeds", "17-18", "--json")
	var object map[string]any
	if err := json.Unmarshal([]byte(strings.Join(two, "")), &object); err != nil {
		t.Fatalf("%v: %q", err, two)
	}
	if object["schema"] != "exchange.simulate/v1" || object["seeds"] != 2.0 || object["violations"] != 0.0 || object["hash"] == "" {
		t.Errorf("%v", object)
	}
	one, other := simulated(t, "--seeds", "1-6", "--parallel", "1"), simulated(t, "--seeds", "1-6", "--parallel", "3")
	hash := regexp.MustCompile(`hash [0-9a-f]{16}`)
	if a, b := hash.FindString(one[0]), hash.FindString(other[0]); a == "" || a != b {
		t.Errorf("six seeds one after the other: %q, three at a time: %q", a, b)
	}
}
