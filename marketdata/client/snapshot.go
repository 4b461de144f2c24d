package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"exchange/marketdata/depth"
	"exchange/marketdata/glimpse"
	"exchange/ouch/soupbin"
)

// Snapshot fetches the books as they are from a replica's snapshot port. Zero settings mean the defaults.
type Snapshot struct {
	// Addresses of the replicas' snapshot ports, HOST:PORT, tried in turn.
	Addresses []string
	// TLS, if not nil, is what the ports (itch_tls, glimpse_tls) are spoken to with.
	TLS *tls.Config
	// Username and Password, where the server asks for them.
	Username, Password string
	// Session of the feed; empty: the one now active.
	Session string
	// RetryAfter is the pause once every address was tried without success (default 50 ms); it doubles up to RetryAtMost (default 1 s).
	RetryAfter, RetryAtMost time.Duration
	// GiveUpAfter ends Take with an error when no replica gave a snapshot for so long (default: never).
	GiveUpAfter time.Duration
	// Notice, if not nil, is told of connections that came to nothing, and of the snapshot that was taken.
	Notice func(Notice)
}

// Taken is a snapshot.
type Taken struct {
	// Books as they were before message Next of the feed's Session; Address is whose they are.
	Books   *depth.Builder
	Next    uint64
	Session string
	Address string
}

// ErrSnapshotCut is a snapshot that ended before its last message.
var ErrSnapshotCut = errors.New("the snapshot was cut")

// Take fetches a whole snapshot: one that breaks off is begun anew at the next replica. It ends with the context (its error), or as GiveUpAfter says.
func (s *Snapshot) Take(ctx context.Context) (*Taken, error) {
	if len(s.Addresses) == 0 {
		return nil, errors.New("feed client: no snapshot port to connect to")
	}
	session, err := sessionNamed(s.Session)
	if err != nil {
		return nil, err
	}
	pause, atMost := or(s.RetryAfter, defaultRetryAfter), or(s.RetryAtMost, defaultRetryAtMost)
	start := time.Now()
	for at := 0; ; at++ {
		address := s.Addresses[at%len(s.Addresses)]
		taken, err := s.from(ctx, address, session)
		switch {
		case err == nil:
			s.notice(Notice{Kind: SnapshotTaken, Address: address, Number: taken.Next})
			return taken, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		}
		s.notice(Notice{Kind: Disconnected, Address: address, Err: err})
		if limit := s.GiveUpAfter; limit > 0 && time.Since(start) > limit {
			return nil, fmt.Errorf("feed client: no replica gave a snapshot for %v; the last one, %s: %w", limit, address, err)
		}
		if (at+1)%len(s.Addresses) == 0 {
			select {
			case <-time.After(pause):
			case <-ctx.Done():
				return nil, ctx.Err()
			}
			pause = min(2*pause, atMost)
		}
	}
}

func (s *Snapshot) notice(n Notice) {
	if s.Notice != nil {
		s.Notice(n)
	}
}

// sessionNamed reads a setting.
func sessionNamed(name string) (session soupbin.Session, err error) {
	if name == "" {
		return session, nil
	}
	if session, err = soupbin.MakeSession(name); err != nil {
		return session, fmt.Errorf("feed client: %w", err)
	}
	return session, nil
}

// snapshotSilence is how long a server may say nothing. It sends no heartbeats while it makes a snapshot.
const snapshotSilence = 15 * time.Second

// from takes one snapshot over one connection.
func (s *Snapshot) from(ctx context.Context, address string, session soupbin.Session) (*Taken, error) {
	conn, err := dial(ctx, address, s.TLS)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	core := soupbin.MakeClient(session, 1)
	if _, err := conn.Write(core.Login(nil, s.Username, s.Password, 0)); err != nil {
		return nil, err
	}
	taken := &Taken{Books: depth.NewBuilder(), Address: address}
	in := make([]byte, 0, receiveBuffer)
	for {
		_ = conn.SetReadDeadline(time.Now().Add(snapshotSilence))
		n, err := conn.Read(in[len(in):cap(in)])
		in = in[:len(in)+n]
		used, done, bad := taken.read(&core, in)
		switch {
		case bad != nil:
			return nil, bad
		case done:
			return taken, nil
		case err != nil:
			return nil, fmt.Errorf("%w: %w", ErrSnapshotCut, err)
		}
		in = in[:copy(in, in[used:])]
	}
}

// read applies the whole packets of in. done: the snapshot is complete.
func (t *Taken) read(core *soupbin.Client, in []byte) (used int, done bool, err error) {
	for {
		e, n, err := core.Receive(in[used:], 0)
		if err != nil || n == 0 {
			return used, false, err
		}
		used += n
		switch e.Kind {
		case soupbin.LoginWasAccepted:
			t.Session = e.Session.String()
		case soupbin.LoginWasRejected:
			return used, false, fmt.Errorf("%w: %s", ErrRejected, e.Reason)
		case soupbin.SessionEnded:
			return used, false, ErrSnapshotCut
		case soupbin.SequencedData:
			if len(e.Message) > 0 && e.Message[0] == glimpse.EndOfSnapshot {
				t.Next, err = glimpse.ParseEnd(e.Message)
				return used, err == nil, err
			}
			if _, err := t.Books.ApplyBytes(e.Message); err != nil {
				return used, false, fmt.Errorf("snapshot message %d: %w", e.Number, err)
			}
		}
	}
}
