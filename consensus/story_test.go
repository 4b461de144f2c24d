package consensus

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
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
//	handover 1 [to=2]        a leader is asked to hand over
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
		"heal": s.heal, "delay": s.delay, "unfence": s.unfence, "fence": s.unfence, "tear": s.tear, "handover": s.handover, "status": s.tellStatus,
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
