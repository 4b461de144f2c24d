package server

import (
	"fmt"
	"io"

	"github.com/valyala/fasthttp"
)

// metric is one line of what /metrics says, in the text format of Prometheus.
type metric struct {
	name, kind, means string
	value             uint64
}

// metrics answers with the figures of this replica's feed and how far it is.
func (h *httpServer) metrics(c *fasthttp.RequestCtx) {
	s := h.r.status.Load()
	if s == nil {
		c.Error("the replica is starting", fasthttp.StatusServiceUnavailable)
		return
	}
	c.SetContentType("text/plain; version=0.0.4")
	writeMetrics(c, s.ID, feedMetrics(s, h.r.feed.status()))
}

func feedMetrics(s *Status, f FeedStatus) []metric {
	fault := uint64(0)
	if f.SnapshotFault != "" {
		fault = 1
	}
	return []metric{
		{"exchange_commands_total", "counter", "Commands applied.", s.Commands},
		{"exchange_commit_index", "gauge", "Entries decided.", s.CommitIndex},
		{"exchange_lag_entries", "gauge", "Entries decided and not yet applied.", s.LagEntries},
		{"exchange_feed_number", "gauge", "Number of the feed's last message.", s.FeedNumber},
		{"exchange_feed_first_kept", "gauge", "Lowest feed number that is kept.", f.First},
		{"exchange_feed_differing_replicas", "gauge", "Replicas whose feed was seen to differ from this one's: an alarm from 1.", uint64(len(f.Differ))},
		{"exchange_feed_equal_at", "gauge", "Highest feed number at which all replicas that answered had the same messages.", f.EqualAt},
		{"exchange_feed_fault", "gauge", "1: the feed makes no books any more: an alarm.", fault},
		{"exchange_feed_connections", "gauge", "Clients of the feed over SoupBinTCP.", uint64(f.Connections)},
		{"exchange_feed_line_packets_total", "counter", "MoldUDP64 packets of this replica's line.", f.LinePackets},
		{"exchange_feed_line_errors_total", "counter", "Packets that the socket did not take.", f.LineErrors},
		{"exchange_feed_line_skipped_total", "counter", "Messages that were no longer kept when the line came to them.", f.LineSkipped},
		{"exchange_feed_line_unheard_total", "counter", "Messages for which nobody had the line's port open.", f.LineUnheard},
		{"exchange_feed_requests_total", "counter", "Requests for lost messages.", f.RequestsReceived},
		{"exchange_feed_requests_answered_total", "counter", "Those of them that were answered.", f.RequestsAnswered},
		{"exchange_feed_snapshot_next", "gauge", "Number from which a snapshot goes on at least; 0: none is given.", f.SnapshotNext},
		{"exchange_feed_snapshots_total", "counter", "Snapshots sent whole.", f.SnapshotsSent},
		{"exchange_feed_snapshots_refused_total", "counter", "Snapshots refused.", f.SnapshotsRefused},
	}
}

func writeMetrics(w io.Writer, replica int, all []metric) {
	for _, m := range all {
		fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s %s\n%s{replica=\"%d\"} %d\n", m.name, m.means, m.name, m.kind, m.name, replica, m.value)
	}
}
