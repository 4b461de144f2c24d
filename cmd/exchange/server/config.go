package server

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
	"github.com/shopspring/decimal"
)

// Config is everything that one replica is told: one struct, one TOML file. An unknown key is an error.
type Config struct {
	Cluster     string   `toml:"cluster" comment:"Name of the cluster; all its replicas have the same."`
	ID          int      `toml:"id" comment:"This replica, 1..16. It must be one of the members."`
	Dir         string   `toml:"dir" comment:"Directory of the cluster on this host. Replicas of one shm cluster share it; no two clusters may."`
	Provider    string   `toml:"provider" comment:"How replicas reach each other's memory: shm (processes of one host), tcp (any hosts), verbs (RDMA cards; the program must be built with -tags verbs)."`
	Durability  string   `toml:"durability" comment:"When an order is acknowledged: memory (at a majority of memories)."`
	Spin        string   `toml:"spin" comment:"How the replica's loop waits: busy (never sleeps), adaptive (spins, then sleeps), park (sleeps at once)."`
	FollowerNap Duration `toml:"follower_nap" comment:"How long a follower with nothing to do sleeps before it looks into its memory again, unless spin is busy. A shorter nap keeps it nearer to the leader, and takes processor time from it where they share a machine."`
	KeepAwake   bool     `toml:"keep_awake" comment:"While clients send orders one after another and wait for each answer, and for 10 to 20 ms longer, no processor of this host sleeps (they poll), where the system lets it: root, or the right to write /dev/cpu_dma_latency."`
	Realtime    bool     `toml:"realtime" comment:"When another replica dies, the loop runs ahead of ordinary threads for 2 ms (SCHED_RR), where the system lets it: root, CAP_SYS_NICE, ulimit -r 2."`
	LogLevel    string   `toml:"log_level" comment:"debug, info, warn or error."`
	FeedSession string   `toml:"feed_session" comment:"Session id of the market data feed: at most 10 letters and digits, the same on every replica."`

	Members      []Member      `toml:"members" comment:"All replicas."`
	Instruments  []Instrument  `toml:"instruments" comment:"What is traded. Symbols of at most 8 characters; ticks with at most 4 decimals."`
	Participants []string      `toml:"participants" comment:"Trading firms."`
	FIXSessions  []FIXSession  `toml:"fix_sessions" comment:"Who may log on over FIX."`
	OUCHAccounts []OUCHAccount `toml:"ouch_accounts" comment:"Who may log in over OUCH."`

	Replication Replication `toml:"replication"`
	Gateway     Gateway     `toml:"gateway"`
	Feed        Feed        `toml:"feed"`
	Web         Web         `toml:"web"`
	Timing      Timing      `toml:"timing"`
	Limits      Limits      `toml:"limits"`
}

// Member is one replica's addresses.
type Member struct {
	ID          int    `toml:"id"`
	FIX         string `toml:"fix" comment:"FIX gateway, HOST:PORT. Only the leader keeps connections."`
	OUCH        string `toml:"ouch" comment:"OUCH gateway. Only the leader keeps connections. Empty: none."`
	FIXTLS      string `toml:"fix_tls" comment:"FIX gateway over TLS, on a port of its own. Empty: none; see gateway.tls_always."`
	OUCHTLS     string `toml:"ouch_tls" comment:"OUCH gateway over TLS. Empty: none."`
	ITCHTLS     string `toml:"itch_tls" comment:"Market data over SoupBinTCP over TLS. Empty: none."`
	GlimpseTLS  string `toml:"glimpse_tls" comment:"Snapshots over TLS. Empty: none."`
	HTTPTLS     string `toml:"http_tls" comment:"Market data over WebSocket and REST over TLS. Empty: none."`
	ITCH        string `toml:"itch" comment:"Market data over SoupBinTCP."`
	Mold        string `toml:"mold" comment:"Where this replica's MoldUDP64 line is sent: a multicast group, or receivers as HOST:PORT[,HOST:PORT…]. Empty: no line."`
	MoldRequest string `toml:"mold_request" comment:"Where this replica answers MoldUDP64 re-requests. Empty: nowhere."`
	Glimpse     string `toml:"glimpse" comment:"Snapshots of the books for late joiners, over SoupBinTCP. Empty: none."`
	HTTP        string `toml:"http" comment:"Status, metrics and state transfer."`
	Replication string `toml:"replication" comment:"Where the other replicas reach this one's memory: verbs exchanges queue pairs there; shm needs none."`
}

// Replication holds the settings of the providers that cross hosts.
type Replication struct {
	Unreachable    Duration `toml:"unreachable" comment:"tcp, verbs: a replica that answers nothing for this long counts as gone, and what was written to it as failed."`
	TLSCertificate string   `toml:"tls_certificate" comment:"tcp: PEM file with this replica's certificate, for the DNS name replica-ID.CLUSTER. Empty: no TLS."`
	TLSKey         string   `toml:"tls_key" comment:"tcp: PEM file with its key."`
	TLSAuthority   string   `toml:"tls_authority" comment:"tcp: PEM file with the authority that signed the replicas' certificates; nobody else is let in."`
	Device         string   `toml:"device" comment:"verbs: name of the RDMA device; empty: the first with an active port."`
	Port           int      `toml:"port" comment:"verbs: port of the device; 0: the first active one."`
	GIDIndex       int      `toml:"gid_index" comment:"verbs: entry of the port's address table; 0: the first RoCEv2 one with an IPv4 address, where there is one."`
}

// Instrument is one thing that is traded.
type Instrument struct {
	Symbol string `toml:"symbol" json:"symbol"`
	Tick   string `toml:"tick" json:"tick" comment:"Smallest price step, a decimal."`
	Lot    int64  `toml:"lot" json:"lot" comment:"Smallest quantity step, shares."`
}

// TickTenThousandths gives the tick size in 1/10,000.
func (i Instrument) TickTenThousandths() (int64, error) {
	d, err := decimal.NewFromString(i.Tick)
	if err != nil {
		return 0, fmt.Errorf("tick %q of %s: not a decimal; write it like \"0.01\"", i.Tick, i.Symbol)
	}
	scaled := d.Shift(4)
	if !scaled.IsInteger() || !scaled.IsPositive() || scaled.GreaterThan(decimal.New(math.MaxInt32, 0)) {
		return 0, fmt.Errorf("tick %q of %s: ticks are multiples of 0.0001 above 0; choose a coarser one", i.Tick, i.Symbol)
	}
	return scaled.IntPart(), nil
}

// FIXSession is one counterparty's FIX session: our target is their sender.
type FIXSession struct {
	Sender             string `toml:"sender" json:"sender" comment:"The client's SenderCompID."`
	Target             string `toml:"target" json:"target" comment:"Our CompID, the client's TargetCompID."`
	Participant        string `toml:"participant" json:"participant"`
	Username           string `toml:"username" json:"username" comment:"Checked against tag 553 when not empty."`
	PasswordHash       string `toml:"password_hash" json:"-" comment:"argon2id hash of the password (tag 554), from exchange config hash-password. Empty: none is asked for."`
	CancelOnDisconnect bool   `toml:"cancel_on_disconnect" json:"cancel_on_disconnect"`
	MayReset           bool   `toml:"may_reset" json:"may_reset" comment:"The client may reset sequence numbers (141=Y)."`

	Version           string   `toml:"version" json:"version,omitempty" comment:"FIX.4.2, FIX.4.4 or FIX.5.0SP2 (over FIXT.1.1). Empty: FIX.4.4."`
	Networks          []string `toml:"networks" json:"-" comment:"Where the session may come from: addresses or CIDR networks. Empty: anywhere."`
	Certificate       string   `toml:"certificate" json:"-" comment:"Name that the client's TLS certificate has to be for. Empty: any."`
	ResetOnLogon      bool     `toml:"reset_on_logon" json:"-" comment:"Both numbers begin at 1 with each Logon. What was sent before cannot be asked for again."`
	NextExpected      bool     `toml:"next_expected" json:"-" comment:"Our Logon tells the number that we expect (789)."`
	DropCopy          bool     `toml:"drop_copy" json:"drop_copy,omitempty" comment:"The session gets copies of its participant's reports, and enters nothing."`
	TimePrecision     string   `toml:"time_precision" json:"-" comment:"ms or us; empty: the gateway's."`
	TimeTolerance     Duration `toml:"sending_time_tolerance" json:"-" comment:"0: the gateway's."`
	HeartbeatMin      Duration `toml:"heartbeat_min" json:"-" comment:"Bounds of HeartBtInt; 0: the gateway's."`
	HeartbeatMax      Duration `toml:"heartbeat_max" json:"-"`
	CancelGrace       Duration `toml:"cancel_grace" json:"-" comment:"With cancel_on_disconnect; 0: the gateway's."`
	MessagesPerSecond int      `toml:"messages_per_second" json:"-" comment:"Application messages taken; more are refused (BusinessMessageReject). 0: the gateway's, -1: any number."`

	// Password is known to those who make a configuration for others to log on to; it is in no file.
	Password string `toml:"-" json:"password"`
}

// Name is the session's name in the replicated state.
func (s FIXSession) Name() string { return s.Sender + ">" + s.Target }

// Gateway holds the FIX gateway's settings.
type Gateway struct {
	HeartbeatMin         Duration `toml:"heartbeat_min" comment:"Bounds of a client's HeartBtInt."`
	HeartbeatMax         Duration `toml:"heartbeat_max"`
	LogonTimeout         Duration `toml:"logon_timeout" comment:"A connection without a Logon is closed after this."`
	SendingTimeTolerance Duration `toml:"sending_time_tolerance" comment:"How far tag 52 may be off."`
	TimePrecision        string   `toml:"time_precision" comment:"ms or us."`
	ReconnectGrace       Duration `toml:"reconnect_grace" comment:"After a change of leader, how long a session counts as connected without a connection."`
	CancelGrace          Duration `toml:"cancel_grace" comment:"How long a disconnected session's orders live, if it asks for cancel on disconnect."`
	WriteTimeout         Duration `toml:"write_timeout" comment:"A client that takes nothing for this long is cut; what it missed is kept for its resend request."`
	MaxConnections       int      `toml:"max_connections"`

	LogoutTimeout      Duration `toml:"logout_timeout" comment:"A client that does not answer our Logout is cut after this."`
	MaxPerAddress      int      `toml:"max_connections_per_address" comment:"FIX connections of one address at a time; 0: any number."`
	NewPerAddress      int      `toml:"new_connections_per_second" comment:"New FIX connections of one address in a second, in bursts of as many; 0: any number."`
	MessagesPerSecond  int      `toml:"messages_per_second" comment:"FIX application messages taken of a session in a second; more are refused. 0: any number."`
	MessageBurst       int      `toml:"message_burst" comment:"How many of them may come at once."`
	MaxRefused         int      `toml:"max_refused" comment:"After more refusals than this in a row the session is logged out; 0: never."`
	MarketDataInterval Duration `toml:"market_data_interval" comment:"How often what is followed over FIX (V, e) is looked at."`
	TLSCertificate     string   `toml:"tls_certificate" comment:"PEM file with the certificate of all ports that speak TLS. Empty: no TLS."`
	TLSKey             string   `toml:"tls_key" comment:"PEM file with its key."`
	TLSClientAuthority string   `toml:"tls_client_authority" comment:"PEM file with the authority of clients' certificates; without one of them nobody is let in over FIX and OUCH. Empty: none are asked for."`
	TLSAlways          bool     `toml:"tls_always" comment:"The addresses fix and ouch speak TLS too."`
	AllowPlain         bool     `toml:"allow_plain" comment:"FIX and OUCH without TLS on addresses that other hosts reach. Passwords and orders can be read on the way."`
}

// Feed holds the market data settings.
type Feed struct {
	MaxPacket     int      `toml:"max_packet_bytes" comment:"MoldUDP64 packets are filled up to this."`
	Interface     string   `toml:"interface" comment:"Network interface for multicast; empty: the system's choice."`
	MulticastTTL  int      `toml:"multicast_ttl"`
	Heartbeat     Duration `toml:"heartbeat"`
	MaxKeptBytes  int64    `toml:"max_kept_bytes" comment:"Memory for the day's feed, from which any number can be asked again."`
	MaxConnection int      `toml:"max_connections"`
	MaxSnapshots  int      `toml:"max_snapshots" comment:"Snapshots of the books that are sent at one time."`
	AllowPlain    bool     `toml:"allow_plain" comment:"itch and glimpse without TLS on addresses that other hosts reach. (Datagrams have none: mold and mold_request are for a network of their own.)"`
}

// Timing holds the replication timers.
type Timing struct {
	HeartbeatInterval Duration `toml:"heartbeat_interval" comment:"How often a replica reads each other's counter. A hang is noticed after some 14 reads that saw no change."`
	CommitPush        Duration `toml:"commit_push" comment:"How long the last entry may stay unseen by followers when nothing follows it."`
	MaxLogPin         Duration `toml:"max_log_pin" comment:"How long a slow follower may keep the log from being recycled before it is dropped."`
}

// Limits bounds memory and queues. A full one refuses with a reason.
type Limits struct {
	LogBytes          int `toml:"log_bytes" comment:"Replicated log in memory; a power of two."`
	InboxCommands     int `toml:"inbox_commands" comment:"Commands waiting to be sequenced; gateways stop reading when it is full."`
	BatchCommands     int `toml:"batch_commands" comment:"Commands in one log entry."`
	Orders            int `toml:"orders" comment:"Orders open at one time, all instruments together."`
	ClientIDs         int `toml:"client_ids" comment:"Client order ids in one day, for duplicate detection."`
	ReportsPerSession int `toml:"reports_per_session" comment:"Messages kept per session for resend requests; older ones are gap-filled."`
}

// Duration is a time.Duration written as text: "10s", "250ms".
type Duration time.Duration

// UnmarshalText reads "10s".
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is not a duration; write it like \"250ms\" or \"10s\"", text)
	}
	*d = Duration(v)
	return nil
}

// MarshalText writes "10s".
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// D is the duration as the standard library's type.
func (d Duration) D() time.Duration { return time.Duration(d) }

// DefaultConfig is a cluster of three replicas on this host, as `exchange config print-defaults` writes it.
func DefaultConfig() Config {
	c := Config{
		Cluster: "exchange", ID: 1, Dir: "exchange-data", Provider: "shm", Durability: "memory", Spin: "adaptive", FollowerNap: Duration(400 * time.Microsecond), KeepAwake: true, Realtime: true,
		LogLevel: "info", FeedSession: "DAY0000001",
		Instruments:  []Instrument{{"ABC", "0.01", 1}, {"DEF", "0.01", 1}},
		Participants: []string{"FIRM1", "FIRM2"},
		FIXSessions: []FIXSession{
			{Sender: "CLIENT1", Target: "EXCHANGE", Participant: "FIRM1", MayReset: true},
			{Sender: "CLIENT2", Target: "EXCHANGE", Participant: "FIRM2", MayReset: true, CancelOnDisconnect: true},
		},
		OUCHAccounts: []OUCHAccount{
			{Username: "OUCH1", Password: "change-me1", Participant: "FIRM1"},
			{Username: "OUCH2", Password: "change-me2", Participant: "FIRM2", CancelOnDisconnect: true},
		},
		Replication: Replication{Unreachable: Duration(250 * time.Millisecond)},
		Gateway: Gateway{
			HeartbeatMin: seconds(1), HeartbeatMax: seconds(3600), LogonTimeout: seconds(10),
			SendingTimeTolerance: seconds(120), TimePrecision: "ms", ReconnectGrace: seconds(10),
			CancelGrace: seconds(10), WriteTimeout: seconds(10), MaxConnections: 1024, LogoutTimeout: seconds(5), MaxPerAddress: 256, NewPerAddress: 200,
			MessageBurst: 1000, MaxRefused: 1000, MarketDataInterval: Duration(100 * time.Millisecond),
		},
		Feed: Feed{MaxPacket: 1400, MulticastTTL: 1, Heartbeat: seconds(1), MaxKeptBytes: 1 << 30, MaxConnection: 256, MaxSnapshots: 64},
		Web:  defaultWeb(),
		Timing: Timing{
			HeartbeatInterval: Duration(7 * time.Millisecond), CommitPush: Duration(100 * time.Microsecond),
			MaxLogPin: Duration(time.Second),
		},
		Limits: Limits{
			LogBytes: 4 << 20, InboxCommands: 8192, BatchCommands: 64, Orders: 1 << 18, ClientIDs: 1 << 21,
			ReportsPerSession: 1 << 17,
		},
	}
	for id := 1; id <= 3; id++ {
		c.Members = append(c.Members, MemberAt("127.0.0.1", 9100, id))
	}
	return c
}

func seconds(n int) Duration { return Duration(time.Duration(n) * time.Second) }

// MemberAt gives a replica's addresses on a host, each kind in a decade of ports above base.
func MemberAt(host string, base, id int) Member {
	at := func(decade int) string { return net.JoinHostPort(host, fmt.Sprint(base+decade+id)) }
	return Member{ID: id, FIX: at(0), OUCH: at(10), ITCH: at(20), MoldRequest: at(30), Glimpse: at(40), HTTP: at(50), Mold: at(60), Replication: at(70)}
}

// LoadConfig reads a TOML file over the defaults and checks it. A table or list that the file names replaces the default one.
func LoadConfig(path string) (*Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("config %s: %w; `exchange config print-defaults` writes one to start from", path, err)
	}
	c := DefaultConfig()
	c.Members, c.Instruments, c.Participants, c.FIXSessions, c.OUCHAccounts = nil, nil, nil, nil, nil
	decoder := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields()
	if err := decoder.Decode(&c); err != nil {
		return nil, fmt.Errorf("config %s: %s", path, explain(err))
	}
	if err := c.Check(); err != nil {
		return nil, fmt.Errorf("config %s: %w", path, err)
	}
	return &c, nil
}

// explain says where in the file the decoder stopped, and what to do.
func explain(err error) string {
	var strict *toml.StrictMissingError
	if errors.As(err, &strict) && len(strict.Errors) > 0 {
		e := strict.Errors[0]
		line, col := e.Position()
		return fmt.Sprintf("line %d column %d: unknown key %q; remove it, or see `exchange config print-defaults` for the keys there are",
			line, col, strings.Join(e.Key(), "."))
	}
	var decode *toml.DecodeError
	if errors.As(err, &decode) {
		line, col := decode.Position()
		return fmt.Sprintf("line %d column %d: %s", line, col, decode.Error())
	}
	return err.Error()
}

// Encode writes the configuration as commented TOML.
func (c *Config) Encode() ([]byte, error) {
	var b bytes.Buffer
	e := toml.NewEncoder(&b)
	e.SetIndentTables(false)
	if err := e.Encode(c); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// Member finds a member by id.
func (c *Config) Member(id int) (Member, bool) {
	for _, m := range c.Members {
		if m.ID == id {
			return m, true
		}
	}
	return Member{}, false
}

// Check says what is wrong with the configuration and what to do.
func (c *Config) Check() error {
	if c.Cluster == "" {
		return errors.New("cluster: empty; give the cluster a name")
	}
	if len(c.Members) == 0 || len(c.Members)%2 == 0 || len(c.Members) > 15 {
		return fmt.Errorf("members: %d of them; an odd number from 1 to 15 is needed (3 survive one crash, 5 survive two)", len(c.Members))
	}
	seen := map[int]bool{}
	ports := map[string]string{}
	for _, m := range c.Members {
		if m.ID < 1 || m.ID > 16 || seen[m.ID] {
			return fmt.Errorf("members: id %d: ids are 1..16, each once", m.ID)
		}
		seen[m.ID] = true
		for name, addr := range map[string]string{"fix": m.FIX, "ouch": m.OUCH, "fix_tls": m.FIXTLS, "itch": m.ITCH, "glimpse": m.Glimpse, "http": m.HTTP, "ouch_tls": m.OUCHTLS, "itch_tls": m.ITCHTLS, "glimpse_tls": m.GlimpseTLS, "http_tls": m.HTTPTLS,
			"mold": m.Mold, "mold_request": m.MoldRequest, "replication": m.Replication} {
			if addr == "" && (name == "mold" || name == "ouch" || name == "glimpse" || strings.HasSuffix(name, "_tls") || name == "mold_request" || name == "replication" && c.Provider == "shm") {
				continue
			}
			if name == "mold" {
				if _, err := moldDestinations(addr); err != nil {
					return fmt.Errorf("members: id %d: %w", m.ID, err)
				}
				continue // lines of several replicas may go to one group
			}
			if _, _, err := net.SplitHostPort(addr); err != nil {
				return fmt.Errorf("members: id %d: %s = %q is not HOST:PORT", m.ID, name, addr)
			}
			if other, taken := ports[addr]; taken {
				return fmt.Errorf("members: id %d: %s = %q is used by %s already; give each its own port", m.ID, name, addr, other)
			}
			ports[addr] = fmt.Sprintf("%s of member %d", name, m.ID)
		}
	}
	if !seen[c.ID] {
		return fmt.Errorf("id: %d is not among the members; add a [[members]] table for it", c.ID)
	}
	if err := c.checkChoices(); err != nil {
		return err
	}
	if err := c.checkListening(); err != nil {
		return err
	}
	if err := c.Web.check(); err != nil {
		return err
	}
	return c.checkMarket()
}

func (c *Config) checkChoices() error {
	for _, choice := range []struct {
		key, value string
		allowed    []string
	}{
		{"provider", c.Provider, []string{"shm", "tcp", "verbs"}},
		{"durability", c.Durability, []string{"memory"}},
		{"spin", c.Spin, []string{"busy", "adaptive", "park"}},
		{"gateway.time_precision", c.Gateway.TimePrecision, []string{"ms", "us"}},
		{"log_level", c.LogLevel, []string{"debug", "info", "warn", "error"}},
	} {
		if !contains(choice.allowed, choice.value) {
			return fmt.Errorf("%s: %q; choose one of: %s", choice.key, choice.value, strings.Join(choice.allowed, ", "))
		}
	}
	if n := len(c.FeedSession); n == 0 || n > 10 || strings.Trim(c.FeedSession, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") != "" {
		return fmt.Errorf("feed_session: %q; 1 to 10 letters and digits are needed", c.FeedSession)
	}
	for _, b := range []struct {
		key       string
		v, lo, hi int
	}{
		{"limits.log_bytes", c.Limits.LogBytes, 1 << 16, 1 << 30}, {"limits.inbox_commands", c.Limits.InboxCommands, 16, 1 << 20},
		{"limits.batch_commands", c.Limits.BatchCommands, 1, 256}, {"limits.orders", c.Limits.Orders, 16, 1 << 26},
		{"limits.client_ids", c.Limits.ClientIDs, 16, 1 << 28}, {"limits.reports_per_session", c.Limits.ReportsPerSession, 1024, 1 << 26},
		{"feed.max_packet_bytes", c.Feed.MaxPacket, 128, 1472}, {"feed.multicast_ttl", c.Feed.MulticastTTL, 1, 255}, {"feed.max_snapshots", c.Feed.MaxSnapshots, 1, 1 << 16},
		{"gateway.max_connections_per_address", c.Gateway.MaxPerAddress, 0, 1 << 20},
		{"gateway.new_connections_per_second", c.Gateway.NewPerAddress, 0, 1 << 20}, {"gateway.messages_per_second", c.Gateway.MessagesPerSecond, 0, 1 << 30},
		{"gateway.message_burst", c.Gateway.MessageBurst, 1, 1 << 30}, {"gateway.max_refused", c.Gateway.MaxRefused, 0, 1 << 30},
		{"follower_nap (ns)", int(c.FollowerNap), 10_000, 2_000_000},
		{"gateway.market_data_interval (ns)", int(c.Gateway.MarketDataInterval), 1_000_000, 60_000_000_000},
	} {
		if b.v < b.lo || b.v > b.hi {
			return fmt.Errorf("%s: %d; it must lie in %d..%d", b.key, b.v, b.lo, b.hi)
		}
	}
	if c.Limits.LogBytes&(c.Limits.LogBytes-1) != 0 || c.Limits.InboxCommands&(c.Limits.InboxCommands-1) != 0 {
		return errors.New("limits: log_bytes and inbox_commands must be powers of two")
	}
	if c.Dir == "" {
		return errors.New("dir: empty; name the cluster's directory")
	}
	return nil
}

func (c *Config) checkMarket() error {
	symbols := map[string]bool{}
	for _, i := range c.Instruments {
		if len(i.Symbol) == 0 || len(i.Symbol) > 8 || strings.ContainsAny(i.Symbol, " \x01=") || symbols[i.Symbol] {
			return fmt.Errorf("instruments: symbol %q: 1 to 8 characters without blanks, each once", i.Symbol)
		}
		symbols[i.Symbol] = true
		if _, err := i.TickTenThousandths(); err != nil {
			return fmt.Errorf("instruments: %w", err)
		}
		if i.Lot < 1 || i.Lot > 1<<20 {
			return fmt.Errorf("instruments: lot %d of %s: it must lie in 1..%d", i.Lot, i.Symbol, 1<<20)
		}
	}
	if len(symbols) == 0 {
		return errors.New("instruments: none; add an [[instruments]] table")
	}
	names := map[string]bool{}
	for _, s := range c.FIXSessions {
		if s.Sender == "" || s.Target == "" || len(s.Name()) > 40 || strings.ContainsAny(s.Name(), " \x01=") || names[s.Name()] {
			return fmt.Errorf("fix_sessions: %q: sender and target are needed, 39 characters together, each pair once", s.Name())
		}
		names[s.Name()] = true
		if err := s.check(); err != nil {
			return fmt.Errorf("fix_sessions: %s: %w", s.Name(), err)
		}
		if !contains(c.Participants, s.Participant) {
			return fmt.Errorf("fix_sessions: %s: participant %q is not in participants", s.Name(), s.Participant)
		}
	}
	return c.checkAccounts()
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// path gives a file of this replica in the cluster's directory.
func (c *Config) path(name string) string {
	return filepath.Join(c.Dir, fmt.Sprintf("replica-%d.%s", c.ID, name))
}
