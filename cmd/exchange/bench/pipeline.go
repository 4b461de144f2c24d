package bench

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"

	"exchange/cmd/exchange/cluster"
	"exchange/ouch"
	"exchange/ouch/soupbin"
)

// pipeline keeps requests under way on one connection and notes how long each took.
type pipeline struct {
	conn    net.Conn
	out, in []byte
	have    int     // bytes in in
	sentAt  []int64 // by the request's place in the round, modulo its length
	start   time.Time
}

const (
	pipelineBuffer   = 256 << 10
	pipelineMost     = 1 << 16 // requests under way
	pipelinePatience = 20 * time.Second
)

func newPipeline(address string) (*pipeline, error) {
	conn, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return nil, err
	}
	return &pipeline{conn: conn, in: make([]byte, pipelineBuffer), sentAt: make([]int64, pipelineMost), start: time.Now()}, nil
}

// run sends count requests, at most window without an answer. send appends the next one; take counts the answers among the bytes that have come, and says
// how many bytes it is done with.
func (p *pipeline) run(count, window int, s *samples, send func(dst []byte) []byte, take func(b []byte) (answers, done int, err error)) error {
	began := time.Now()
	_ = p.conn.SetDeadline(began.Add(pipelinePatience))
	for sent, answered := 0, 0; answered < count; {
		p.out = p.out[:0]
		now := int64(time.Since(p.start))
		for sent < count && sent-answered < window && len(p.out) < pipelineBuffer/4 {
			p.out = send(p.out)
			p.sentAt[sent%pipelineMost] = now
			sent++
		}
		if len(p.out) > 0 {
			if _, err := p.conn.Write(p.out); err != nil {
				return err
			}
		}
		n, err := p.conn.Read(p.in[p.have:])
		if err != nil {
			return fmt.Errorf("%d of %d answered: %w", answered, count, err)
		}
		p.have += n
		answers, done, err := take(p.in[:p.have])
		if err != nil {
			return err
		}
		p.have = copy(p.in, p.in[done:p.have])
		now = int64(time.Since(p.start))
		for range answers {
			s.record(now - p.sentAt[answered%pipelineMost])
			answered++
		}
	}
	s.stretch(int64(count), time.Since(began))
	return nil
}

// ouchPipe is an account on one connection.
type ouchPipe struct {
	*pipeline
	soup       soupbin.Client
	next       uint32
	nextNumber uint32 // as the exchange told it last
}

// dialOUCH logs in at whoever leads.
func dialOUCH(f *cluster.File) (*ouchPipe, error) {
	password := ""
	for _, a := range f.OUCH {
		if a.Username == ouchAccount {
			password = a.Password
		}
	}
	var last error
	for _, address := range f.Addresses(cluster.Replica.OUCHAddress) {
		p := &ouchPipe{soup: soupbin.MakeClient(soupbin.Session{}, 0), next: 1}
		if p.pipeline, last = newPipeline(address); last != nil {
			continue
		}
		if last = p.login(password); last == nil {
			last = p.cancelAll() // and what number is the next
		}
		if last == nil {
			return p, nil
		}
		p.close()
	}
	return nil, fmt.Errorf("no login over OUCH: %w", last)
}

func (p *ouchPipe) close() { p.conn.Close() }

func (p *ouchPipe) login(password string) error {
	_ = p.conn.SetDeadline(time.Now().Add(time.Second))
	if _, err := p.conn.Write(p.soup.Login(nil, ouchAccount, password, 0)); err != nil {
		return err
	}
	for !p.soup.LoggedIn() {
		n, err := p.conn.Read(p.in[p.have:])
		if err != nil {
			return err
		}
		p.have += n
		if _, p.have, err = p.take(p.in[:p.have], 0); err != nil {
			return err
		}
		p.have = 0 // nothing follows the answer to a first login
	}
	return nil
}

// take counts the messages of a type.
func (p *ouchPipe) take(b []byte, which ouch.ReportType) (answers, done int, err error) {
	for {
		e, n, err := p.soup.Receive(b[done:], 0)
		if err != nil || n == 0 {
			return answers, done, err
		}
		done += n
		switch {
		case e.Kind == soupbin.LoginWasRejected:
			return answers, done, fmt.Errorf("login refused: %v", e.Reason)
		case e.Kind != soupbin.SequencedData:
		case ouch.ReportType(e.Message[0]) == which:
			answers++
			p.nextNumber = binary.BigEndian.Uint32(e.Message[9:])
		case ouch.ReportType(e.Message[0]) == ouch.Rejected:
			return answers, done, fmt.Errorf("order %d was rejected: %v", binary.BigEndian.Uint32(e.Message[9:]), ouch.RejectReason(binary.BigEndian.Uint16(e.Message[13:])))
		}
	}
}

// round enters orders that rest.
func (p *ouchPipe) round(count, window int, s *samples) error {
	return p.run(count, window, s, func(dst []byte) []byte {
		p.next++
		return ouchEnter(dst, p.next-1)
	}, func(b []byte) (int, int, error) { return p.take(b, ouch.Accepted) })
}

// cancelAll takes out all that rests, instrument by instrument, each time with a question behind it: the answer to that comes behind everything.
func (p *ouchPipe) cancelAll() error {
	for _, symbol := range ouchSymbols {
		q := ouch.Request{Type: ouch.MassCancel, UserRefNum: p.next, Firm: ouch.MakeFirm(""), Symbol: ouch.MakeSymbol(symbol)}
		b := appendUnsequenced(appendUnsequenced(nil, &q), &ouch.Request{Type: ouch.AccountQuery})
		_ = p.conn.SetDeadline(time.Now().Add(pipelinePatience))
		if _, err := p.conn.Write(b); err != nil {
			return err
		}
		for answers := 0; answers == 0; {
			n, err := p.conn.Read(p.in[p.have:])
			if err != nil {
				return fmt.Errorf("mass cancel: %w", err)
			}
			p.have += n
			var done int
			if answers, done, err = p.take(p.in[:p.have], ouch.QueryAnswer); err != nil {
				return err
			}
			p.have = copy(p.in, p.in[done:p.have])
		}
		p.next = p.nextNumber
	}
	time.Sleep(ouchBreath)
	return nil
}

// echoPeer is the floor: another process that answers so many bytes with so many.
type echoPeer struct {
	*pipeline
	cmd     *exec.Cmd
	address string
	request []byte
	answer  int
}

// EchoCommand is the hidden command of the exchange program that runs Echo.
const EchoCommand = "bench-echo-peer"

// startEcho starts one that works so long before each answer.
func startEcho(binary string, request, answer int, work time.Duration) (*echoPeer, error) {
	c := exec.Command(binary, EchoCommand, fmt.Sprint(request), fmt.Sprint(answer), fmt.Sprint(int64(work)))
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, err
	}
	in, err := c.StdinPipe() // its end is ours
	if err != nil {
		return nil, err
	}
	if err := c.Start(); err != nil {
		return nil, err
	}
	e := &echoPeer{cmd: c, request: make([]byte, request), answer: answer}
	address, err := bufio.NewReader(out).ReadString('\n')
	if err == nil {
		e.address = strings.TrimSpace(address)
		e.pipeline, err = newPipeline(e.address)
	}
	if err != nil {
		in.Close()
		e.stop()
		return nil, fmt.Errorf("the floor's process: %w", err)
	}
	return e, nil
}

func (e *echoPeer) stop() {
	if e.pipeline != nil {
		e.conn.Close()
	}
	_ = e.cmd.Process.Kill()
	_ = e.cmd.Wait()
}

func (e *echoPeer) round(count, window int, s *samples) error {
	return e.run(count, window, s, func(dst []byte) []byte { return append(dst, e.request...) }, func(b []byte) (int, int, error) {
		n := len(b) / e.answer
		return n, n * e.answer, nil
	})
}

// echoFleet is connections to one floor.
type echoFleet []*echoPeer

// more gives so many further connections to the floor.
func (e *echoPeer) more(connections int) (fleet echoFleet, err error) {
	for range connections {
		p := &echoPeer{request: e.request, answer: e.answer}
		if p.pipeline, err = newPipeline(e.address); err != nil {
			fleet.close()
			return nil, err
		}
		fleet = append(fleet, p)
	}
	return fleet, nil
}

func (f echoFleet) close() {
	for _, e := range f {
		e.conn.Close()
	}
}

func (f echoFleet) round(count, window int) (*samples, error) {
	return roundOfAll(count, len(f), func(i, count int, s *samples) error { return f[i].round(count, window, s) })
}

// roundOfAll lets pipelines work at once, each on its share; the rate is that of all together.
func roundOfAll(count, pipelines int, round func(i, count int, s *samples) error) (*samples, error) {
	each := max(count/pipelines, 1)
	parts, errs := make([]*samples, pipelines), make(chan error, pipelines)
	began := time.Now()
	for i := range parts {
		parts[i] = newSamples()
		go func() { errs <- round(i, each, parts[i]) }()
	}
	var err error
	for range parts {
		if e := <-errs; e != nil {
			err = e
		}
	}
	all := newSamples()
	for _, s := range parts {
		all.h.Merge(s.h)
	}
	all.stretch(int64(each*pipelines), time.Since(began))
	return all, err
}

// Echo says where it listens, and answers connections until standard input ends. It works so long before it writes: whatever has come by then has its answers at
// once.
func Echo(request, answer int, work time.Duration, stdin io.Reader, stdout io.Writer) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Fprintln(stdout, l.Addr())
	go func() {
		_, _ = io.Copy(io.Discard, stdin)
		os.Exit(0)
	}()
	for {
		conn, err := l.Accept()
		if err != nil {
			return err
		}
		go answerAll(conn, request, answer, work)
	}
}

func answerAll(conn net.Conn, request, answer int, work time.Duration) {
	defer conn.Close()
	in, out := make([]byte, 64<<10), make([]byte, (64<<10)/request*answer+answer)
	for have := 0; ; {
		n, err := conn.Read(in[have:])
		if err != nil {
			return
		}
		have += n
		count := have / request
		have -= count * request // what they are does not matter
		for began := time.Now(); work > 0 && time.Since(began) < work; {
		}
		if _, err := conn.Write(out[:count*answer]); err != nil {
			return
		}
	}
}
