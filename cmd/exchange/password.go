package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"exchange/cmd/exchange/server"
)

func hashPasswordCommand() *cobra.Command {
	return &cobra.Command{
		Use: "hash-password", Short: "Read a password and write its argon2id hash for password_hash", Args: cobra.NoArgs,
		Long:    "Read a password from the terminal without showing it, or one line of standard input, and write the hash that a FIX session's password_hash takes.",
		Example: "  exchange config hash-password\n  printf '%s\\n' \"$PASSWORD\" | exchange config hash-password",
		RunE: func(c *cobra.Command, _ []string) error {
			password, err := readPassword(c)
			if err != nil {
				return err
			}
			if password == "" {
				return fmt.Errorf("the password is empty; type one, or give it as a line of standard input")
			}
			fmt.Fprintln(c.OutOrStdout(), server.HashPassword(password, server.DefaultHashCost))
			return nil
		},
	}
}

func readPassword(c *cobra.Command) (string, error) {
	if in, ok := c.InOrStdin().(*os.File); ok && term.IsTerminal(int(in.Fd())) {
		fmt.Fprint(c.ErrOrStderr(), "password: ")
		text, err := term.ReadPassword(int(in.Fd()))
		fmt.Fprintln(c.ErrOrStderr())
		return string(text), err
	}
	line, err := bufio.NewReader(c.InOrStdin()).ReadString('\n')
	if err != nil && line == "" {
		return "", fmt.Errorf("no password on standard input: %w", err)
	}
	return strings.TrimRight(line, "\r\n"), nil
}
