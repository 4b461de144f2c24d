package server

import (
	"errors"
	"fmt"
	"strings"

	"exchange/book"
	"exchange/ouch"
	"exchange/ouch/soupbin"
)

// OUCHAccount is one counterparty's OUCH account. Its user name is its session's name in the replicated state.
type OUCHAccount struct {
	Username           string `toml:"username" json:"username" comment:"At most 6 letters and digits; upper and lower case are the same."`
	Password           string `toml:"password" json:"password" comment:"1 to 10 characters; upper and lower case are the same."`
	Participant        string `toml:"participant" json:"participant"`
	Firm               string `toml:"firm" json:"firm" comment:"Firm of orders that name none: at most 4 letters. Empty: none."`
	CancelOnDisconnect bool   `toml:"cancel_on_disconnect" json:"cancel_on_disconnect"`
	MaxRate            int    `toml:"max_rate" json:"max_rate" comment:"Orders and replacements taken in a second, in bursts of as many; 0: any number. Cancels always pass."`
	Certificate        string `toml:"certificate" json:"-" comment:"Name that the client's TLS certificate has to be for. Empty: any."`
	SelfTrade          string `toml:"self_trade" json:"self_trade" comment:"When an order meets one of its own participant's: allowed, cancel-newest, cancel-oldest, cancel-both or decrement. Empty: allowed."`
}

var selfTrades = map[string]book.SelfTrade{
	"": book.SelfTradeAllowed, "allowed": book.SelfTradeAllowed, "cancel-newest": book.CancelNewest, "cancel-oldest": book.CancelOldest, "cancel-both": book.CancelBoth,
	"decrement": book.DecrementAndCancel,
}

// Lengths of what a login carries.
const (
	ouchUsernameLen = 6
	OUCHPasswordLen = 10
	ouchFirmLen     = 4
)

// checkAccounts says what is wrong with the OUCH accounts.
func (c *Config) checkAccounts() error {
	names := map[string]bool{}
	for _, a := range c.OUCHAccounts {
		name := strings.ToUpper(a.Username)
		switch {
		case name == "" || len(name) > ouchUsernameLen || strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != "" || names[name]:
			return fmt.Errorf("ouch_accounts: username %q: 1 to %d letters and digits, each once, whatever the case", a.Username, ouchUsernameLen)
		case a.Password == "" || len(a.Password) > OUCHPasswordLen || !printable(a.Password) || strings.TrimSpace(a.Password) != a.Password:
			return fmt.Errorf("ouch_accounts: %s: the password needs 1 to %d characters, without blanks at its ends", a.Username, OUCHPasswordLen)
		case len(a.Firm) > ouchFirmLen || !printable(a.Firm):
			return fmt.Errorf("ouch_accounts: %s: firm %q: at most %d letters", a.Username, a.Firm, ouchFirmLen)
		case a.MaxRate < 0 || a.MaxRate > 1_000_000_000:
			return fmt.Errorf("ouch_accounts: %s: max_rate %d; it must lie in 0..1000000000", a.Username, a.MaxRate)
		case !knownSelfTrade(a.SelfTrade):
			return fmt.Errorf("ouch_accounts: %s: self_trade %q; choose one of: allowed, cancel-newest, cancel-oldest, cancel-both, decrement", a.Username, a.SelfTrade)
		case !contains(c.Participants, a.Participant):
			return fmt.Errorf("ouch_accounts: %s: participant %q is not in participants", a.Username, a.Participant)
		}
		names[name] = true
	}
	if len(c.FIXSessions)+len(c.OUCHAccounts) >= maxSessions {
		return errors.New("fix_sessions, ouch_accounts: there are too many together; 4094 are the most")
	}
	return nil
}

func knownSelfTrade(s string) bool {
	_, known := selfTrades[s]
	return known
}

func printable(s string) bool {
	for _, r := range s {
		if r < ' ' || r > '~' {
			return false
		}
	}
	return true
}

// addAccounts appends what brings the accounts into the market that are missing there.
func (c *Config) addAccounts(m *book.Market, q []book.Command) []book.Command {
	for _, a := range c.OUCHAccounts {
		if _, known := m.SessionByName(a.Username); known {
			continue
		}
		add := book.Command{Kind: book.AddSession, ClientID: clientID(a.Username), OrigID: clientID(a.Participant), Protocol: book.OUCH}
		if a.CancelOnDisconnect {
			add.Flags |= book.CancelOnDisconnect
		}
		q = append(q, add)
	}
	return q
}

// ouchLogin is an account and what its login must be.
type ouchLogin struct {
	username, password, certificate string
	account                         ouch.Account
}

// accountAdded publishes an OUCH account.
func (d *directory) accountAdded(number uint16, name string) {
	for _, a := range d.cfg.OUCHAccounts {
		if a.Username != name {
			continue
		}
		stream, _ := soupbin.MakeSession(d.cfg.FeedSession) // checked with the configuration
		v := d.copied()
		v.accounts = append(v.accounts, ouchLogin{a.Username, a.Password, a.Certificate, ouch.Account{
			Session: number, Stream: stream, Firm: ouch.MakeFirm(a.Firm), MaxRate: a.MaxRate, SelfTrade: selfTrades[a.SelfTrade],
		}})
		d.view.Store(v)
		return
	}
}

// ouchDirectory is the directory as one OUCH connection sees it.
type ouchDirectory struct {
	d *directory
	c *ouchConn
}

// Account finds the account of a login. All are looked at, so that the time does not tell which user names there are.
func (d ouchDirectory) Account(l *soupbin.Login) (account ouch.Account, ok bool) {
	accounts := d.d.view.Load().accounts
	for i := range accounts {
		if a := &accounts[i]; l.Is(a.username, a.password) && certified(d.c.socket, a.certificate) {
			account, ok = a.account, true
		}
	}
	return account, ok
}

// Claim makes the connection its session's own, in place of the one before.
func (d ouchDirectory) Claim(session uint16) { d.c.g.claim(session, d.c) }

// Stream tells what is kept of a session's messages.
func (d ouchDirectory) Stream(session uint16) (first, next uint64) {
	return d.c.g.r.outbox.reports.kept(session)
}

func (d ouchDirectory) Instrument(symbol ouch.Symbol) (ouch.Instrument, bool) {
	v := d.d.view.Load()
	n, ok := v.bySymbol[string(ouch.Trim(symbol[:]))]
	if !ok {
		return ouch.Instrument{}, false
	}
	return d.InstrumentByNumber(n)
}

func (d ouchDirectory) InstrumentByNumber(number uint16) (ouch.Instrument, bool) {
	in, ok := d.d.InstrumentByNumber(number)
	if !ok {
		return ouch.Instrument{}, false
	}
	return ouch.Instrument{Symbol: ouch.MakeSymbol(in.Symbol), Number: in.Number, Tick: in.Tick, Lot: in.Lot}, true
}
