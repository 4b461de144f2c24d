package fix

// Directory is the view of the exchange that an Acceptor needs: who may log on, and what is traded. The server gives it; its methods are
// called by many acceptors at once, must not block, and what they return stays true while the acceptor lives.
type Directory interface {
	// Session finds the session of a client's SenderCompID (49) and TargetCompID (56). The slices are not kept.
	Session(sender, target []byte) (SessionConfig, bool)
	// Claim binds the session to the connection that asks; false: another connection has it. The server gives it free when the acceptor is
	// Over: not sooner, or an answer to the old connection's Logon could be taken for the new one's.
	Claim(session uint16) bool
	InstrumentTable
}

// InstrumentTable is what is traded.
type InstrumentTable interface {
	// Instrument finds an instrument by its symbol, which is not kept.
	Instrument(symbol []byte) (Instrument, bool)
	// InstrumentByNumber finds an instrument by its number in the book. It knows every instrument that an event can name.
	InstrumentByNumber(number uint16) (Instrument, bool)
}

// Instrument is what the codec needs to know of an instrument.
type Instrument struct {
	Symbol string
	// Number is the instrument's number in the book, from 1.
	Number uint16
	// Tick is the tick size in 1/10,000, at least 1.
	Tick int64
	// Lot is the lot size in shares, at least 1.
	Lot int64
}

// priceScale is the number of decimals of Tick's unit.
const priceScale = 4

// decimals is how many digits after the point a price of the instrument has.
func (i *Instrument) decimals() int {
	d := priceScale
	for t := i.Tick; d > 0 && t%10 == 0; t /= 10 {
		d--
	}
	return d
}

// SessionConfig is one session's settings.
type SessionConfig struct {
	// Number is the session's number in the book.
	Number uint16
	// Sender is the client's CompID, Target ours: 49 and 56 of what the client sends.
	Sender, Target string
	// Version is what the session speaks; nil: FIX44.
	Version *Version
	// Authenticate checks Username (553) and Password (554), nil if absent; it keeps neither. nil: everyone is let in.
	Authenticate func(username, password []byte) bool
	// MinHeartbeat and MaxHeartbeat bound HeartBtInt (108) in seconds. MaxHeartbeat 0: 3,600.
	MinHeartbeat, MaxHeartbeat uint16
	// ResetOnLogon resets the numbers at every Logon. MayReset lets the client do it (141=Y). The book's session must have MayReset set
	// for either.
	ResetOnLogon, MayReset bool
	// SendNextExpected puts NextExpectedMsgSeqNum (789) into our Logon.
	SendNextExpected bool
	// DropCopy is a session that gets copies of its participant's reports, and enters nothing. The book's session must have DropCopy set.
	DropCopy bool
	// MessagesPerSecond bounds application messages, MessageBurst those at once; 0: no bound. What is too much is refused, and after more than
	// MaxRefused in a row the session is logged out; 0: never.
	MessagesPerSecond, MessageBurst, MaxRefused int
	// Precision of our times.
	Precision TimePrecision
	// SendingTimeWindow is how far SendingTime (52) may be from our clock, in ns. 0: 120 s; negative: not checked.
	SendingTimeWindow int64
}

// Defaults of SessionConfig.
const (
	defaultMaxHeartbeat      = 3600
	defaultSendingTimeWindow = 120 * nanosPerSecond
)

func (c *SessionConfig) setDefaults() {
	if c.Version == nil {
		c.Version = FIX44
	}
	if c.MaxHeartbeat == 0 {
		c.MaxHeartbeat = defaultMaxHeartbeat
	}
	if c.SendingTimeWindow == 0 {
		c.SendingTimeWindow = defaultSendingTimeWindow
	}
}
