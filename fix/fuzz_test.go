package fix

import (
	"bytes"
	"testing"

	"exchange/book"
)

// FuzzFramer: any bytes in any two pieces end in the same frames as at once, every frame fits its limit, and nothing stalls.
func FuzzFramer(f *testing.F) {
	f.Add(sampleOrder(), 20)
	f.Add([]byte("8=FIX.4.4\x019=5\x0135=0\x0110=161\x018=FIX.4.4\x019=999999\x0135=0\x01"), 7)
	f.Add([]byte("88=8=FIX\x019=\x0110=\x018=F\x019=0\x0110=1\x01"), 3)
	f.Add(bytes.Repeat([]byte("8=FIX.4.4\x019=5\x01"), 40), 11)
	f.Fuzz(func(t *testing.T, in []byte, cut int) {
		const limit = 512
		frames := func(parts ...[]byte) (all [][]byte, oversize bool) {
			fr := newFramer(limit, 1024)
			for _, part := range parts {
				for len(part) > 0 {
					n := fr.write(part)
					part = part[n:]
					if n == 0 {
						t.Fatal("a full buffer without a frame in it")
					}
					for rounds := 0; ; rounds++ {
						if rounds > len(fr.buf) {
							t.Fatal("next does not come to an end")
						}
						frame, status := fr.next()
						if status == frameReady {
							if len(frame) > limit {
								t.Fatalf("a frame of %d bytes", len(frame))
							}
							all = append(all, bytes.Clone(frame))
						}
						if status == frameOversize {
							return all, true
						}
						if status == frameMore {
							break
						}
					}
				}
			}
			return all, false
		}
		if cut < 0 || cut > len(in) {
			cut = 0
		}
		whole, oversizeWhole := frames(in)
		pieces, oversizePieces := frames(in[:cut], in[cut:])
		if len(whole) != len(pieces) || oversizeWhole != oversizePieces {
			t.Fatalf("at once: %d frames, oversize %v; cut at %d: %d, %v", len(whole), oversizeWhole, cut, len(pieces), oversizePieces)
		}
		for i := range whole {
			if !bytes.Equal(whole[i], pieces[i]) {
				t.Fatalf("frame %d: %q and %q", i, whole[i], pieces[i])
			}
		}
	})
}

// FuzzParse: a parsed frame has a table that adds up to the frame, and the validator has an answer to it.
func FuzzParse(f *testing.F) {
	f.Add(sampleOrder())
	f.Add(EncodeEvent(nil, sampleFill(), sampleContext()))
	f.Add(seal("8=FIX.4.4|9=?|35=D|34=1|49=a|52=b|56=c|453=2|448=x|802=1|523=y|448=z|10=?|"))
	f.Add(seal("8=FIX.4.4|9=?|35=5|34=1|49=a|52=b|56=c|354=3|355=|||10=?|"))
	f.Add(seal("8=FIX.4.4|9=?|35=0|-1=|0=|99999999=|10=?|"))
	f.Fuzz(func(t *testing.T, in []byte) {
		var m Message
		// Repair the envelope, or hardly anything gets past it.
		frame := reseal(in)
		if m.parse(frame) != notGarbled {
			if len(m.fields) != 0 {
				t.Fatal("a garbled frame leaves fields")
			}
			return
		}
		end := int32(0)
		for i, fl := range m.fields {
			if fl.start < end || fl.end < fl.start || frame[fl.end] != soh || frame[fl.start-1] != '=' {
				t.Fatalf("field %d of %q", i, frame)
			}
			end = fl.end
			if uint32(fl.tag) < indexedTags && !m.has(int(fl.tag)) {
				t.Fatalf("tag %d is not in the index", fl.tag)
			}
		}
		if int(end) != len(frame)-1 {
			t.Fatal("the fields are not the frame")
		}
		bad := FIX44.validate(&m)
		if bad.found && sessionRejectText(bad.reason) == "Other" {
			t.Fatalf("a fault without a text: %+v", bad)
		}
		m.clear()
		for tag, at := range m.first {
			if at != 0 {
				t.Fatalf("tag %d stays in the index", tag)
			}
		}
	})
}

// reseal gives a frame its right BodyLength and CheckSum, as far as it has the shape of one.
func reseal(in []byte) []byte {
	end := bytes.LastIndex(in, []byte("\x0110="))
	length := bytes.Index(in, []byte("\x019="))
	if end < 0 || length < 0 || length+3 > end {
		return in
	}
	body := bytes.IndexByte(in[length+1:], soh)
	if body < 0 || length+1+body > end {
		return in
	}
	start := length + 1 + body + 1
	out := append([]byte(nil), in[:length+3]...)
	out = append(appendUint(out, uint64(max(end+1-start, 0))), soh)
	if start <= end {
		out = append(out, in[start:end+1]...)
	}
	sum := checkSum(out)
	return append(out, '1', '0', '=', '0'+sum/100, '0'+sum/10%10, '0'+sum%10, soh)
}

// FuzzAcceptor: whatever a client sends after its Logon, and whenever what it caused is decided, the venue's numbers and commands hold: each
// command that consumes a number has the one that is expected, what is sent is well formed, and nothing grows without bound.
func FuzzAcceptor(f *testing.F) {
	f.Add([]byte("D2\x0111=a\x0138=1\x00242\x017=1\x0116=0\x001A1\x01141=Y\x01"), uint64(1))
	f.Add([]byte("05\x00043\x00442\x01123=Y\x0136=9\x0023\x017=1\x0116=2\x0051\x00"), uint64(7))
	f.Add([]byte("02\x0143=Y\x01122=20240101-00:00:00\x0009\x0008\x0052\x00"), uint64(99))
	f.Fuzz(func(t *testing.T, script []byte, pace uint64) {
		now := storyStart
		floor, v := newFloor(), newVenue()
		a := NewAcceptor(AcceptorConfig{}, floor)
		var stream []book.Event
		cursor := 0
		out := newFramer(MaxFrame, framerBuffer)
		var check Message
		var pending []book.Command
		turn := func(decide bool) {
			for again := true; again; {
				again = false
				pending = append(pending, a.Commands()...)
				if len(pending) > 10_000 {
					t.Fatal("commands without bound")
				}
				if decide {
					for _, c := range pending {
						again = true
						for _, ev := range v.apply(&c, now) {
							if ev.Kind == book.CommandDropped && c.Epoch == v.epoch {
								t.Fatalf("dropped: %s, expected %d", describeCommand(&c), v.nextIn)
							}
							stream = append(stream, ev)
						}
					}
					pending = pending[:0]
				}
				if from, to, ok := a.ResendRequest(); ok {
					again = true
					for i := range v.store {
						if v.store[i].OutSeq >= from && v.store[i].OutSeq <= to {
							a.Resend(now, &v.store[i])
						}
					}
					a.ResendDone(now)
				}
				for cursor < len(stream) && !a.resend.active {
					a.Deliver(now, &stream[cursor])
					cursor++
					again = true
				}
				if n := out.write(a.Bytes()); n != len(a.Bytes()) {
					t.Fatal("more bytes than a connection should give at once")
				}
				a.Sent(len(a.Bytes()))
				for {
					frame, status := out.next()
					if status == frameMore {
						break
					}
					if status != frameReady || check.parse(frame) != notGarbled {
						t.Fatalf("we sent a garbled message: %q", frame)
					}
				}
			}
		}
		a.Receive(now, clientFrame("A", "1", "98=0\x01108=10"))
		turn(true)
		for _, line := range bytes.Split(script, []byte{0}) {
			if len(line) < 2 {
				continue
			}
			pace = pace*6364136223846793005 + 1442695040888963407
			now += int64(pace>>40) % 3e9
			head, body, _ := bytes.Cut(line[1:], []byte{soh})
			if pace>>61 == 0 {
				a.Receive(now, line)
			} else {
				a.Receive(now, clientFrame(string(line[:1]), string(head), string(body)))
			}
			turn(pace>>33&1 == 0)
			a.Tick(now)
		}
		a.Hangup(now)
		turn(true)
		if !a.Over() || v.connected {
			t.Fatalf("not over: %v, connected %v", a.Over(), v.connected)
		}
	})
}

func clientFrame(msgType, seq, body string) []byte {
	e := encoderOn(nil)
	e.begin("FIX.4.4", msgType)
	e.text(tagMsgSeqNum, seq)
	e.text(tagSenderCompID, "TW")
	e.text(tagSendingTime, "20240229-23:59:58")
	e.text(tagTargetCompID, "ISLD")
	if body != "" {
		e.fields(append([]byte(body), soh))
	}
	return e.finish()
}

// FuzzInitiator: whatever a venue sends, the client's numbers only rise, what it takes in order has no hole that it does not know of, and what it sends is
// well formed.
func FuzzInitiator(f *testing.F) {
	f.Add([]byte("82\x0111=a\x01150=0\x00242\x017=1\x0116=0\x001A3\x01112=x\x00"), uint64(1))
	f.Add([]byte("05\x00043\x00442\x01123=Y\x0136=9\x0023\x017=1\x0116=2\x0051\x00"), uint64(7))
	f.Add([]byte("02\x0143=Y\x01122=20240101-00:00:00\x0009\x0008\x0052\x00"), uint64(99))
	f.Add([]byte("4423\x0136=9\x0136=\x00"), uint64(3)) // of a tag twice, one was applied and the other told of
	f.Add([]byte("A2"), uint64(24))                     // a Logon inside the session was taken without being told of
	f.Fuzz(func(t *testing.T, script []byte, pace uint64) {
		now := storyStart
		client := NewInitiator(InitiatorConfig{Sender: "ISLD", Target: "TW", SentMessages: 8, SentBytes: 512})
		client.Connect(now)
		out := newFramer(MaxFrame, framerBuffer)
		var check Message
		lastIn, lastOut := client.Numbers()
		expected := uint64(1)
		turn := func() {
			for _, r := range client.Received() {
				switch {
				case r.Duplicate:
				case r.Is("4") && r.NewSeqNo > expected && (r.Seq == expected || !r.GapFill):
					expected = r.NewSeqNo
				case r.Seq == expected:
					expected++
				}
			}
			in, sent := client.Numbers()
			if in < lastIn || sent < lastOut {
				t.Fatalf("numbers fall: in %d to %d, out %d to %d", lastIn, in, lastOut, sent)
			}
			lastIn, lastOut = in, sent
			for b := client.Bytes(); len(b) > 0; {
				n := out.write(b)
				b = b[n:]
				for {
					frame, status := out.next()
					if status == frameMore {
						break
					}
					if status != frameReady || check.parse(frame) != notGarbled {
						t.Fatalf("we sent a garbled message: %q", frame)
					}
				}
			}
			client.Sent(len(client.Bytes()))
		}
		turn()
		client.Receive(now, clientFrame("A", "1", "98=0\x01108=10"))
		expected = 2
		turn()
		for _, line := range bytes.Split(script, []byte{0}) {
			if len(line) < 2 {
				continue
			}
			pace = pace*6364136223846793005 + 1442695040888963407
			now += int64(pace>>40) % 3e9
			head, body, _ := bytes.Cut(line[1:], []byte{soh})
			switch pace >> 61 {
			case 0:
				client.Receive(now, line)
			case 1:
				client.NewOrderSingle(now, &Order{ClOrdID: []byte("x"), Symbol: []byte("ABC"), Price: 1, Qty: 1})
			default:
				client.Receive(now, clientFrame(string(line[:1]), string(head), string(body)))
			}
			turn()
			client.Tick(now)
		}
		turn()
		in, _ := client.Numbers()
		if in != expected {
			t.Fatalf("told of everything below %d, expects %d", expected, in)
		}
	})
}
