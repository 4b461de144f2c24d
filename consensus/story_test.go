package consensus

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"exchange/rdmaio"
)

// The stories in testdata are told in these words. What a word does not know, it refuses.
//
//	cluster n=3 [led] [torn] [log=16384] [window=4096] [payload=512] [pin=3ms] [push=10us] [layout-of=2]
//	                         N replicas on a calm fabric; led: replica 1 leads them already; torn: every write becomes visible in two halves;
//	                         layout-of: that one has another log size
//	run 10ms                 let time go by
//	until leader=1 | followers=1:2 | applied=2:5 | voter=3 | waiting=2 | behind=3 [within=20ms]
//	                         let time go by until it is so; the story fails if it does not become so
//	propose 1                the lines that follow are payloads, one each
//	load 1 count=100 [size=100]
//	                         propose so many as fast as the log takes them, and say only who applied how many
//	crash 1 [unnoticed]      the process ends; unnoticed: nobody is told
//	restart 1                it starts again, without its memory, as a learner
//	state 1 from=2           it takes the state of another replica's application
//	pause 1 | wake 1         SIGSTOP and SIGCONT: a paused process does nothing, its memory still takes writes
//	hold 1 | take 1          its application stops taking entries, and goes on
//	cut 1 2 | cut 1->2 | heal  links, both ways, one way, all
//	delay 1->2 1ms           what goes from one to the other takes so much longer
//	unfence 1 2 | fence 1 2  1 cannot be sure that writes of 2 have stopped
//	tear 1->2                let time go by, polling nobody, until half of a write of 1 lies in the log of 2
//	status | log 2 | reasons what they say of themselves; what lies in a log, dead or alive; the last reason of each
//	everywhere TEXT          fails unless all that live have applied it
//	nowhere TEXT             fails if anyone ever applied it
//	leaders ID …             fails unless exactly these lead, of those that are awake
type story struct {
	*stage
	d *datadriven.TestData
}

func TestStories(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		if !strings.HasSuffix(path, ".txt") {
			return
		}
		s := &story{}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			s.d = d
			if d.Cmd == "cluster" {
				s.stage = s.cluster(t)
			}
			if s.stage == nil {
				d.Fatalf(t, "a story begins with cluster")
			}
			s.t = t
			s.do()
			return s.told()
		})
	})
}

func (s *story) do() {
	s.t.Helper()
	words := map[string]func(){
		"cluster": func() {}, "run": s.letRun, "until": s.waitFor, "propose": s.proposeLines, "load": s.load, "crash": s.crashOne,
		"restart": s.restart, "state": s.takeState, "pause": s.pause, "wake": s.pause, "hold": s.hold, "take": s.hold, "cut": s.cut,
		"heal": s.heal, "delay": s.delay, "unfence": s.unfence, "fence": s.unfence, "tear": s.tear, "status": s.tellStatus,
		"log": s.tellLog, "reasons": s.tellReasons, "everywhere": s.everywhere, "nowhere": s.nowhere, "leaders": s.leaders,
	}
	f := words[s.d.Cmd]
	if f == nil {
		s.d.Fatalf(s.t, "no such word; there are %v", sortedKeys(words))
	}
	f()
}

func sortedKeys(m map[string]func()) []string {
	var k []string
	for w := range m {
		k = append(k, w)
	}
	sort.Strings(k)
	return k
}

// args checks that there are so many words behind the command and only these settings.
func (s *story) args(words int, settings ...string) []string {
	s.t.Helper()
	var plain []string
	for _, a := range s.d.CmdArgs {
		if len(a.Vals) == 0 {
			plain = append(plain, a.Key)
		} else if !strings.Contains(" "+strings.Join(settings, " ")+" ", " "+a.Key+" ") {
			s.d.Fatalf(s.t, "no setting %q here; there are %v", a.Key, settings)
		}
	}
	if words >= 0 && len(plain) != words {
		s.d.Fatalf(s.t, "%d words wanted behind %s, %d found: %v", words, s.d.Cmd, len(plain), plain)
	}
	return plain
}

func (s *story) setting(key, otherwise string) string {
	if a, ok := s.d.Arg(key); ok && len(a.Vals) == 1 {
		return a.Vals[0]
	}
	return otherwise
}

func (s *story) number(text string) int {
	s.t.Helper()
	v, err := strconv.Atoi(text)
	if err != nil {
		s.d.Fatalf(s.t, "%q is no number", text)
	}
	return v
}

func (s *story) time(text string) time.Duration {
	s.t.Helper()
	v, err := time.ParseDuration(text)
	if err != nil {
		s.d.Fatalf(s.t, "%q is no time", text)
	}
	return v
}

// replica reads the id of one that runs.
func (s *story) replica(text string) int {
	s.t.Helper()
	id := s.number(text)
	if id < 1 || id > s.size || s.nodes[id] == nil {
		s.d.Fatalf(s.t, "no replica %q runs", text)
	}
	return id
}

func (s *story) cluster(t *testing.T) *stage {
	s.stage = &stage{t: t}
	plain := s.args(-1, "n", "log", "window", "payload", "pin", "push", "layout-of")
	fabric, led := calmFabric(), false
	for _, w := range plain {
		switch w {
		case "torn":
			fabric.TornWrite = 1
		case "led":
			led = true
		default:
			s.d.Fatalf(t, "no word %q here", w)
		}
	}
	c := smallConfig()
	c.LogBytes = s.number(s.setting("log", fmt.Sprint(c.LogBytes)))
	c.WindowBytes = s.number(s.setting("window", fmt.Sprint(c.WindowBytes)))
	c.MaxPayload = s.number(s.setting("payload", fmt.Sprint(c.MaxPayload)))
	c.MaxLogPin = int64(s.time(s.setting("pin", "3ms")))
	c.CommitPush = int64(s.time(s.setting("push", "10us")))
	odd := s.number(s.setting("layout-of", "0"))
	g := newStage(t, s.number(s.setting("n", "3")), fabric, func(id int) Config {
		own := c
		if id == odd {
			own.LogBytes *= 2
		}
		return own
	})
	g.startAll()
	if led {
		g.must("a leader at first", 20*time.Millisecond, func() bool { return g.leads(1, g.size-1) && !g.nodes[1].lead.draining })
		g.lines = g.lines[:0]
	}
	head := "    time   "
	for id := 1; id <= g.size; id++ {
		head += fmt.Sprintf("  %d ", id)
	}
	g.lines = append(g.lines, head)
	if led {
		g.say(1, "leads, number %s, and all others are confirmed", number(g.nodes[1].lead.proposal))
	}
	return g
}

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
