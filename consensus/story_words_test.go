package consensus

import (
	"fmt"
	"strings"
	"time"

	"exchange/rdmaio"
)

func (s *story) letRun() { s.run(s.time(s.args(1)[0])) }

func (s *story) waitFor() {
	s.args(0, "leader", "followers", "applied", "voter", "waiting", "behind", "within")
	limit := s.time(s.setting("within", "20ms"))
	for _, a := range s.d.CmdArgs {
		if a.Key == "within" {
			continue
		}
		who, much, _ := strings.Cut(a.Vals[0], ":")
		id, k := s.replica(who), 0
		if much != "" {
			k = s.number(much)
		}
		so := map[string]func() bool{
			"leader":    func() bool { return s.nodes[id].Leading() },
			"followers": func() bool { return s.leads(id, k) && !s.nodes[id].lead.draining },
			"applied":   func() bool { return s.states[id].Index >= uint64(k) },
			"voter":     func() bool { return s.nodes[id].voter },
			"waiting":   func() bool { return s.nodes[id].role == Candidate },
			"behind":    func() bool { return s.nodes[id].empty },
		}[a.Key]
		s.must(a.String(), limit, so)
	}
}

func (s *story) proposeLines() {
	id := s.replica(s.args(1)[0])
	for line := range strings.Lines(strings.TrimSpace(s.d.Input)) {
		text := strings.TrimSpace(line)
		at, err := s.nodes[id].Propose([]byte(text))
		if err != nil {
			s.say(id, "refuses %s: %v", text, err)
			continue
		}
		s.say(id, "proposes %d %s", at.Index, text)
	}
}

func (s *story) load() {
	id := s.replica(s.args(1, "count", "size")[0])
	count, size := s.number(s.setting("count", "100")), s.number(s.setting("size", "100"))
	before := make([]uint64, s.size+1)
	for m := range before {
		before[m] = s.states[m].Index
	}
	s.silent = true
	proposed := 0
	s.must("load", time.Second, func() bool {
		for proposed < count {
			text := fmt.Sprintf("%d:", proposed)
			if _, err := s.nodes[id].Propose([]byte(text + strings.Repeat(".", size-len(text)))); err == ErrBusy {
				return false
			} else if err != nil {
				s.d.Fatalf(s.t, "%d of %d proposed: %v\n%s", proposed, count, err, s.statuses())
			}
			proposed++
		}
		return s.states[id].Index >= before[id]+uint64(count)
	})
	s.silent = false
	s.say(id, "has proposed %d entries of %d bytes", count, size)
	for m := 1; m <= s.size; m++ {
		if s.states[m].Index > before[m] {
			s.say(m, "has applied up to %d", s.states[m].Index)
		}
	}
}

func (s *story) crashOne() {
	words := s.args(-1)
	if len(words) == 2 && words[1] == "unnoticed" {
		id := s.replica(words[0])
		s.net.CrashUnnoticed(rdmaio.NodeID(id))
		s.nodes[id] = nil
	} else {
		s.crash(s.replica(s.args(1)[0]))
	}
	s.say(0, "-- %s is dead", words[0])
}

func (s *story) restart() {
	id := s.number(s.args(1)[0])
	if id < 1 || id > s.size || s.nodes[id] != nil {
		s.d.Fatalf(s.t, "replica %d runs, or there is none", id)
	}
	s.start(id)
	s.say(0, "-- %d starts again, without its memory", id)
}

func (s *story) takeState() {
	id, from := s.replica(s.args(1, "from")[0]), s.replica(s.setting("from", ""))
	at := s.nodes[from].applied
	if err := s.nodes[id].InstallSnapshot(at); err != nil {
		s.say(id, "cannot take the state of %d: %v", from, err)
		return
	}
	s.states[id] = at
	s.say(id, "takes the state of %d after entry %d", from, at.Index)
}

func (s *story) pause() {
	id := s.replica(s.args(1)[0])
	s.asleep[id] = s.d.Cmd == "pause"
	s.say(0, "-- %d %s", id, map[bool]string{true: "is paused", false: "wakes up"}[s.asleep[id]])
}

func (s *story) hold() {
	id := s.replica(s.args(1)[0])
	s.holds[id] = s.d.Cmd == "hold"
	s.say(0, "-- the application of %d %s", id, map[bool]string{true: "takes nothing", false: "goes on"}[s.holds[id]])
}

// link reads "1->2".
func (s *story) link(text string) (from, to rdmaio.NodeID) {
	a, b, ok := strings.Cut(text, "->")
	if !ok {
		s.d.Fatalf(s.t, "%q is no link: 1->2", text)
	}
	return rdmaio.NodeID(s.number(a)), rdmaio.NodeID(s.number(b))
}

func (s *story) cut() {
	if words := s.args(-1); len(words) == 2 {
		a, b := s.number(words[0]), s.number(words[1])
		s.net.Partition(rdmaio.NodeID(a), rdmaio.NodeID(b))
		s.say(0, "-- %d and %d are cut off from each other", a, b)
		return
	}
	from, to := s.link(s.args(1)[0])
	s.net.PartitionOneWay(from, to)
	s.say(0, "-- nothing of %d reaches %d", from, to)
}

func (s *story) heal() {
	if words := s.args(-1); len(words) == 2 {
		a, b := s.number(words[0]), s.number(words[1])
		s.net.Heal(rdmaio.NodeID(a), rdmaio.NodeID(b))
		s.say(0, "-- the link between %d and %d is mended", a, b)
		return
	}
	s.args(0)
	s.net.HealAll()
	s.say(0, "-- all links are mended")
}

func (s *story) delay() {
	words := s.args(2)
	from, to := s.link(words[0])
	d := s.time(words[1])
	s.net.SetDelay(from, to, int64(d))
	s.say(0, "-- from %d to %d takes %v longer", from, to, d)
}

func (s *story) unfence() {
	words := s.args(2)
	owner, writer := s.number(words[0]), s.number(words[1])
	s.net.Unfence(rdmaio.NodeID(owner), rdmaio.NodeID(writer), s.d.Cmd == "unfence")
	s.say(0, "-- %d %s stop the writes of %d", owner, map[bool]string{true: "cannot", false: "can again"}[s.d.Cmd == "unfence"], writer)
}

// tear goes on, event by event, to where a write of one lies half in the log of the other.
func (s *story) tear() {
	from, to := s.link(s.args(1)[0])
	writer, owner := s.nodes[from], s.nodes[to]
	at := writer.byID[to].acked
	if at == writer.lead.end.Offset {
		s.d.Fatalf(s.t, "replica %d has nothing on its way to %d", from, to)
	}
	before := string(owner.log.at(at)[:writer.lead.end.Offset-at])
	for string(owner.log.at(at)[:len(before)]) == before {
		if !s.net.Step() {
			s.d.Fatalf(s.t, "the write does not come")
		}
	}
	if string(owner.log.at(at)[:len(before)]) == string(writer.log.at(at)[:len(before)]) {
		s.d.Fatalf(s.t, "the write came whole: say torn at cluster")
	}
	s.say(0, "-- half of what %d writes lies in the log of %d", from, to)
}

func (s *story) tellStatus() {
	s.args(0)
	s.lines = append(s.lines, strings.Split(strings.TrimSpace(s.statuses()), "\n")...)
}

func (s *story) tellLog() {
	id := s.number(s.args(1)[0])
	s.lines = append(s.lines, strings.Split(strings.TrimSpace(s.entries(id)), "\n")...)
}

func (s *story) tellReasons() {
	s.args(0)
	for id := 1; id <= s.size; id++ {
		if n := s.nodes[id]; n != nil {
			s.lines = append(s.lines, fmt.Sprintf("%d %v: %s", id, n.role, n.reason))
		}
	}
}

func (s *story) everywhere() {
	text := strings.Join(s.args(-1), " ")
	for index, v := range s.values {
		if v != text {
			continue
		}
		for id := 1; id <= s.size; id++ {
			if s.nodes[id] != nil && s.states[id].Index < index {
				s.d.Fatalf(s.t, "replica %d has applied %d entries, not the %dth, %s", id, s.states[id].Index, index, text)
			}
		}
		s.lines = append(s.lines, fmt.Sprintf("all that live have applied %s, entry %d", text, index))
		return
	}
	s.d.Fatalf(s.t, "nobody has applied %s", text)
}

func (s *story) nowhere() {
	text := strings.Join(s.args(-1), " ")
	for index, v := range s.values {
		if v == text {
			s.d.Fatalf(s.t, "%s was applied as entry %d", text, index)
		}
	}
	s.lines = append(s.lines, "nobody ever applied "+text)
}

func (s *story) leaders() {
	var lead []string
	for id := 1; id <= s.size; id++ {
		if s.nodes[id] != nil && !s.asleep[id] && s.nodes[id].Leading() {
			lead = append(lead, fmt.Sprint(id))
		}
	}
	if want := s.args(-1); strings.Join(want, " ") != strings.Join(lead, " ") {
		s.d.Fatalf(s.t, "%v lead, not %v\n%s", lead, want, s.statuses())
	}
	s.lines = append(s.lines, "leading: "+strings.Join(lead, " "))
}

func (s *story) handover() {
	id := s.replica(s.args(1, "to")[0])
	if err := s.nodes[id].HandOver(rdmaio.NodeID(s.number(s.setting("to", "0")))); err != nil {
		s.say(id, "does not hand over: %v", err)
		return
	}
	s.say(id, "is asked to hand over")
}
