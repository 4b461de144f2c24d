package main

import (
	"fmt"
	"os"

	"exchange/cmd/exchange/server"

	"github.com/spf13/pflag"
)

// providerFlag adds --provider to a command that starts a cluster.
func providerFlag(f *pflag.FlagSet, provider *string) {
	f.StringVar(provider, "provider", "", "how replicas reach each other's memory: shm, tcp or verbs (default: shm, or tcp where shm cannot run)")
}

// chooseProvider fills in the default and says so when it is not shm; a provider asked for by name is taken or refused.
func chooseProvider(provider *string, say func(string)) error {
	if *provider != "" {
		return server.CanRun(*provider)
	}
	var why error
	if *provider, why = server.BestProvider(); why != nil {
		say(fmt.Sprintf("* %v", why))
		say("* going on with tcp between the replicas; --provider shm asks for shared memory and nothing else")
	}
	return nil
}

func onStandardError(line string) { fmt.Fprintln(os.Stderr, line) }
