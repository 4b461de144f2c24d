package main

import (
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"exchange/cmd/exchange/cluster"
	"exchange/ouch"
	"exchange/ouch/soupbin"
)

// One OUCH account goes on while the leader is killed, and its successor too after the first is back: orders live through it, numbers go on, and what is
// told at the end to another login, from the stream's first message, is what was told all along.
func TestOUCHAccountOutlivesLeaders(t *testing.T) {
	dir, stop := startDemo(t)
	defer stop()
	in := exec.Command(program, "client", "--ouch", "demo", "--dir", dir)
	var said lockedBuffer
	in.Stdout, in.Stderr = &said, &said
	typed, err := in.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := in.Start(); err != nil {
		t.Fatal(err)
	}
	defer in.Process.Kill()
	ask := func(line, answer string, times int) {
		t.Helper()
		fmt.Fprintln(typed, line)
		said.wait(t, answer, times)
	}
	ask("buy XYZ2 100@10.00", "1 accepted: buy XYZ2 100@10.00", 1)
	for round := 1; round <= 2; round++ {
		s, f := waitFor(t, dir, func(s cluster.Survey) bool { return s.Leader != 0 && s.Voters() == 3 })
		for _, r := range f.Replicas {
			if r.ID == s.Leader {
				syscall.Kill(r.PID, syscall.SIGKILL)
			}
		}
		ask("sell XYZ2 10@10.00", fmt.Sprintf("1 filled 10@10.00, %d done, %d open", 10*round, 100-10*round), 1)
	}
	ask("sell NOPE 1@1.00", "4 rejected: unknown symbol", 1)
	ask("replace 1 50@9.00", "5 replaces 1: 50@9.00, 20 done, 30 open", 1)
	ask("orders", "5 buy XYZ2 50@9.00, 20 done, 30 open", 1)
	ask("cancel 5", "5 cancelled 30 (U), nothing open", 1)
	fmt.Fprintln(typed, "quit")
	if err := in.Wait(); err != nil {
		t.Errorf("client: %v\n%s", err, said.String())
	}
	_, f := waitFor(t, dir, func(s cluster.Survey) bool { return s.Leader != 0 })
	got := ouchStream(t, f, "OUCH1")
	const want = "S Q A1 A2 E1 E2 A3 E1 E3 J4 U5 C5" // the day, the number asked for at the login, orders and fills
	if got != want {
		t.Errorf("the stream is\n%s\nnot\n%s", got, want)
	}
}

// ouchStream logs in and reads the account's stream from its first message: types and numbers.
func ouchStream(t *testing.T, f *cluster.File, user string) string {
	t.Helper()
	conn := ouchLogin(t, f, user)
	defer conn.Close()
	client := soupbin.MakeClient(soupbin.Session{}, 1)
	conn.Write(client.Login(nil, user, ouchPassword(f, user), 0))
	var words []string
	var in []byte
	buf := make([]byte, 4096)
	for {
		_ = conn.SetReadDeadline(time.Now().Add(3 * time.Second)) // heartbeats come each second
		n, err := conn.Read(buf)
		if err != nil {
			t.Fatalf("after %v: %v", words, err)
		}
		in = append(in, buf[:n]...)
		for {
			if len(in) >= 3 && in[2] == 'H' {
				return strings.Join(words, " ")
			}
			e, used, err := client.Receive(in, 0)
			if err != nil {
				t.Fatal(err)
			}
			if used == 0 {
				break
			}
			if e.Kind == soupbin.SequencedData {
				var r ouch.Report
				if err := r.Parse(e.Message); err != nil {
					t.Fatal(err)
				}
				word := string(r.Type)
				if r.Type != ouch.SystemEvent && r.Type != ouch.QueryAnswer {
					word += fmt.Sprint(r.UserRefNum)
				}
				words = append(words, word)
			}
			in = in[used:]
		}
	}
}

func ouchPassword(f *cluster.File, user string) string {
	for _, a := range f.OUCH {
		if a.Username == user {
			return a.Password
		}
	}
	return ""
}

func ouchLogin(t *testing.T, f *cluster.File, user string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", f.Addresses(cluster.Replica.OUCHAddress)[0])
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// Whatever comes in on the OUCH port is answered or cut, and the exchange goes on; followers let nobody in.
func TestOUCHPortBearsAnything(t *testing.T) {
	dir, stop := startDemo(t)
	defer stop()
	_, f := waitFor(t, dir, func(s cluster.Survey) bool { return s.Leader != 0 && s.Voters() == 3 })
	client := soupbin.MakeClient(soupbin.Session{}, 1)
	login := string(client.Login(nil, "OUCH2", ouchPassword(f, "OUCH2"), 0))
	packet := func(payload string) string {
		return string(soupbin.AppendPacket(nil, soupbin.Unsequenced, []byte(payload)))
	}
	for _, c := range []struct{ name, send, answer string }{
		{"a web browser", "GET / HTTP/1.1\r\nHost: exchange\r\n\r\n", "+"},
		{"an order without a login", packet("O"), "+"},
		{"a wrong password", strings.Replace(login, ouchPassword(f, "OUCH2"), "wrongwrong", 1), "JA"},
		{"a number of the future", login[:len(login)-20] + "                 999", "JS"},
		{"a message that is none", login + packet("?what"), "A+"},
		{"an order cut short", login + packet("O\x00\x00\x00\x01B"), "A+"},
		{"a packet that is too long", login + "\xff\xffU", "A+"},
		{"a second login", login + login, "A+"},
	} {
		conn := ouchLogin(t, f, "")
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		fmt.Fprint(conn, c.send)
		b, err := io.ReadAll(conn) // until it is cut
		if err != nil && !strings.Contains(err.Error(), "reset") {
			t.Errorf("%s: not cut: %v", c.name, err)
		}
		got := ""
		for len(b) >= 3 {
			p, n, err := soupbin.Next(b, soupbin.MaxPayload)
			if err != nil || n == 0 {
				break
			}
			b = b[n:]
			switch p.Type {
			case soupbin.LoginRejected:
				got += "J" + string(p.Payload)
			case soupbin.LoginAccepted, soupbin.Debug:
				got += string(p.Type)
			}
		}
		if got != c.answer {
			t.Errorf("%s is answered %q, not %q", c.name, got, c.answer)
		}
		conn.Close()
	}
	for _, address := range f.Addresses(cluster.Replica.OUCHAddress)[1:] {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(conn, login)
		if b, _ := io.ReadAll(conn); len(b) != 0 {
			t.Errorf("a follower answers %q", b)
		}
		conn.Close()
	}
	out, errs, status := run(t, "buy XYZ3 5@1.00\nsell XYZ3 5@1.00 fok\norders\n", "client", "--ouch", "demo", "--dir", dir, "--username", "ouch3")
	if status != 0 || !strings.Contains(out, "1 filled 5@1.00, nothing open") || !strings.Contains(out, "no open orders") {
		t.Errorf("afterwards, status %d:\n%s%s", status, out, errs)
	}
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"--username", "NOBODY"}, "has no OUCH account NOBODY"},
		{[]string{"--password", "wrong", "--patience", "500ms"}, "not authorized"},
	} {
		_, errs, status := run(t, "", append([]string{"client", "--ouch", "demo", "--dir", dir}, c.args...)...)
		if status == 0 || !strings.Contains(errs, c.says) {
			t.Errorf("%v: status %d, it should say %q:\n%s", c.args, status, c.says, errs)
		}
	}
}
