//go:build linux && (amd64 || arm64)

package shm

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"exchange/rdmaio"
)

// halfDenied is a mapping of two pages, of which stores to the second are denied, and the memory behind it.
func halfDenied(t testing.TB) (a *armed, mem []byte) {
	t.Helper()
	if err := Probe(); err != nil {
		t.Fatal(err)
	}
	fd, mem, err := newMemory("exchange-test", 2*pageSize, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Munmap(mem); unix.Close(fd) })
	if a, err = arm(fd, 2*pageSize); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.disarm)
	if err := protect(a.uffd, a.address(), uint64(pageSize), false); err != nil {
		t.Fatal(err)
	}
	return a, mem
}

// TestStoreAnywhere: every alignment and length, before, across and behind the boundary of what is denied.
func TestStoreAnywhere(t *testing.T) {
	a, mem := halfDenied(t)
	src := make([]byte, 512)
	for i := range src {
		src[i] = byte(i%251) + 1
	}
	for offset := pageSize - 160; offset < pageSize+40; offset++ {
		for _, n := range []int{1, 2, 7, 8, 9, 15, 16, 17, 31, 63, 64, 65, 71, 80, 127, 128, 129, 200, 256, 300} {
			clear(mem[:pageSize])
			from := src[n%9 : n%9+n]
			allowed := max(0, min(n, pageSize-offset)) // bytes of it that may be placed
			status := a.store(uint64(offset), from)
			if (status == rdmaio.Success) != (allowed == n) {
				t.Fatalf("%d bytes at %d of %d: status %d", n, offset, pageSize, status)
			}
			if status == rdmaio.Success && !bytes.Equal(mem[offset:offset+n], from) {
				t.Fatalf("%d bytes at %d: %x, want %x", n, offset, mem[offset:offset+n], from)
			}
			for i := range allowed { // what was placed is right, and in its place
				if b := mem[offset+i]; b != 0 && b != from[i] {
					t.Fatalf("%d bytes at %d: byte %d is %d, want %d", n, offset, i, b, from[i])
				}
			}
			end := min(offset+n, pageSize)
			start := min(offset, pageSize)
			if !zero(mem[:start]) || !zero(mem[end:]) {
				t.Fatalf("%d bytes at %d: something was stored beside it", n, offset)
			}
		}
	}
}

func zero(b []byte) bool {
	for _, x := range b {
		if x != 0 {
			return false
		}
	}
	return true
}

// TestDeniedOnManyThreads: the way out of a fault is each thread's own.
func TestDeniedOnManyThreads(t *testing.T) {
	a, _ := halfDenied(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			src := make([]byte, 256)
			for i := range uint64(2000) {
				at := i % 256
				if a.store(at, src[:at+1]) != rdmaio.Success {
					t.Error("a store that is allowed was denied")
				}
				if a.store(uint64(pageSize)-at, src[:at+1]) != rdmaio.RemoteAccessError {
					t.Error("a store that is denied passed")
				}
			}
		})
	}
	all.Wait()
}

// TestOtherFaultsAreNotOurs: a fault elsewhere, of the same signal, does what it does without us.
func TestOtherFaultsAreNotOurs(t *testing.T) {
	a, _ := halfDenied(t)
	if a.store(uint64(pageSize), []byte{1}) != rdmaio.RemoteAccessError {
		t.Fatal("a store that is denied passed")
	}
	name := filepath.Join(t.TempDir(), "short")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(int64(pageSize)); err != nil {
		t.Fatal(err)
	}
	mem, err := unix.Mmap(int(f.Fd()), 0, pageSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(mem)
	if err := f.Truncate(0); err != nil {
		t.Fatal(err)
	}
	for name, fault := range map[string]func(){
		"a load behind a file's end":                func() { loaded = mem[1] },
		"a store behind a file's end":               func() { mem[1] = 1 },
		"a store from there, to where we may store": func() { a.store(0, mem[:64]) },
	} {
		if !panics(fault) {
			t.Errorf("%s went by", name)
		}
	}
	if a.store(uint64(pageSize), []byte{1}) != rdmaio.RemoteAccessError || a.store(0, []byte{1}) != rdmaio.Success {
		t.Error("stores are not what they were")
	}
}

// loaded keeps a load from being left out.
var loaded byte

func panics(f func()) (did bool) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() { did = recover() != nil }()
	f()
	return false
}
