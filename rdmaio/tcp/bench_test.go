package tcp

import (
	"io"
	"net"
	"testing"

	"exchange/rdmaio"
)

// BenchmarkWrite is one write of 64 bytes until it is complete; BenchmarkEcho is the same round trip with plain sockets, its floor.
func BenchmarkWrite(b *testing.B) {
	at := freeAddresses(b, 2)
	w := makeSide(b, Config{Cluster: "test", Local: 1, Incarnation: 1, Listen: at[1], Peers: at})
	o := makeSide(b, Config{Cluster: "test", Local: 2, Incarnation: 1, Listen: at[2], Peers: at})
	until(b, "both are ready", func() bool { return w.ready(2) && o.ready(1) })
	if err := o.pairs[1].ModifyAccess(rdmaio.RemoteWrite); err != nil {
		b.Fatal(err)
	}
	var c [1]rdmaio.Completion
	wr := rdmaio.WorkRequest{Opcode: rdmaio.Write, Local: w.local[:64]}
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		if err := w.pairs[2].PostSend(&wr); err != nil {
			b.Fatal(err)
		}
		for w.cq.Poll(c[:]) == 0 {
		}
		if c[0].Status != rdmaio.Success {
			b.Fatalf("status %d", c[0].Status)
		}
	}
}

func BenchmarkEcho(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		var in [requestBytes + 64]byte
		for {
			if _, err := io.ReadFull(c, in[:]); err != nil {
				return
			}
			if _, err := c.Write(in[:responseBytes]); err != nil {
				return
			}
		}
	}()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	var out [requestBytes + 64]byte
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		if _, err := c.Write(out[:]); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(c, out[:responseBytes]); err != nil {
			b.Fatal(err)
		}
	}
}
