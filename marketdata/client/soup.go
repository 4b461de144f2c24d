package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"exchange/ouch/soupbin"
)

// Soup follows the feed over SoupBinTCP. Zero settings mean the defaults.
type Soup struct {
	// Addresses of the replicas, HOST:PORT, tried in turn.
	Addresses []string
	// TLS, if not nil, is what the ports (itch_tls, glimpse_tls) are spoken to with.
	TLS *tls.Config
	// Username and Password, where the server asks for them.
	Username, Password string
	// Session wanted; empty: the one now active. Whichever it is, a Run stays in it.
	Session string
	// From is the number of the first message wanted (default 1); FromNow wants only what comes after the login.
	From    uint64
	FromNow bool
	// RetryAfter is the pause once every address was tried without success (default 50 ms); it doubles up to RetryAtMost (default 1 s).
	RetryAfter, RetryAtMost time.Duration
	// GiveUpAfter ends Run with an error when no replica took a login for so long (default: never).
	GiveUpAfter time.Duration
	// NotServedAfter ends Run with ErrNotServed when every replica has refused the next number for so long (default: never).
	NotServedAfter time.Duration
	// Notice, if not nil, is told of connections made and lost.
	Notice func(Notice)
	// Capture, if not nil, gets every packet that comes, whole and as it came: a stream of SoupBinTCP, of several connections one after another if it
	// took several. Its error ends Run.
	Capture io.Writer
}

const (
	defaultRetryAfter  = 50 * time.Millisecond
	defaultRetryAtMost = time.Second
	dialTimeout        = 2 * time.Second
	// loginPatience is how long a server may take to answer a login before the next one is tried.
	loginPatience = 3 * time.Second
	// tickInterval is how often the timers are looked at while nothing comes.
	tickInterval = 250 * time.Millisecond
	// receiveBuffer takes many packets at once, and at least the longest one.
	receiveBuffer = 256 << 10
)

var (
	// ErrRejected is wrapped by the error of a login that was refused.
	ErrRejected = errors.New("login rejected")
	// ErrNotServed is a number that no replica serves: it is no longer kept, or the market has begun anew. A snapshot helps.
	ErrNotServed = errors.New("no replica serves the next message")
	errNoAnswer  = errors.New("no answer to the login")
	errEnded     = errors.New("the session ended")
)

// stream is one Run of a Soup.
type stream struct {
	soup    *Soup
	core    soupbin.Client
	handler Handler
	// failed is the handler's error: it ends Run.
	failed error
	start  time.Time
	in     []byte
	out    []byte
}

// Run calls the handler with every message until the context ends (its error is returned), the session ends (nil), the handler
// fails (its error), or no replica takes a login any more (GiveUpAfter, or all of them refuse the user).
func (s *Soup) Run(ctx context.Context, handler Handler) error {
	if len(s.Addresses) == 0 {
		return errors.New("feed client: no address to connect to")
	}
	session, err := sessionNamed(s.Session)
	if err != nil {
		return err
	}
	from := max(s.From, 1)
	if s.FromNow {
		from = 0
	}
	r := &stream{soup: s, core: soupbin.MakeClient(session, from), handler: handler, start: time.Now(), in: make([]byte, 0, receiveBuffer)}
	return r.run(ctx)
}

// run connects to one address after another.
func (r *stream) run(ctx context.Context) error {
	pause := or(r.soup.RetryAfter, defaultRetryAfter)
	atMost := or(r.soup.RetryAtMost, defaultRetryAtMost)
	lastGood, unauthorized := time.Now(), 0
	// refused counts the refusals of the number in a row, the first of which was at refusedSince.
	refused, refusedSince := 0, time.Now()
	for at := 0; ; at++ {
		address := r.soup.Addresses[at%len(r.soup.Addresses)]
		accepted, err := r.follow(ctx, address)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case r.failed != nil:
			return r.failed
		case errors.Is(err, errEnded):
			return nil
		case accepted:
			lastGood, pause = time.Now(), or(r.soup.RetryAfter, defaultRetryAfter)
		}
		r.notice(Notice{Kind: Disconnected, Address: address, Number: r.core.NextNumber(), Err: err})
		if unauthorized++; !errors.Is(err, errUnauthorized) {
			unauthorized = 0
		}
		if unauthorized >= len(r.soup.Addresses) {
			return fmt.Errorf("feed client: every replica says: %w", err)
		}
		if refused++; !errors.Is(err, errUnavailable) {
			refused, refusedSince = 0, time.Now()
		}
		if limit := r.soup.NotServedAfter; limit > 0 && refused > len(r.soup.Addresses) && time.Since(refusedSince) > limit {
			return fmt.Errorf("feed client: %w, %d; the last one asked is %s", ErrNotServed, r.core.NextNumber(), address)
		}
		if limit := r.soup.GiveUpAfter; limit > 0 && time.Since(lastGood) > limit {
			return fmt.Errorf("feed client: no replica served message %d for %v; the last one, %s: %w", r.core.NextNumber(), limit, address, err)
		}
		if (at+1)%len(r.soup.Addresses) == 0 {
			select {
			case <-time.After(pause):
			case <-ctx.Done():
				return ctx.Err()
			}
			pause = min(2*pause, atMost)
		}
	}
}

func or(setting, otherwise time.Duration) time.Duration {
	if setting > 0 {
		return setting
	}
	return otherwise
}

func (r *stream) notice(n Notice) {
	if r.soup.Notice != nil {
		r.soup.Notice(n)
	}
}

func (r *stream) now() int64 { return int64(time.Since(r.start)) }

// follow is one connection: login, then messages until it breaks.
func (r *stream) follow(ctx context.Context, address string) (accepted bool, err error) {
	conn, err := dial(ctx, address, r.soup.TLS)
	if err != nil {
		return false, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()

	r.in = r.in[:0]
	r.out = r.core.Login(r.out[:0], r.soup.Username, r.soup.Password, r.now())
	if _, err := conn.Write(r.out); err != nil {
		return false, err
	}
	answerBy := time.Now().Add(loginPatience)
	for {
		conn.SetReadDeadline(time.Now().Add(tickInterval))
		n, err := conn.Read(r.in[len(r.in):cap(r.in)])
		r.in = r.in[:len(r.in)+n]
		if n > 0 {
			took, err := r.take(address)
			accepted = accepted || took
			if err != nil {
				return accepted, err
			}
		}
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return accepted, err
		}
		if !accepted && time.Now().After(answerBy) {
			return false, errNoAnswer
		}
		if r.out, err = r.core.Tick(r.out[:0], r.now()); err != nil {
			return accepted, err
		}
		if len(r.out) > 0 {
			if _, err := conn.Write(r.out); err != nil {
				return accepted, err
			}
		}
	}
}

var (
	errUnauthorized = fmt.Errorf("%w: %s", ErrRejected, soupbin.NotAuthorized)
	errUnavailable  = fmt.Errorf("%w: %s", ErrRejected, soupbin.SessionNotAvailable)
)

// take handles the whole packets that have come.
func (r *stream) take(address string) (accepted bool, err error) {
	used := 0
	defer func() { r.in = r.in[:copy(r.in, r.in[used:])] }()
	for {
		e, n, err := r.core.Receive(r.in[used:], r.now())
		if n > 0 && r.soup.Capture != nil {
			if _, r.failed = r.soup.Capture.Write(r.in[used : used+n]); r.failed != nil {
				return accepted, r.failed
			}
		}
		used += n
		switch {
		case err != nil:
			return accepted, err
		case n == 0:
			return accepted, nil
		}
		switch e.Kind {
		case soupbin.LoginWasAccepted:
			accepted = true
			r.notice(Notice{Kind: Connected, Address: address, Number: e.Number})
		case soupbin.LoginWasRejected:
			if e.Reason == soupbin.NotAuthorized {
				return accepted, errUnauthorized
			}
			if e.Reason == soupbin.SessionNotAvailable {
				return accepted, errUnavailable
			}
			return accepted, fmt.Errorf("%w: %s", ErrRejected, e.Reason)
		case soupbin.SequencedData:
			if r.failed = r.handler(e.Number, e.Message); r.failed != nil {
				return accepted, r.failed
			}
		case soupbin.SessionEnded:
			return accepted, errEnded
		}
	}
}
