package client

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"

	"exchange/marketdata"
	"exchange/marketdata/feed"
	"exchange/ouch/soupbin"
)

// patience bounds how long a test waits for what has to come; nothing is measured by it.
const patience = 30 * time.Second

func messageOf(n uint64) []byte {
	return append(binary.BigEndian.AppendUint64(nil, n), bytes.Repeat([]byte{byte(n)}, int(n%40))...)
}

func session(t *testing.T, name string) soupbin.Session {
	t.Helper()
	s, err := soupbin.MakeSession(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// replica has its own copy of the feed and serves it, until it is killed.
type replica struct {
	t       *testing.T
	store   *feed.Store
	address string
	config  marketdata.ServerConfig
	mu      sync.Mutex
	server  *marketdata.Server
}

func newReplica(t *testing.T, config marketdata.ServerConfig) *replica {
	r := &replica{t: t, store: feed.NewStore(1 << 30), address: "127.0.0.1:0", config: config}
	r.start()
	t.Cleanup(r.kill)
	return r
}

// publish makes the replica's feed reach message n. By one goroutine only.
func (r *replica) publish(n uint64) {
	for i := r.store.Next(); i <= n; i++ {
		r.store.Append(i, messageOf(i))
	}
	r.store.Publish()
}

func (r *replica) start() {
	l, err := net.Listen("tcp", r.address)
	for deadline := time.Now().Add(patience); errors.Is(err, syscall.EADDRINUSE) && time.Now().Before(deadline); l, err = net.Listen("tcp", r.address) {
		time.Sleep(time.Millisecond) // while it was away its port was free, and some connection has it as its own end
	}
	if err != nil {
		r.t.Error(err)
		return
	}
	if r.address == "127.0.0.1:0" {
		r.address = l.Addr().String() // the same one when it starts again
	}
	server, err := marketdata.NewServer(r.store, r.config)
	if err != nil {
		r.t.Error(err)
		return
	}
	day, _ := soupbin.MakeSession("DAY0001")
	server.SetSession(day)
	go server.Serve(l)
	r.mu.Lock()
	r.server = server
	r.mu.Unlock()
}

func (r *replica) kill() {
	r.mu.Lock()
	server := r.server
	r.mu.Unlock()
	server.Close()
}

// inOrder is a handler that insists on every message in order and once, and ends the context after the last.
func inOrder(from, last uint64, done func()) Handler {
	next := from
	return func(number uint64, message []byte) error {
		if number != next || !bytes.Equal(message, messageOf(number)) {
			return fmt.Errorf("message %d %x came where %d is next", number, message, next)
		}
		if next++; number == last {
			done()
		}
		return nil
	}
}

// TestGoingOnAtAnotherReplica: three replicas at different places of the same feed are killed and started again all the time.
func TestGoingOnAtAnotherReplica(t *testing.T) {
	const messages = 30_000
	replicas := []*replica{newReplica(t, marketdata.ServerConfig{}), newReplica(t, marketdata.ServerConfig{}), newReplica(t, marketdata.ServerConfig{})}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	finished := make(chan struct{})
	var chaos sync.WaitGroup
	chaos.Add(1)
	go func() {
		defer chaos.Done()
		random := rand.New(rand.NewPCG(4, 2))
		for n := uint64(0); ; {
			if n < messages {
				n += 1 + random.Uint64N(600)
			}
			for _, r := range replicas {
				r.publish(min(n-random.Uint64N(min(n, 50)), messages))
			}
			if n >= messages {
				for _, r := range replicas {
					r.publish(messages)
				}
			}
			victim := replicas[random.IntN(3)]
			victim.kill()
			victim.start()
			select {
			case <-finished:
				return
			case <-time.After(time.Millisecond):
			}
		}
	}()
	connections := 0
	s := Soup{RetryAfter: time.Millisecond, Notice: func(n Notice) {
		if n.Kind == Connected {
			connections++
		}
	}}
	for _, r := range replicas {
		s.Addresses = append(s.Addresses, r.address)
	}
	done, stop := context.WithCancel(ctx)
	err := s.Run(done, inOrder(1, messages, stop))
	close(finished)
	chaos.Wait()
	if !errors.Is(err, context.Canceled) || ctx.Err() != nil {
		t.Fatalf("ended with %v", err)
	}
	if connections < 2 {
		t.Errorf("only %d connections: the test cuts nothing", connections)
	}
}

func TestTheSessionsEndEndsRun(t *testing.T) {
	r := newReplica(t, marketdata.ServerConfig{})
	r.publish(100)
	last := uint64(0)
	s := Soup{Addresses: []string{r.address}, From: 40, Session: "DAY0001"}
	err := s.Run(context.Background(), func(number uint64, _ []byte) error {
		if last == 0 && number != 40 {
			return fmt.Errorf("began with %d", number)
		}
		if last = number; number == 100 {
			r.server.EndSession()
		}
		return nil
	})
	if err != nil || last != 100 {
		t.Errorf("ended after %d with %v", last, err)
	}
}

func TestWhyRunEnds(t *testing.T) {
	r := newReplica(t, marketdata.ServerConfig{Username: "alice", Password: "secret"})
	r.publish(10)
	never := func(number uint64, _ []byte) error { return fmt.Errorf("got %d", number) }
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()

	wrong := Soup{Addresses: []string{r.address, r.address}, Username: "bob", RetryAfter: time.Millisecond}
	if err := wrong.Run(ctx, never); !errors.Is(err, ErrRejected) {
		t.Errorf("wrong user: %v", err)
	}
	ahead := Soup{Addresses: []string{r.address}, Username: "alice", Password: "secret", From: 12, RetryAfter: time.Millisecond, GiveUpAfter: 20 * time.Millisecond}
	if err := ahead.Run(ctx, never); !errors.Is(err, ErrRejected) {
		t.Errorf("ahead of the feed: %v", err)
	}
	if err := (&Soup{}).Run(ctx, never); err == nil {
		t.Error("no address")
	}
	if err := (&Soup{Addresses: []string{r.address}, Session: "not a name"}).Run(ctx, never); err == nil {
		t.Error("no session name")
	}
	enough := errors.New("enough")
	handler := func(number uint64, _ []byte) error {
		if number == 3 {
			return enough
		}
		return nil
	}
	good := Soup{Addresses: []string{r.address}, Username: "alice", Password: "secret"}
	if err := good.Run(ctx, handler); !errors.Is(err, enough) {
		t.Errorf("the handler's error: %v", err)
	}
	now := Soup{Addresses: []string{r.address}, Username: "alice", Password: "secret", FromNow: true, Notice: func(Notice) { r.publish(11) }}
	if err := now.Run(ctx, func(number uint64, _ []byte) error { return fmt.Errorf("first is %d", number) }); err == nil || err.Error() != "first is 11" {
		t.Errorf("from now: %v", err)
	}
}

// TestPacketsInPieces: what the server sends may come in pieces of any size.
func TestPacketsInPieces(t *testing.T) {
	server := soupbin.MakeServer(0)
	core := soupbin.MakeClient(soupbin.Session{}, 1)
	login := core.Login(nil, "anyone", "", 0)
	if e, _, err := server.Receive(login, 0); err != nil || e.Kind != soupbin.LoginRequested {
		t.Fatal(e, err)
	}
	all := server.Accept(nil, session(t, "DAY0001"), 1, 0)
	const messages = 300
	for n := uint64(1); n <= messages; n++ {
		all = server.AppendSequenced(all, messageOf(n), 0)
	}
	for size := 1; size < 200; size += 13 {
		core := soupbin.MakeClient(soupbin.Session{}, 1)
		core.Login(nil, "anyone", "", 0)
		done := false
		r := &stream{soup: &Soup{}, core: core, handler: inOrder(1, messages, func() { done = true }), in: make([]byte, 0, receiveBuffer)}
		for rest := all; len(rest) > 0; {
			n := min(size, len(rest))
			r.in, rest = append(r.in, rest[:n]...), rest[n:]
			if _, err := r.take("here"); err != nil {
				t.Fatalf("pieces of %d: %v", size, err)
			}
		}
		if !done || len(r.in) != 0 {
			t.Errorf("pieces of %d: done %v, %d bytes are left", size, done, len(r.in))
		}
	}
}
