package ouch

import (
	"exchange/book"
	"exchange/ouch/soupbin"
)

// Directory is the view of the exchange that an Acceptor needs. The server gives it; its methods are called by many acceptors at once, must not block,
// and what they return stays true while the acceptor lives.
type Directory interface {
	// Account finds the account that a login names, and checks its password.
	Account(login *soupbin.Login) (Account, bool)
	// Claim binds the account's session to the connection that asks. Another connection that has it is cut: a client that comes again has lost it.
	Claim(session uint16)
	// Stream tells of the session's numbered messages: the lowest number kept, and the number of the next one.
	Stream(session uint16) (first, next uint64)
	InstrumentTable
}

// InstrumentTable is what is traded.
type InstrumentTable interface {
	// Instrument finds an instrument by its symbol.
	Instrument(symbol Symbol) (Instrument, bool)
	// InstrumentByNumber finds an instrument by its number in the book. It knows every instrument that an event can name.
	InstrumentByNumber(number uint16) (Instrument, bool)
}

// Instrument is what the codec needs to know of an instrument.
type Instrument struct {
	Symbol Symbol
	// Number is the instrument's number in the book, from 1.
	Number uint16
	// Tick is the tick size in 1/10,000, at least 1. Lot is the lot size in shares, at least 1.
	Tick, Lot int64
}

// Account is one account's settings.
type Account struct {
	// Session is its number in the book.
	Session uint16
	// Stream names its stream of numbered messages: the same on every replica.
	Stream soupbin.Session
	// Firm is that of orders which name none; blank: none.
	Firm Firm
	// MaxRate is how many orders and replacements a second are taken, in bursts of as many; 0: any number.
	MaxRate int
	// SelfTrade says what happens when an order meets another of the same group of participants.
	SelfTrade book.SelfTrade
}
