package server

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "replica.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func defaults(t *testing.T) string {
	t.Helper()
	c := DefaultConfig()
	text, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// What print-defaults writes can be read again, and means the same.
func TestDefaultsAreAGoodConfiguration(t *testing.T) {
	c, err := LoadConfig(write(t, defaults(t)))
	if err != nil {
		t.Fatal(err)
	}
	again, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if string(again) != defaults(t) {
		t.Errorf("read and written again it is\n%s", again)
	}
}

// Everything wrong is told by name, with what to do.
func TestBadConfigurationIsExplained(t *testing.T) {
	for _, c := range []struct{ name, from, to, says string }{
		{"unknown key", "spin =", "spinn =", "unknown key \"spinn\""},
		{"no duration", "'10s'", "'10 parsecs'", "duration"},
		{"provider", "provider = 'shm'", "provider = 'pigeon'", "choose one of"},
		{"tick", "tick = '0.01'", "tick = '0.00001'", "multiples of 0.0001"},
		{"lot", "lot = 1", "lot = 0", "lot 0"},
		{"even number of members", "[[members]]\nid = 3", "[[participants_]]\nid = 3", "unknown key"},
		{"not a member", "\nid = 1\n", "\nid = 9\n", "not among the members"},
		{"two on a port", "127.0.0.1:9102", "127.0.0.1:9101", "is used by"},
		{"no port", "'127.0.0.1:9151'", "'127.0.0.1'", "HOST:PORT"},
		{"log size", "log_bytes = 4194304", "log_bytes = 4194303", "powers of two"},
		{"session without participant", "participant = 'FIRM1'", "participant = 'NOBODY'", "not in participants"},
		{"feed session", "feed_session = 'DAY0000001'", "feed_session = 'TOO LONG TO BE ONE'", "letters and digits"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := defaults(t)
			if !strings.Contains(text, c.from) {
				t.Fatalf("the defaults have no %q:\n%s", c.from, text)
			}
			path := write(t, strings.Replace(text, c.from, c.to, 1))
			_, err := LoadConfig(path)
			if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), path) {
				t.Fatalf("error %v, it should name %s and say %q", err, path, c.says)
			}
		})
	}
}

// Each start is counted; a second process with the same identity, or of another cluster, is refused.
func TestIncarnations(t *testing.T) {
	c := DefaultConfig()
	c.Dir = t.TempDir()
	for start := uint64(1); start <= 3; start++ {
		in, err := takeIncarnation(&c)
		if err != nil {
			t.Fatal(err)
		}
		if in.number != start || in.learner != (start > 1) {
			t.Fatalf("start %d: %+v", start, in)
		}
		if _, err := takeIncarnation(&c); err == nil || !strings.Contains(err.Error(), "runs already") {
			t.Fatalf("a second process with the same id: %v", err)
		}
		in.release()
	}
	c.Cluster = "another"
	if _, err := takeIncarnation(&c); err == nil || !strings.Contains(err.Error(), "choose another dir") {
		t.Fatalf("another cluster in the directory: %v", err)
	}
}
