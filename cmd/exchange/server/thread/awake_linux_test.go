package thread

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"testing"
)

// What the system was asked for is read back from where it was asked. Without the right to ask, nothing happens.
func TestAwake(t *testing.T) {
	var a Awake
	if err := a.Open(); err != nil {
		if !errors.Is(err, fs.ErrPermission) && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		a.Keep(true)
		a.Close()
		return
	}
	asked := func() int32 {
		t.Helper()
		f, err := os.Open(latencyRequest)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		var b [4]byte
		if _, err := f.Read(b[:]); err != nil {
			t.Fatal(err)
		}
		return int32(binary.NativeEndian.Uint32(b[:]))
	}
	before := asked()
	for range 2 {
		a.Keep(true)
		if got := asked(); got != neverSleep {
			t.Errorf("asked for %d µs, not for %d", got, neverSleep)
		}
		a.Keep(true)
		a.Keep(false)
		if got := asked(); got != before { // others may ask too
			t.Errorf("still asked for %d µs, before it was %d", got, before)
		}
	}
	a.Keep(true)
	a.Close()
	if got := asked(); got != before {
		t.Errorf("a request that is over still asks for %d µs, before it was %d", got, before)
	}
	a.Keep(false)
}
