package tcp

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"exchange/rdmaio"
)

// The test below gives each process a network of its own: two namespaces with a cable between them. That takes root and iproute2, so it runs only where
// netnsVariable asks for it. It starts this binary again inside the first namespace.
const (
	netnsVariable  = "EXCHANGE_NETNS"
	insideVariable = "EXCHANGE_NETNS_INSIDE"

	hereNS, thereNS   = "exchange-test-a", "exchange-test-b"
	hereIP, thereIP   = "10.77.0.1", "10.77.0.2"
	hereDev, thereDev = "exch-a", "exch-b"
)

func ip(t *testing.T, args string) {
	t.Helper()
	if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
		t.Fatalf("ip %s: %v: %s", args, err, out)
	}
}

func TestNetworkNamespaces(t *testing.T) {
	switch {
	case os.Getenv(netnsVariable) == "":
		t.Skip("needs root and iproute2: set " + netnsVariable + "=1 to run it")
	case os.Getenv(insideVariable) == "":
		cable(t)
		c := exec.Command("ip", "netns", "exec", hereNS, os.Args[0], "-test.run", "^TestNetworkNamespaces$", "-test.v", "-test.timeout", "60s")
		c.Env = append(os.Environ(), insideVariable+"=1")
		out, err := c.CombinedOutput()
		t.Logf("inside the namespace:\n%s", out)
		if err != nil {
			t.Fatal(err)
		}
	default:
		acrossTheCable(t)
	}
}

// cable makes two namespaces and a cable between them.
func cable(t *testing.T) {
	for _, ns := range []string{hereNS, thereNS} {
		_ = exec.Command("ip", "netns", "del", ns).Run() // of a run that was killed
		ip(t, "netns add "+ns)
		t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", ns).Run() })
	}
	ip(t, "link add "+hereDev+" netns "+hereNS+" type veth peer name "+thereDev+" netns "+thereNS)
	for _, end := range [][3]string{{hereNS, hereDev, hereIP}, {thereNS, thereDev, thereIP}} {
		ip(t, "-n "+end[0]+" addr add "+end[2]+"/24 dev "+end[1])
		ip(t, "-n "+end[0]+" link set "+end[1]+" up")
		ip(t, "-n "+end[0]+" link set lo up")
	}
}

// acrossTheCable has a process at the other end write to this one's memory while the cable is cut and mended.
func acrossTheCable(t *testing.T) {
	at := map[rdmaio.NodeID]string{1: thereIP + ":7701", 2: hereIP + ":7702"}
	o := makeOwner(t, at)
	w := exec.Command("ip", "netns", "exec", thereNS, os.Args[0])
	w.Env = append(os.Environ(), roleVariable+"=1 "+at[1]+" "+at[2])
	w.Stderr = os.Stderr
	if _, err := w.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { w.Process.Kill(); w.Wait() }()
	o.grantWhenThere(t, 1, 1)
	writes := func(when string) {
		t.Helper()
		before := o.snapshot()
		until(t, "the writer writes "+when, func() bool {
			o.poll()
			if o.pairs[1].State() == rdmaio.StateError {
				_ = o.pairs[1].Reset()
			}
			return o.snapshot() != before
		})
	}
	writes("at first")
	for _, c := range []struct{ name, cut, mend string }{
		{"the cable is cut", "-n " + thereNS + " link set " + thereDev + " down", "-n " + thereNS + " link set " + thereDev + " up"},
		{
			"what comes from the writer is lost", "-n " + thereNS + " route add blackhole " + hereIP + "/32", "-n " + thereNS + " route del blackhole " + hereIP + "/32",
		},
		{
			"what goes to the writer is lost", "-n " + hereNS + " route add blackhole " + thereIP + "/32", "-n " + hereNS + " route del blackhole " + thereIP + "/32",
		},
	} {
		until(t, "the pair is ready", func() bool {
			if o.pairs[1].State() == rdmaio.StateError {
				_ = o.pairs[1].Reset()
			}
			return o.ready(1)
		})
		o.told = o.told[:0]
		ip(t, c.cut)
		start := time.Now()
		until(t, "it is noticed that "+c.name, func() bool { o.poll(); return o.pairs[1].State() == rdmaio.StateError })
		t.Logf("%s: noticed after %v, with %v allowed", c.name, time.Since(start).Round(time.Millisecond), o.cfg.Unreachable)
		if o.wasTold(rdmaio.PeerDown, 1, 1) {
			t.Errorf("%s: taken for the writer's death", c.name)
		}
		ip(t, c.mend)
		writes("after " + c.name + " and mended")
	}
}
