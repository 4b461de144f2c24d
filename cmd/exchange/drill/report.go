package drill

import (
	"fmt"
	"io"
	"sort"
	"time"
)

// Report is a drill's result: --json prints it as it is.
type Report struct {
	Schema     string `json:"schema"` // exchange.drill/v1
	Scenario   string `json:"scenario"`
	Runs       int    `json:"runs"`
	Replicas   int    `json:"replicas"`
	Provider   string `json:"provider"`
	Durability string `json:"durability"`
	Clients    int    `json:"clients"`
	// OUCHClients are beside the FIX clients; OUCHMessages is how many numbered messages they had.
	OUCHClients  int `json:"ouch_clients"`
	OUCHMessages int `json:"ouch_messages"`

	Acknowledged int   `json:"acknowledged"`
	Rejected     int   `json:"rejected"`
	Trades       int   `json:"trades"`
	Volume       int64 `json:"volume"`

	// Lost: acknowledged orders that the exchange does not know any more. Doubled: orders answered or executed more than once. Diverged:
	// replicas with other states than the others. NumberFaults: FIX or OUCH numbers with a hole or two contents. FeedGaps and FeedContradictions: the
	// same for the feed. Misordered: new orders whose place in the log disagrees with real time, of those Witnessed. RuleFaults: what clients and the feed were
	// told that the rules of price and time do not allow, in a history of so many Replayed messages. Unanswered: requests without an answer.
	Lost               int `json:"lost"`
	Doubled            int `json:"doubled"`
	Diverged           int `json:"diverged"`
	NumberFaults       int `json:"number_faults"`
	FeedGaps           int `json:"feed_gaps"`
	FeedContradictions int `json:"feed_contradictions"`
	Misordered         int `json:"misordered"`
	Witnessed          int `json:"witnessed"`
	RuleFaults         int `json:"rule_faults"`
	Replayed           int `json:"replayed"`
	Unanswered         int `json:"unanswered"`

	FeedMessages uint64 `json:"feed_messages"`
	LineMessages int    `json:"line_messages"`

	// Receivers followed the feed with the consumer library and kept books; with --receivers. FeedSession is the feed's session id, which all of them had.
	Receivers   []ReceiverReport `json:"receivers,omitempty"`
	FeedSession string           `json:"feed_session"`

	// From the strike to the next leader's first new decision; the scenario's own is filled in. GivenUp: hand-overs that the leader went on leading
	// after, and that were asked for again. Missed: strikes at a replica that had just lost the lead by itself, not counted as runs.
	KillToFirstDecision     Distribution `json:"kill_to_first_decision_ns"`
	StopToFirstDecision     Distribution `json:"stop_to_first_decision_ns,omitzero"`
	HandoverToFirstDecision Distribution `json:"handover_to_first_decision_ns,omitzero"`
	GivenUp                 int          `json:"handovers_given_up"`
	Missed                  int          `json:"strikes_missed"`
	ClientOutage            Distribution `json:"client_outage_ns"`

	operations []operation // new orders of all FIX clients, and later of all
	placed     []placed    // of all OUCH clients
	fills      []fill      // of all clients

	Faults  []string `json:"faults"`
	Verdict string   `json:"verdict"` // pass or fail
}

// Distribution of a time, ns.
type Distribution struct {
	P50 int64 `json:"p50"`
	P99 int64 `json:"p99"`
	Max int64 `json:"max"`
}

func distribution(samples []int64) Distribution {
	if len(samples) == 0 {
		return Distribution{}
	}
	s := append([]int64(nil), samples...)
	sort.Slice(s, func(i, j int) bool { return s[i] < s[j] })
	at := func(q float64) int64 { return s[min(len(s)-1, int(q*float64(len(s))))] }
	return Distribution{P50: at(0.50), P99: at(0.99), Max: s[len(s)-1]}
}

// Safe tells whether nothing was lost, doubled, diverged, misordered, matched or numbered wrongly.
func (r *Report) Safe() bool {
	return r.Lost == 0 && r.Doubled == 0 && r.Diverged == 0 && r.NumberFaults == 0 && r.FeedGaps == 0 && r.FeedContradictions == 0 && r.Misordered == 0 && r.RuleFaults == 0
}

// Passed tells whether the drill held: safe, every request answered, and over hand-overs, which are planned, no order refused.
func (r *Report) Passed() bool {
	return r.Safe() && r.Unanswered == 0 && (r.Scenario != handoverScenario || r.Rejected == 0)
}

// Print writes the report for people.
func (r *Report) Print(w io.Writer) {
	ms := func(ns int64) string { return fmt.Sprintf("%.2f ms", float64(ns)/float64(time.Millisecond)) }
	fmt.Fprintf(w, "drill %s: %d runs, %d replicas over %s, durability %s, %d FIX and %d OUCH clients\n", r.Scenario, r.Runs, r.Replicas, r.Provider, r.Durability, r.Clients, r.OUCHClients)
	for _, d := range []struct {
		what string
		Distribution
	}{{"kill to", r.KillToFirstDecision}, {"stop to", r.StopToFirstDecision}, {"hand-over to", r.HandoverToFirstDecision}} {
		if d.Max > 0 {
			fmt.Fprintf(w, "  %-35s p50 %s   max %s\n", d.what+" first decision", ms(d.P50), ms(d.Max))
		}
	}
	fmt.Fprintf(w, "  client's outage                     p50 %s   max %s\n", ms(r.ClientOutage.P50), ms(r.ClientOutage.Max))
	fmt.Fprintf(w, "  orders acknowledged                 %d (and %d rejected)\n", r.Acknowledged, r.Rejected)
	fmt.Fprintf(w, "  fills reported, volume              %d, %d\n", r.Trades, r.Volume)
	fmt.Fprintf(w, "  acknowledged and lost               %d\n", r.Lost)
	fmt.Fprintf(w, "  answered or executed twice          %d\n", r.Doubled)
	fmt.Fprintf(w, "  ordered against real time           %d (of %d new orders)\n", r.Misordered, r.Witnessed)
	fmt.Fprintf(w, "  against the rules of the market     %d (of %d messages played again)\n", r.RuleFaults, r.Replayed)
	fmt.Fprintf(w, "  requests without an answer          %d\n", r.Unanswered)
	fmt.Fprintf(w, "  numbers with a hole or two contents %d\n", r.NumberFaults)
	fmt.Fprintf(w, "  feed gaps, contradictions           %d, %d (of %d messages; %d more on the lines)\n", r.FeedGaps, r.FeedContradictions, r.FeedMessages, r.LineMessages)
	fmt.Fprintf(w, "  replicas diverged                   %d\n", r.Diverged)
	for _, v := range r.Receivers {
		fmt.Fprintf(w, "  receiver, %-27s %d messages from %d on; %d datagrams dropped, %d gaps, %d requests; %d orders, %d books differ\n",
			v.Name, v.Messages, v.BegunAt, v.Dropped, v.Gaps, v.Requests, v.Orders, v.Differences)
	}
	for _, f := range r.Faults {
		fmt.Fprintf(w, "  ! %s\n", f)
	}
	fmt.Fprintf(w, "%s\n", r.Verdict)
}
