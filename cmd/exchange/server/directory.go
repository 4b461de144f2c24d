package server

import (
	"sync/atomic"

	"exchange/book"
	"exchange/fix"
	"exchange/marketdata/itch"
)

// directory is what the gateways may know of the replicated state: who may log on, and what is traded. It changes when instruments are listed or
// sessions added, which the loop publishes as a new view; views are never changed.
type directory struct {
	cfg     *Config
	checker *logonChecker
	serving atomic.Bool // this replica leads and takes orders
	view    atomic.Pointer[directoryView]
}

type directoryView struct {
	instruments []fix.Instrument // by number; 0 is none
	bySymbol    map[string]uint16
	sessions    map[string]fixSession // by "SENDER>TARGET"
	accounts    []ouchLogin
}

func newDirectory(cfg *Config) *directory {
	d := &directory{cfg: cfg, checker: newLogonChecker()}
	d.view.Store(&directoryView{instruments: make([]fix.Instrument, 1), bySymbol: map[string]uint16{}, sessions: map[string]fixSession{}})
	return d
}

// session finds a session by the client's CompIDs.
func (d *directory) session(sender, target []byte) (fixSession, bool) {
	name := make([]byte, 0, 64)
	name = append(append(append(name, sender...), '>'), target...)
	s, ok := d.view.Load().sessions[string(name)]
	return s, ok
}

// Instrument finds an instrument by symbol.
func (d *directory) Instrument(symbol []byte) (fix.Instrument, bool) {
	v := d.view.Load()
	n, ok := v.bySymbol[string(symbol)]
	if !ok {
		return fix.Instrument{}, false
	}
	return v.instruments[n], true
}

// InstrumentByNumber finds an instrument by its number.
func (d *directory) InstrumentByNumber(number uint16) (fix.Instrument, bool) {
	v := d.view.Load()
	if number == 0 || int(number) >= len(v.instruments) {
		return fix.Instrument{}, false
	}
	return v.instruments[number], true
}

// copied gives a view to change, before it is published. The loop alone does it.
func (d *directory) copied() *directoryView {
	old := d.view.Load()
	v := &directoryView{
		instruments: append([]fix.Instrument(nil), old.instruments...), bySymbol: make(map[string]uint16, len(old.bySymbol)+1),
		sessions: make(map[string]fixSession, len(old.sessions)+1), accounts: append([]ouchLogin(nil), old.accounts...),
	}
	for k, n := range old.bySymbol {
		v.bySymbol[k] = n
	}
	for k, s := range old.sessions {
		v.sessions[k] = s
	}
	return v
}

// instrumentListed publishes an instrument, and gives what the feed needs of it.
func (d *directory) instrumentListed(number uint16, symbol string, tick, lot int64) itch.InstrumentInfo {
	v := d.copied()
	for len(v.instruments) <= int(number) {
		v.instruments = append(v.instruments, fix.Instrument{})
	}
	v.instruments[number] = fix.Instrument{Symbol: symbol, Number: number, Tick: tick, Lot: lot}
	v.bySymbol[symbol] = number
	d.view.Store(v)
	return itchInfo(symbol, tick, lot)
}

// sessionAdded publishes a session, with the settings that its configuration gives it.
func (d *directory) sessionAdded(number uint16, name string) {
	d.accountAdded(number, name)
	for _, s := range d.cfg.FIXSessions {
		if s.Name() != name {
			continue
		}
		v := d.copied()
		v.sessions[name] = d.cfg.session(number, s, d.checker)
		d.view.Store(v)
	}
}

// acceptor makes the settings of every connection.
func (c *Config) acceptor(r *Replica) fix.AcceptorConfig {
	return fix.AcceptorConfig{
		Market: marketView{r}, LogonTimeout: int64(c.Gateway.LogonTimeout), LogoutTimeout: int64(c.Gateway.LogoutTimeout)}
}

// limits makes the state machine's bounds.
func (c *Config) limits() book.Limits {
	l := book.DefaultLimits()
	l.Orders, l.ClientIDs, l.Sessions = c.Limits.Orders, c.Limits.ClientIDs, maxSessions-1
	return l
}
