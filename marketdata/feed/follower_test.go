package feed

import "testing"

// TestAWriterThatPassesTheWakingOn asks once for a wake-up when somebody waits, and not when nobody does.
func TestAWriterThatPassesTheWakingOn(t *testing.T) {
	s := NewStore(1 << 20)
	raised := 0
	s.PassOn(func() { raised++ })
	f, err := s.Follow()
	if err != nil {
		t.Fatal(err)
	}
	publish := func() {
		s.Append(s.Next(), messageOf(s.Next()))
		s.Publish()
	}
	publish()
	if raised != 0 {
		t.Error("raised for nobody")
	}
	f.Arm()
	publish()
	select {
	case <-f.C:
		t.Error("woken by the writer")
	default:
	}
	if s.Wake(); raised != 1 || len(f.C) != 1 {
		t.Errorf("raised %d times, woken %d times", raised, len(f.C))
	}
	<-f.C
	s.Wake()
	publish()
	if raised != 1 || len(f.C) != 0 {
		t.Errorf("nobody waits: raised %d times, woken %d times", raised, len(f.C))
	}
}
