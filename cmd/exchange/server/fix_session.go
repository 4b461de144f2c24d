package server

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"exchange/fix"
)

// check says what is wrong with a session's settings.
func (s *FIXSession) check() error {
	if _, err := s.version(); err != nil {
		return err
	}
	if _, err := s.networks(); err != nil {
		return err
	}
	if s.PasswordHash != "" {
		if _, err := parsePasswordHash(s.PasswordHash); err != nil {
			return fmt.Errorf("password_hash: %w", err)
		}
	}
	switch {
	case !contains([]string{"", "ms", "us"}, s.TimePrecision):
		return fmt.Errorf("time_precision %q; choose one of: ms, us", s.TimePrecision)
	case s.ResetOnLogon && !s.MayReset:
		return errors.New("reset_on_logon needs may_reset")
	case s.DropCopy && s.CancelOnDisconnect:
		return errors.New("a drop-copy session has no orders: take cancel_on_disconnect away")
	case s.HeartbeatMin < 0 || s.HeartbeatMax < 0 || s.HeartbeatMax != 0 && s.HeartbeatMax < s.HeartbeatMin || s.HeartbeatMax.D() > 65535*time.Second:
		return fmt.Errorf("heartbeat_min %v and heartbeat_max %v: the first must not be above the second, nor that above 65535s", s.HeartbeatMin.D(), s.HeartbeatMax.D())
	case s.TimeTolerance < 0 || s.CancelGrace < 0:
		return errors.New("sending_time_tolerance and cancel_grace must not be negative")
	case s.MessagesPerSecond < -1 || s.MessagesPerSecond > 1_000_000_000:
		return fmt.Errorf("messages_per_second %d; it must lie in -1..1000000000", s.MessagesPerSecond)
	}
	return nil
}

func (s *FIXSession) version() (*fix.Version, error) {
	if s.Version == "" {
		return fix.FIX44, nil
	}
	v, ok := fix.VersionNamed(s.Version)
	if !ok {
		return nil, fmt.Errorf("version %q; choose one of: %s", s.Version, strings.Join(fix.VersionNames, ", "))
	}
	return v, nil
}

// networks reads addresses and networks; an address is a network of its own.
func (s *FIXSession) networks() ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, text := range s.Networks {
		if p, err := netip.ParsePrefix(text); err == nil {
			all = append(all, p.Masked())
			continue
		}
		at, err := netip.ParseAddr(text)
		if err != nil {
			return nil, fmt.Errorf("networks: %q is neither an address nor a network; write it like \"192.0.2.1\" or \"192.0.2.0/24\"", text)
		}
		all = append(all, netip.PrefixFrom(at, at.BitLen()))
	}
	return all, nil
}

// fixSession is a session as its connections need it: the acceptor's settings, and where its client may come from.
type fixSession struct {
	config      fix.SessionConfig
	networks    []netip.Prefix
	certificate string
}

// session makes the settings of a session. They were checked with the configuration.
func (c *Config) session(number uint16, s FIXSession, checker *logonChecker) fixSession {
	g := &c.Gateway
	version, _ := s.version()
	networks, _ := s.networks()
	sc := fix.SessionConfig{
		Number: number, Sender: s.Sender, Target: s.Target, Version: version, MayReset: s.MayReset, ResetOnLogon: s.ResetOnLogon, DropCopy: s.DropCopy,
		SendNextExpected: s.NextExpected, MinHeartbeat: heartbeatSeconds(s.HeartbeatMin, g.HeartbeatMin),
		MaxHeartbeat: heartbeatSeconds(s.HeartbeatMax, g.HeartbeatMax), SendingTimeWindow: int64(either(s.TimeTolerance, g.SendingTimeTolerance)),
		MessagesPerSecond: g.MessagesPerSecond, MessageBurst: g.MessageBurst, MaxRefused: g.MaxRefused,
	}
	if s.MessagesPerSecond != 0 {
		sc.MessagesPerSecond = max(s.MessagesPerSecond, 0)
	}
	if s.TimePrecision == "us" || s.TimePrecision == "" && g.TimePrecision == "us" {
		sc.Precision = fix.Microseconds
	}
	if s.Username != "" || s.PasswordHash != "" {
		sc.Authenticate = authenticate(s, checker)
	}
	return fixSession{config: sc, networks: networks, certificate: s.Certificate}
}

// authenticate makes the check of Username and Password. A wrong name costs as much as a wrong password.
func authenticate(s FIXSession, checker *logonChecker) func(username, password []byte) bool {
	username := []byte(s.Username)
	hash, err := parsePasswordHash(s.PasswordHash)
	return func(u, p []byte) bool {
		named := len(username) == 0 || subtle.ConstantTimeCompare(u, username) == 1
		return (err != nil || checker.check(&hash, p)) && named
	}
}

// cancelGrace is how long a disconnected session's orders live, if it asks for cancel on disconnect.
func (c *Config) cancelGrace(name string) time.Duration {
	for i := range c.FIXSessions {
		if s := &c.FIXSessions[i]; s.CancelGrace != 0 && s.Name() == name {
			return s.CancelGrace.D()
		}
	}
	return c.Gateway.CancelGrace.D()
}

func either(own, general Duration) Duration {
	if own != 0 {
		return own
	}
	return general
}

func heartbeatSeconds(own, general Duration) uint16 {
	return uint16(either(own, general).D().Seconds())
}
