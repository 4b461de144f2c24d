package server

// Status is what one replica says of itself, as /v1/status gives it. Times are nanoseconds.
type Status struct {
	Schema     string `json:"schema"` // exchange.replica/v1
	Cluster    string `json:"cluster"`
	ID         int    `json:"id"`
	PID        int    `json:"pid"`
	Provider   string `json:"provider"`
	Durability string `json:"durability"`
	Fencing    string `json:"fencing"`

	Role        string `json:"role"` // leader, candidate, follower, learner
	Leader      int    `json:"leader"`
	Voter       bool   `json:"voter"`
	Serving     bool   `json:"serving"` // takes orders
	Incarnation uint64 `json:"incarnation"`
	Epoch       uint64 `json:"epoch"` // proposal number
	Reason      string `json:"reason"`
	Majority    bool   `json:"majority"` // a majority with its memory is in reach
	Confirmed   []int  `json:"confirmed"`

	CommitIndex  uint64 `json:"commit_index"`
	AppliedIndex uint64 `json:"applied_index"`
	LagEntries   uint64 `json:"lag_entries"`
	LogUsed      uint64 `json:"log_used_bytes"`
	Chain        uint32 `json:"chain"` // of the applied entries

	Commands     uint64 `json:"commands"`    // applied, from 1: the index that state_hash belongs to
	StateHash    string `json:"state_hash"`  // rolling over every command and event
	FullHash     string `json:"full_hash"`   // of the whole state; only when asked for (?full=1)
	BookHash     string `json:"book_hash"`   // of the books and trades alone; with full_hash
	Orders       uint64 `json:"orders"`      // accepted
	Trades       uint64 `json:"trades"`      //
	Volume       uint64 `json:"volume"`      //
	Resting      int    `json:"resting"`     //
	Sessions     int    `json:"sessions"`    // known
	Connected    int    `json:"connected"`   // sessions with a live connection, by the replicated state
	FeedNumber   uint64 `json:"feed_number"` // last
	Time         int64  `json:"time_ns"`     // of the latest command, since the Unix epoch
	FeedHash     string `json:"feed_hash"`   // rolling over the feed's messages
	FeedSession  string `json:"feed_session"`
	InboxWaiting int    `json:"inbox_waiting"`

	Feed FeedStatus `json:"feed"`

	// LeaderSince and FirstDecision are CLOCK_MONOTONIC times of this host: when this replica last became leader, and when its first
	// new command after that was decided. 0: never.
	LeaderSince   int64 `json:"leader_since_mono_ns"`
	FirstDecision int64 `json:"first_decision_mono_ns"`
	MonoNow       int64 `json:"mono_now_ns"`
	Heard         int64 `json:"-"` // when the one who asked had the answer, by his own clock
}

// ClockOffset is what has to be added to the replica's times to make them the asker's, but for the time that the answer took.
func (s *Status) ClockOffset() int64 { return s.Heard - s.MonoNow }
