package glimpse

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"exchange/ouch/soupbin"
)

// ServerConfig holds the settings of a Server; zero means the default.
type ServerConfig struct {
	// Session is the feed's: a snapshot belongs to it.
	Session soupbin.Session
	// Username and Password that a login must have; both empty: any login is taken.
	Username, Password string
	// MaxConnections bounds the snapshots under way (default 64); one more is closed at once. Each holds an image.
	MaxConnections int
	// WriteTimeout is how long a client may take nothing before it is cut (default 10 s).
	WriteTimeout time.Duration
	// Closed, if not nil, is told how each connection ended; ErrServed: the client got all of it. It must not block.
	Closed func(remote net.Addr, why error)
}

const (
	defaultMaxConnections = 64
	defaultWriteTimeout   = 10 * time.Second
	// patience bounds the wait for an image.
	patience = 30 * time.Second
	// piece is how much is written at once.
	piece = 64 << 10
	// farewell is how long a client may take to close after the end.
	farewell      = 5 * time.Second
	receiveBuffer = soupbin.HeaderLen + soupbin.ServerMaxPayload
	acceptPause   = 100 * time.Millisecond
)

// How a connection ended.
var (
	ErrServed             = errors.New("the snapshot was sent")
	ErrTooManyConnections = errors.New("too many snapshots are under way: the limit is reached")
	ErrLoginRefused       = errors.New("login refused")
	ErrServerClosed       = errors.New("the server is closed")
)

// Server is the snapshot port.
type Server struct {
	keeper *Keeper
	config ServerConfig
	start  time.Time
	ctx    context.Context
	cancel context.CancelFunc

	mu        sync.Mutex
	closed    bool
	listeners map[net.Listener]struct{}
	conns     map[net.Conn]struct{}
	wg        sync.WaitGroup

	served, refused atomic.Uint64
}

// NewServer makes a server of the keeper's images. The keeper stays the caller's.
func NewServer(keeper *Keeper, config ServerConfig) (*Server, error) {
	if config.Session.Blank() {
		return nil, errors.New("glimpse: no session name")
	}
	if config.MaxConnections <= 0 {
		config.MaxConnections = defaultMaxConnections
	}
	if config.WriteTimeout <= 0 {
		config.WriteTimeout = defaultWriteTimeout
	}
	s := &Server{keeper: keeper, config: config, start: time.Now(), listeners: map[net.Listener]struct{}{}, conns: map[net.Conn]struct{}{}}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s, nil
}

// Counts gives how many snapshots were sent whole, and how many logins were refused.
func (s *Server) Counts() (served, refused uint64) { return s.served.Load(), s.refused.Load() }

// Serve takes connections until Close or an error of the listener, which it owns.
func (s *Server) Serve(l net.Listener) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		l.Close()
		return ErrServerClosed
	}
	s.listeners[l] = struct{}{}
	s.mu.Unlock()
	for {
		conn, err := l.Accept()
		switch {
		case err == nil:
			s.take(conn)
		case s.ctx.Err() != nil:
			return ErrServerClosed
		case errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.ECONNABORTED):
			time.Sleep(acceptPause) // out of file descriptors: others may be given back
		default:
			s.mu.Lock()
			delete(s.listeners, l)
			s.mu.Unlock()
			l.Close()
			return err
		}
	}
}

// take begins a connection, or closes it if there are too many.
func (s *Server) take(conn net.Conn) {
	s.mu.Lock()
	var refuse error
	switch {
	case s.closed:
		refuse = ErrServerClosed
	case len(s.conns) >= s.config.MaxConnections:
		refuse = ErrTooManyConnections
	default:
		s.conns[conn] = struct{}{}
		s.wg.Add(1)
	}
	s.mu.Unlock()
	if refuse != nil {
		s.finish(conn, refuse)
		return
	}
	go func() {
		defer s.wg.Done()
		why := s.serve(conn)
		s.mu.Lock()
		delete(s.conns, conn)
		s.mu.Unlock()
		s.finish(conn, why)
	}()
}

func (s *Server) finish(conn net.Conn, why error) {
	conn.Close()
	switch {
	case errors.Is(why, ErrServed):
		s.served.Add(1)
	case errors.Is(why, ErrLoginRefused), errors.Is(why, ErrTooManyConnections):
		s.refused.Add(1)
	}
	if s.config.Closed != nil {
		s.config.Closed(conn.RemoteAddr(), why)
	}
}

// Close closes the listeners and every connection, and waits until all is over.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	s.cancel()
	for l := range s.listeners {
		l.Close()
	}
	for c := range s.conns {
		c.Close()
	}
	s.mu.Unlock()
	s.wg.Wait()
}

// serve is one connection: a login, the image, the end.
func (s *Server) serve(conn net.Conn) error {
	core := soupbin.MakeServer(s.now())
	login, err := s.login(conn, &core)
	if errors.Is(err, soupbin.ErrPacket) {
		_ = s.write(conn, soupbin.AppendPacket(nil, soupbin.Debug, []byte(err.Error())))
	}
	if err != nil {
		return err
	}
	if s.config.Username+s.config.Password != "" && !login.Is(s.config.Username, s.config.Password) {
		return s.refuse(conn, &core, soupbin.NotAuthorized, nil)
	}
	// The stream is this login's own and starts at 1: there is nothing to go on from.
	if _, ok := login.Decide(s.config.Session, 1, 1); !ok {
		return s.refuse(conn, &core, soupbin.SessionNotAvailable, nil)
	}
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	image, err := s.keeper.Image(ctx)
	if err != nil {
		return s.refuse(conn, &core, soupbin.SessionNotAvailable, err)
	}
	defer image.Release()
	if err := s.write(conn, core.Accept(nil, s.config.Session, 1, s.now())); err != nil {
		return err
	}
	for rest := image.packets; len(rest) > 0; {
		n := min(piece, len(rest))
		if err := s.write(conn, rest[:n]); err != nil {
			return err
		}
		rest = rest[n:]
	}
	if err := s.write(conn, core.EndOfSession(nil, s.now())); err != nil {
		return err
	}
	// Closed by us with bytes of the client unread, the connection would be reset, and the client might lose the end.
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.CloseWrite()
	}
	_ = conn.SetReadDeadline(time.Now().Add(farewell))
	for buf := make([]byte, receiveBuffer); ; {
		if _, err := conn.Read(buf); err != nil {
			return ErrServed
		}
	}
}

// login reads the client's first packet.
func (s *Server) login(conn net.Conn, core *soupbin.Server) (*soupbin.Login, error) {
	_ = conn.SetReadDeadline(time.Now().Add(soupbin.LoginLimit))
	buf := make([]byte, receiveBuffer)
	for have := 0; ; {
		n, err := conn.Read(buf[have:])
		if err != nil {
			return nil, fmt.Errorf("no login: %w", err)
		}
		have += n
		for used := 0; ; {
			e, n, err := core.Receive(buf[used:have], s.now())
			switch {
			case err != nil:
				return nil, err
			case e.Kind == soupbin.LoginRequested:
				return &e.Login, nil
			case e.Kind == soupbin.LogoutRequested:
				return nil, errors.New("the client logged out before its login")
			}
			if used += n; n == 0 {
				have = copy(buf, buf[used:have])
				break
			}
		}
	}
}

func (s *Server) refuse(conn net.Conn, core *soupbin.Server, reason soupbin.Reason, why error) error {
	if err := s.write(conn, core.Reject(nil, reason, s.now())); err != nil {
		return err
	}
	if why != nil {
		return fmt.Errorf("%w: %w", ErrLoginRefused, why)
	}
	return fmt.Errorf("%w: %s", ErrLoginRefused, reason)
}

func (s *Server) write(conn net.Conn, b []byte) error {
	_ = conn.SetWriteDeadline(time.Now().Add(s.config.WriteTimeout))
	if _, err := conn.Write(b); err != nil {
		return fmt.Errorf("writing: %w", err)
	}
	return nil
}

func (s *Server) now() int64 { return int64(time.Since(s.start)) }
