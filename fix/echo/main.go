package main

import (
	"flag"
	"fmt"
	"net"
	"os"
	"strings"

	"exchange/fix"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "echo:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	flags := flag.NewFlagSet("echo", flag.ContinueOnError)
	listen := flags.String("listen", "127.0.0.1:5001", "HOST:PORT to listen on")
	sender := flags.String("sender", "ISLD", "our CompID")
	target := flags.String("target", "TW", "the client's CompID")
	begin := flags.String("begin-string", "FIX.4.4", "FIX.4.2, FIX.4.4 or FIXT.1.1 (with FIX.5.0SP2)")
	reset := flags.Bool("reset-on-logon", false, "set both numbers to 1 with each Logon")
	if err := flags.Parse(args); err != nil {
		return err
	}
	version, ok := fix.VersionNamed(*begin)
	if !ok {
		return fmt.Errorf("begin-string %q: not spoken; choose one of FIX.4.2, FIX.4.4, FIXT.1.1", *begin)
	}
	if len(*sender)+len(*target) > 39 || *sender == "" || *target == "" || strings.ContainsAny(*sender+*target, " =\x01") {
		return fmt.Errorf("sender %q and target %q: 1 to 39 characters together, without blanks", *sender, *target)
	}
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	fmt.Printf("listening on %s: %s, %s to %s\n", l.Addr(), version.Name, *target, *sender)
	v := newVenue(version, *sender, *target, *reset)
	for {
		socket, err := l.Accept()
		if err != nil {
			return err
		}
		go v.serve(socket)
	}
}
