package server

import (
	"slices"

	"github.com/valyala/fasthttp"
)

// FeedStatus is what a replica says of its market data.
type FeedStatus struct {
	// EqualAt is the highest feed number at which every other replica that answered had the same messages up to there; Differ names those that had
	// others: an alarm.
	EqualAt uint64 `json:"equal_at"`
	Differ  []int  `json:"differ"`
	// SnapshotNext is the number that a snapshot taken now would at least go on from; 0: none is given.
	SnapshotNext     uint64 `json:"snapshot_next"`
	SnapshotsSent    uint64 `json:"snapshots_sent"`
	SnapshotsRefused uint64 `json:"snapshots_refused"`
	// SnapshotFault is why the feed makes no books, which is an alarm; empty: it does.
	SnapshotFault string `json:"snapshot_fault"`
	// First is the lowest number that is kept, Connections the clients over SoupBinTCP.
	First       uint64 `json:"first_kept"`
	Connections int    `json:"connections"`
	// Of the line: packets sent, errors of the socket, messages that were no longer kept when their turn came, messages for which nobody had the port open;
	// requests that came and those answered.
	LinePackets      uint64 `json:"line_packets"`
	LineErrors       uint64 `json:"line_errors"`
	LineSkipped      uint64 `json:"line_skipped"`
	LineUnheard      uint64 `json:"line_unheard"`
	RequestsReceived uint64 `json:"requests_received"`
	RequestsAnswered uint64 `json:"requests_answered"`
}

// Alarm tells that the feed is not to be trusted.
func (s *FeedStatus) Alarm() bool { return len(s.Differ) > 0 || s.SnapshotFault != "" }

// status gathers it; any goroutine may call it.
func (f *feedPorts) status() (s FeedStatus) {
	s.Differ = []int{}
	if f == nil {
		return s
	}
	equalAt, differ := f.twins.status()
	slices.Sort(differ)
	s.EqualAt, s.Differ = equalAt, append(s.Differ, differ...)
	if f.glimpse != nil {
		k := f.keeper.Status()
		s.SnapshotNext = k.Next
		if k.Fault != nil {
			s.SnapshotFault = k.Fault.Error()
		}
		s.SnapshotsSent, s.SnapshotsRefused = f.glimpse.Counts()
	}
	s.First, s.Connections = f.line.store.First(), f.server.Connections()
	f.line.status(&s)
	return s
}

// status adds the line's part.
func (l *moldLine) status(s *FeedStatus) {
	if p := l.publisher.Load(); p != nil {
		sent := p.Status()
		s.LinePackets, s.LineErrors, s.LineSkipped, s.LineUnheard = sent.Packets, sent.SendErrors, sent.Skipped, sent.Unheard
	}
	if l.requests != nil {
		s.RequestsReceived, s.RequestsAnswered = l.requests.Counts()
	}
}

// answerFeed answers what is asked of the feed; false: it is not about the feed.
func (h *httpServer) answerFeed(c *fasthttp.RequestCtx, path string) bool {
	switch path {
	case "/v1/feed/hash":
		h.feedHash(c)
	case "/v1/books":
		h.books(c)
	case metricsPath:
		h.metrics(c)
	default:
		return false
	}
	return true
}
