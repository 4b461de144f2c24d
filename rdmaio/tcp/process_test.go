package tcp

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"exchange/rdmaio"
)

// The tests below run against a real process: this test binary, started again as a writer that never ends by itself.
const roleVariable = "EXCHANGE_TCP_TEST_WRITER" // "incarnation own-address peer-address"

// revocationsVariable asks for more rounds of the revocation test than a quick run has.
const revocationsVariable = "EXCHANGE_REVOCATIONS"

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		go func() { // the parent's end of our standard input closes when it ends
			_, _ = io.Copy(io.Discard, os.Stdin)
			os.Exit(3)
		}()
		var incarnation uint64
		var own, peer string
		if _, err := fmt.Sscan(role, &incarnation, &own, &peer); err != nil {
			panic(err)
		}
		s, err := newSide(Config{Cluster: "test", Local: 1, Incarnation: incarnation, Listen: own, Peers: map[rdmaio.NodeID]string{2: peer}})
		if err != nil {
			panic(err)
		}
		s.writeForever(2, new(atomic.Bool))
	}
	os.Exit(m.Run())
}

// startWriter starts process 1, which writes to process 2.
func startWriter(t *testing.T, incarnation uint64, at map[rdmaio.NodeID]string) *exec.Cmd {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), fmt.Sprintf("%s=%d %s %s", roleVariable, incarnation, at[1], at[2]))
	c.Stderr = os.Stderr
	if _, err := c.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill(); c.Wait() })
	return c
}

func makeOwner(t *testing.T, at map[rdmaio.NodeID]string) *side {
	return makeSide(t, Config{Cluster: "test", Local: 2, Incarnation: 1, Listen: at[2], Peers: at})
}

func (s *side) grantWhenThere(t *testing.T, peer rdmaio.NodeID, incarnation uint64) {
	t.Helper()
	until(t, "the peer can be granted to", func() bool {
		s.poll()
		if s.pairs[peer].State() == rdmaio.StateError {
			_ = s.pairs[peer].Reset()
		}
		return s.pairs[peer].PeerIncarnation() == incarnation && s.pairs[peer].ModifyAccess(rdmaio.RemoteWrite) == nil
	})
}

// A writer is stopped with writes on their way, its right is taken and the memory used otherwise; woken up, it changes nothing.
func TestStaleWriterWakesUp(t *testing.T) {
	at := freeAddresses(t, 2)
	o := makeOwner(t, at)
	w := startWriter(t, 1, at)
	o.grantWhenThere(t, 1, 1)
	for range 5 {
		before := o.snapshot()
		until(t, "the writer writes", func() bool { o.poll(); return o.snapshot() != before })
		if err := w.Process.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		if err := o.pairs[1].ModifyAccess(0); err != nil {
			t.Fatalf("revoking from a stopped process: %v", err)
		}
		for i := range writtenWords {
			atomic.StoreUint64(o.word(i), 1<<60)
		}
		then := o.snapshot()
		if err := w.Process.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(30 * time.Millisecond); time.Now().Before(end); o.poll() {
			if o.snapshot() != then {
				t.Fatal("the woken writer changed memory that was no longer its own")
			}
		}
		o.grantWhenThere(t, 1, 1)
	}
}

// A killed process is told dead, its right is gone, and its next incarnation has none.
func TestKilledProcess(t *testing.T) {
	at := freeAddresses(t, 2)
	o := makeOwner(t, at)
	w := startWriter(t, 1, at)
	o.grantWhenThere(t, 1, 1)
	before := o.snapshot()
	until(t, "the writer writes", func() bool { o.poll(); return o.snapshot() != before })
	if err := w.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	until(t, "the death is told", func() bool { return o.wasTold(rdmaio.PeerDown, 1, 1) })
	if a := o.pairs[1].Access(); a != 0 {
		t.Errorf("the dead has access %d", a)
	}
	then := o.snapshot()
	startWriter(t, 2, at)
	until(t, "the new incarnation is told", func() bool { return o.wasTold(rdmaio.PeerUp, 1, 2) })
	time.Sleep(20 * time.Millisecond) // it writes as soon as it can
	if o.snapshot() != then {
		t.Error("the new incarnation wrote without a right")
	}
	o.grantWhenThere(t, 1, 2)
	until(t, "the new incarnation writes", func() bool { o.poll(); return o.snapshot() != then })
}

// Revocations race with a process that writes as fast as it can.
func TestRevocationsAgainstAProcess(t *testing.T) {
	rounds := 300
	if text := os.Getenv(revocationsVariable); text != "" {
		var err error
		if rounds, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	at := freeAddresses(t, 2)
	o := makeOwner(t, at)
	startWriter(t, 1, at)
	o.grantWhenThere(t, 1, 1)
	revokeFromRunner(t, o, rounds)
}
