package cluster

import (
	"crypto/rand"
	"fmt"

	"exchange/cmd/exchange/server"
)

// Target is the exchange's CompID in the sample market.
const Target = "EXCHANGE"

// Numbers of the sample market: its own traders', and those left free for clients from outside.
const (
	SampleTraders = 16 // sessions TRADER1 …, of which --traders says how many are used
	FreeSessions  = 8  // CLIENT1 …; the orders of the last two are cancelled when they stay away
	// OUCHTraders are the accounts OT1 …, FreeAccounts OUCH1 … for clients from outside.
	OUCHTraders  = 8
	FreeAccounts = 4
)

// ActiveSymbols are traded by the sample traders; IdleSymbols are left alone by them.
var (
	ActiveSymbols = []string{"ABC", "DEF", "GHI", "JKL"}
	IdleSymbols   = []string{"XYZ1", "XYZ2", "XYZ3", "XYZ4"}
)

// SampleMarket fills in instruments, participants and sessions of the demo. The passwords are made for this run.
func SampleMarket(c *server.Config) {
	c.Instruments = nil
	for _, s := range append(append([]string(nil), ActiveSymbols...), IdleSymbols...) {
		c.Instruments = append(c.Instruments, server.Instrument{Symbol: s, Tick: "0.01", Lot: 1})
	}
	c.Participants, c.FIXSessions, c.OUCHAccounts = nil, nil, nil
	add := func(sender, firm string) {
		c.Participants = append(c.Participants, firm)
		secret := password()
		c.FIXSessions = append(c.FIXSessions, server.FIXSession{
			Sender: sender, Target: Target, Participant: firm, Username: sender, Password: secret, MayReset: true,
			PasswordHash: server.HashPassword(secret, server.PassingHashCost),
		})
	}
	for i := 1; i <= SampleTraders; i++ {
		add(fmt.Sprintf("TRADER%d", i), fmt.Sprintf("FIRM%d", i))
	}
	for i := 1; i <= FreeSessions; i++ {
		add(fmt.Sprintf("CLIENT%d", i), fmt.Sprintf("OUTSIDE%d", i))
		c.FIXSessions[len(c.FIXSessions)-1].CancelOnDisconnect = i > FreeSessions-2
	}
	account := func(kind string, count int) {
		for i := 1; i <= count; i++ {
			name := fmt.Sprintf("%s%d", kind, i)
			c.Participants = append(c.Participants, "OF"+name)
			c.OUCHAccounts = append(c.OUCHAccounts, server.OUCHAccount{Username: name, Password: password()[:server.OUCHPasswordLen], Participant: "OF" + name})
		}
	}
	account("OT", OUCHTraders)
	account("OUCH", FreeAccounts)
}

func password() string { return rand.Text()[:12] }
