package marketdata

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"exchange/marketdata/feed"
	"exchange/ouch/soupbin"
)

// ServerConfig holds the settings of a Server; zero means the default.
type ServerConfig struct {
	// Username and Password that a login must have; both empty: any login is taken.
	Username, Password string
	// MaxConnections bounds the connections at once (default 256); one more is closed at once.
	MaxConnections int
	// WriteTimeout is how long a client may take nothing before it is cut (default 10 s). It can log in again and go on.
	WriteTimeout time.Duration
	// Closed, if not nil, is told why each connection ended. It must not block.
	Closed func(remote net.Addr, why error)
}

const (
	defaultMaxConnections = 256
	defaultWriteTimeout   = 10 * time.Second
	// tickInterval is how often a connection looks at its timers.
	tickInterval = 250 * time.Millisecond
	// sendBuffer is how much of the store goes into one write.
	sendBuffer = 64 << 10
	// receiveBuffer holds the longest packet a client may send.
	receiveBuffer = soupbin.HeaderLen + soupbin.ServerMaxPayload
)

// Why a connection of a Server ended.
var (
	ErrTooManyConnections = errors.New("too many connections: the limit is reached")
	ErrLoginRefused       = errors.New("login refused")
	ErrLoggedOut          = errors.New("the client logged out")
	ErrEndOfSession       = errors.New("the session is over")
	ErrServerClosed       = errors.New("the server is closed")
	ErrTooSlow            = errors.New("the client is so slow that what it needs next is no longer kept")
)

// Server serves a store over SoupBinTCP: a login names the next number wanted, and the stream goes on from there.
type Server struct {
	store  *feed.Store
	config ServerConfig
	start  time.Time
	// tick is tickInterval, but for tests of what must not wait for it.
	tick time.Duration

	session atomic.Pointer[soupbin.Session]
	ended   atomic.Bool

	mu          sync.Mutex
	closed      bool
	listeners   map[net.Listener]struct{}
	connections map[*connection]struct{}
	follower    *feed.Follower
	wg          sync.WaitGroup
}

// NewServer makes a server of the store. Logins are refused until SetSession. It takes one of the store's followers.
func NewServer(store *feed.Store, config ServerConfig) (*Server, error) {
	if config.MaxConnections <= 0 {
		config.MaxConnections = defaultMaxConnections
	}
	if config.WriteTimeout <= 0 {
		config.WriteTimeout = defaultWriteTimeout
	}
	s := &Server{
		store: store, config: config, start: time.Now(), tick: tickInterval,
		listeners: map[net.Listener]struct{}{}, connections: map[*connection]struct{}{},
	}
	var err error
	if s.follower, err = store.FollowExpress(s.expressly, s.wakeAll); err != nil {
		return nil, err
	}
	return s, nil
}

// SetSession names the session, from replicated state: the same on every replica. From now on logins are taken.
func (s *Server) SetSession(session soupbin.Session) { s.session.Store(&session) }

// EndSession sends every client what is left, then End of Session, and closes its connection; and so it does with those that log in later, since they may have
// missed something. Nothing may be appended to the store any more.
func (s *Server) EndSession() {
	s.ended.Store(true)
	s.wakeAll()
}

// Connections counts the clients.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.connections)
}

// Serve takes connections until Close or an error of the listener, which it owns. It may be called for several listeners.
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
		case s.isClosed():
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

func (s *Server) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

const acceptPause = 100 * time.Millisecond

// take begins a connection, or closes it if there are too many.
func (s *Server) take(conn net.Conn) {
	c := newConnection(s, conn)
	s.mu.Lock()
	refuse := error(nil)
	switch {
	case s.closed:
		refuse = ErrServerClosed
	case len(s.connections) >= s.config.MaxConnections:
		refuse = ErrTooManyConnections
	default:
		s.connections[c] = struct{}{}
		s.wg.Add(1)
	}
	s.mu.Unlock()
	if refuse != nil {
		conn.Close()
		s.report(conn, refuse)
		return
	}
	go func() {
		defer s.wg.Done()
		why := c.run()
		s.mu.Lock()
		delete(s.connections, c)
		s.mu.Unlock()
		s.report(conn, why)
	}()
}

func (s *Server) report(conn net.Conn, why error) {
	if s.config.Closed != nil {
		s.config.Closed(conn.RemoteAddr(), why)
	}
}

// Close closes the listeners and every connection, and waits until all is over.
func (s *Server) Close() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	for l := range s.listeners {
		l.Close()
	}
	for c := range s.connections {
		c.end(ErrServerClosed)
	}
	s.mu.Unlock()
	s.follower.Close()
	s.wg.Wait()
}

// wakeAll wakes the connections that wait. It is the store's follower: a connection that has nothing to send arms itself, then the follower, then looks
// once more, so whoever publishes after that look wakes it here.
func (s *Server) wakeAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.connections {
		c.wakeIfArmed()
	}
}

// expressConnections is up to how many connections the writer of the store sends new messages to itself.
const expressConnections = 2

// expressly sends what is new on the thread of the store's writer, if connections and messages are few: to wake a connection's writer costs more than the
// write. It tells whether all is on its way.
func (s *Server) expressly() bool {
	if !s.mu.TryLock() {
		return false
	}
	defer s.mu.Unlock()
	if len(s.connections) > expressConnections || s.ended.Load() {
		return false
	}
	all := true
	for c := range s.connections {
		all = c.expressly() && all
	}
	return all
}

// now is the connections' clock.
func (s *Server) now() int64 { return int64(time.Since(s.start)) }
