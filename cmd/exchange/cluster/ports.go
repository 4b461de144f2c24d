package cluster

import (
	"fmt"
	"net"

	"exchange/cmd/exchange/server"
)

// choosePorts gives every member its addresses. With a base port they are where cli.md's scheme puts them, and a port in use is an error;
// without one, the first base with room is taken. The base itself, which no replica uses, is kept open as long as the cluster runs: of two that
// start at once, only one gets it.
func (c *Cluster) choosePorts() error {
	try := func(base int) (err error) {
		if c.reserved, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", base)); err != nil {
			return fmt.Errorf("port in use: %w; another cluster has these ports: choose others with --base-port", err)
		}
		defer func() {
			if err != nil {
				c.reserved.Close()
				c.reserved = nil
			}
		}()
		c.base.Members = nil
		for id := 1; id <= c.options.Replicas; id++ {
			m := server.MemberAt("127.0.0.1", base, id)
			_, port, _ := net.SplitHostPort(m.Mold)
			for more := range c.options.LineReceivers {
				m.Mold += fmt.Sprintf(",127.0.0.%d:%s", 2+more, port)
			}
			c.base.Members = append(c.base.Members, m)
		}
		for _, m := range c.base.Members {
			for _, a := range []string{m.FIX, m.OUCH, m.ITCH, m.Glimpse, m.HTTP, m.Replication} {
				l, err := net.Listen("tcp", a)
				if err != nil {
					return fmt.Errorf("port in use: %s: %w; choose others with --base-port", a, err)
				}
				l.Close()
			}
		}
		return nil
	}
	if c.options.BasePort != 0 {
		return try(c.options.BasePort)
	}
	var err error
	for base := 9100; base < 30000; base += 100 {
		if err = try(base); err == nil {
			return nil
		}
	}
	return err
}
