package moldudp64

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"exchange/marketdata/feed"
)

// PublisherConfig holds the settings of a line; zero means the default.
type PublisherConfig struct {
	Session Session
	// Destinations get every packet: one multicast group, or a list of unicast addresses.
	Destinations []netip.AddrPort
	// Interface is the name of the network interface for multicast; empty: the system's choice.
	Interface string
	// TTL is how many routers a multicast packet may pass (default 1: none).
	TTL int
	// From is the number of the first message published; 0: the next one.
	From uint64
	// MaxPacket is the longest packet in bytes (default DefaultMaxPacket). A single longer message goes alone.
	MaxPacket int
	// Heartbeat is how long the line may be idle (default 1 s).
	Heartbeat time.Duration
}

const (
	// burstPackets bounds what is sent without a pause of burstPause: a receiver's socket holds not much more.
	burstPackets = 64
	burstPause   = time.Millisecond
	// endRepeats is how often the end of the session is sent before Close returns.
	endRepeats = 3
	// unheardPause is how long a line waits that nobody heard: so much later may a receiver that begins to listen have its first packet.
	unheardPause = 5 * time.Millisecond
)

// Publisher is one line of the feed. It reads the store by itself, in a goroutine; what is little the store's writer sends itself, without waiting for
// anything.
//
// A packet to a port of this host that nobody has open costs more than one that is heard: the system answers it. Where all destinations are such, and the
// system tells, a line passes over what had been published when it found that out, for nobody could have heard it, and waits for unheardPause before it tries again.
// What is published after a receiver has opened its port it gets.
type Publisher struct {
	config   PublisherConfig
	store    *feed.Store
	follower *feed.Follower
	ended    atomic.Bool

	// sending is held by whoever reads on and sends: the line's goroutine, or the writer of the store.
	sending sync.Mutex
	sender  *sender
	reader  feed.Reader
	buf     []byte
	wake    chan struct{}
	done    chan struct{}
	once    sync.Once
	wg      sync.WaitGroup

	// quietUntil is when a line that nobody heard tries again, since start; 0: it was heard. Under sending.
	quietUntil time.Duration

	packets, sendErrors atomic.Uint64
	skipped, unheard    atomic.Uint64
	next                atomic.Uint64 // what is below was sent, skipped, or passed over
	start               time.Time
	lastSent            atomic.Int64 // ns since start
}

// PublisherStatus counts what a line did.
type PublisherStatus struct {
	// Packets sent, to each destination; SendErrors of the socket (the packet is lost, receivers ask again).
	Packets, SendErrors uint64
	// Skipped messages: the store dropped them before they were sent.
	Skipped uint64
	// Unheard messages were sent, or passed over, while nobody had the port open.
	Unheard uint64
	// Next is the number of the next message to be sent.
	Next uint64
}

// NewPublisher opens the line's socket and starts publishing. It takes one of the store's followers.
func NewPublisher(store *feed.Store, config PublisherConfig) (*Publisher, error) {
	if config.MaxPacket == 0 {
		config.MaxPacket = DefaultMaxPacket
	}
	if config.Heartbeat <= 0 {
		config.Heartbeat = time.Second
	}
	if config.TTL <= 0 {
		config.TTL = 1
	}
	switch {
	case len(config.Destinations) == 0:
		return nil, errors.New("moldudp64: no destination: name a multicast group or unicast addresses")
	case config.Session.Blank():
		return nil, errors.New("moldudp64: no session name")
	case config.MaxPacket < HeaderLen+BlockLen || config.MaxPacket > LargestPacket:
		return nil, fmt.Errorf("moldudp64: packets of %d bytes; %d to %d are possible", config.MaxPacket, HeaderLen+BlockLen, LargestPacket)
	}
	config.Destinations = slices.Clone(config.Destinations)
	for i, d := range config.Destinations {
		config.Destinations[i] = netip.AddrPortFrom(d.Addr().Unmap(), d.Port())
	}
	sender, err := openSender(&config)
	if err != nil {
		return nil, fmt.Errorf("moldudp64: opening a line to %v: %w", config.Destinations, err)
	}
	p := &Publisher{config: config, store: store, sender: sender, wake: make(chan struct{}, 1), done: make(chan struct{}), start: time.Now()}
	p.reader = store.NewReader(config.From)
	p.next.Store(p.reader.Number())
	p.buf = make([]byte, 0, HeaderLen+BlockLen+feed.MaxMessage+config.MaxPacket)
	if p.follower, err = store.FollowExpress(p.expressly, nil); err != nil {
		sender.close()
		return nil, err
	}
	p.wg.Add(1)
	go func() {
		defer p.wg.Done()
		p.publish()
	}()
	return p, nil
}

// Status counts what the line did.
func (p *Publisher) Status() PublisherStatus {
	return PublisherStatus{Packets: p.packets.Load(), SendErrors: p.sendErrors.Load(), Skipped: p.skipped.Load(), Unheard: p.unheard.Load(), Next: p.next.Load()}
}

// EndSession publishes what is left and from then on the end of the session in place of heartbeats, until Close. Nothing may be
// appended to the store any more.
func (p *Publisher) EndSession() {
	p.ended.Store(true)
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// Close ends the line, after what is published now has been sent.
func (p *Publisher) Close() {
	p.once.Do(func() {
		close(p.done)
		p.wg.Wait()
		p.follower.Close()
		p.sending.Lock()
		defer p.sending.Unlock()
		p.sender.close()
	})
}

// publish is the line's loop: what is new, or a heartbeat when nothing was for a while.
func (p *Publisher) publish() {
	idle := time.NewTimer(p.config.Heartbeat)
	defer idle.Stop()
	for {
		p.follower.Arm()
		ended := p.ended.Load()
		if pause := p.drain(p.store.Next()); pause > 0 {
			p.follower.Disarm() // what comes meanwhile goes out together
			select {
			case <-time.After(pause):
				continue
			case <-p.done:
				p.finish()
				return
			}
		}
		if ended {
			p.say(AppendEndOfSession)
		}
		select {
		case <-p.follower.C:
		case <-p.wake:
		case <-idle.C:
			wait := p.config.Heartbeat - (time.Since(p.start) - time.Duration(p.lastSent.Load()))
			if wait <= 0 {
				wait = p.config.Heartbeat
				if !ended {
					p.say(AppendHeartbeat)
				}
			}
			idle.Reset(wait)
		case <-p.done:
			p.finish()
			return
		}
	}
}

// finish sends what is left.
func (p *Publisher) finish() {
	p.sending.Lock()
	p.quietUntil = 0
	p.sending.Unlock()
	p.drain(p.store.Next())
	for range endRepeats {
		if p.ended.Load() {
			p.say(AppendEndOfSession)
		}
	}
}

// say sends a packet without messages.
func (p *Publisher) say(appendTo func(dst []byte, session Session, number uint64) []byte) {
	p.sending.Lock()
	defer p.sending.Unlock()
	p.send(appendTo(p.buf[:0], p.config.Session, p.reader.Number()), 0)
}

// expressMessages is up to how many new messages the writer of the store sends itself: a packet or two.
const expressMessages = 64

// expressly sends what is new on the thread of the store's writer, if it is little: two wake-ups of other threads cost more than the packet.
func (p *Publisher) expressly() bool {
	if !p.sending.TryLock() {
		return false
	}
	defer p.sending.Unlock()
	next := p.store.Next()
	if next-p.reader.Number() > expressMessages || p.pause() > 0 {
		return false
	}
	for p.reader.Number() < next {
		before := p.reader
		packet, count, err := fill(p.buf[:0], p.config.Session, &p.reader, p.config.MaxPacket, MaxCount)
		if count == 0 || err != nil && !errors.Is(err, feed.ErrNotYet) {
			p.reader = before
			return false
		}
		sent, failed := p.sender.express(packet)
		if !sent {
			p.reader = before // the line's goroutine does it
			return false
		}
		p.sendErrors.Add(uint64(failed))
		p.told(next)
	}
	return true
}

// told notes that a packet was sent, before which everything below number next had been published. Under sending.
func (p *Publisher) told(next uint64) {
	p.packets.Add(1)
	now := time.Since(p.start)
	p.lastSent.Store(int64(now))
	p.quietUntil = 0
	if !p.sender.heard() {
		p.quietUntil = now + unheardPause
		if p.reader.Number() < next {
			p.reader = p.store.NewReader(next)
		}
		p.unheard.Add(p.reader.Number() - p.next.Load())
	}
	p.next.Store(p.reader.Number())
}

// pause is how long the line is to wait yet because nobody heard it. Under sending.
func (p *Publisher) pause() time.Duration {
	if p.quietUntil == 0 {
		return 0
	}
	return max(0, p.quietUntil-time.Since(p.start))
}

// drain sends everything below number next. If nobody hears the line it gives how long to wait before the next attempt.
func (p *Publisher) drain(next uint64) (pause time.Duration) {
	for sent := 1; ; sent++ {
		p.sending.Lock()
		if pause = p.pause(); pause > 0 || p.reader.Number() >= next {
			p.sending.Unlock()
			return pause
		}
		packet, count, err := fill(p.buf[:0], p.config.Session, &p.reader, p.config.MaxPacket, MaxCount)
		if count > 0 {
			p.send(packet, next)
		}
		if errors.Is(err, feed.ErrDropped) {
			first := p.store.First()
			p.skipped.Add(first - p.reader.Number())
			p.reader = p.store.NewReader(first)
			p.next.Store(first)
		}
		p.sending.Unlock()
		if sent%burstPackets == 0 {
			time.Sleep(burstPause)
		}
	}
}

// send sends a packet to all destinations, before which everything below number next had been published. Under sending.
func (p *Publisher) send(packet []byte, next uint64) {
	p.sendErrors.Add(uint64(p.sender.send(packet)))
	p.told(next)
}
