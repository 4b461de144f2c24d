package server

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"

	"golang.org/x/crypto/argon2"
)

// HashCost is what one check of a password costs: memory in KiB and passes over it.
type HashCost struct{ Memory, Passes uint32 }

// The costs of hashes made here. DefaultHashCost is for passwords that people or files keep; PassingHashCost for those of a run that no one has to remember.
var (
	DefaultHashCost = HashCost{Memory: 19 << 10, Passes: 2}
	PassingHashCost = HashCost{Memory: 1 << 10, Passes: 1}
)

// Bounds of a hash from a configuration: what a check may cost at most.
const (
	maxHashMemory = 256 << 10 // KiB
	maxHashPasses = 16
	hashLen       = 32
	saltLen       = 16
	// hashesAtOnce bounds the checks that run at one time, and with them their memory.
	hashesAtOnce = 2
	// rememberedLogons bounds the credentials known to be right, so that a session that comes back does not pay again.
	rememberedLogons = 4096
)

// HashPassword gives the argon2id hash of a password, with a salt of its own, in the usual text form.
func HashPassword(password string, cost HashCost) string {
	salt := make([]byte, saltLen)
	_, _ = rand.Read(salt) // never fails
	h := passwordHash{cost: cost, salt: salt}
	return h.text(h.of([]byte(password)))
}

// passwordHash is a hash from a configuration.
type passwordHash struct {
	cost HashCost
	salt []byte
	sum  []byte
}

func (h *passwordHash) of(password []byte) []byte {
	return argon2.IDKey(password, h.salt, h.cost.Passes, h.cost.Memory, 1, hashLen)
}

func (h *passwordHash) text(sum []byte) string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=1$%s$%s", argon2.Version, h.cost.Memory, h.cost.Passes, b64.EncodeToString(h.salt), b64.EncodeToString(sum))
}

var errPasswordHash = errors.New("not an argon2id hash; `exchange config hash-password` makes one")

// parsePasswordHash reads what HashPassword wrote.
func parsePasswordHash(text string) (h passwordHash, err error) {
	parts := strings.Split(text, "$")
	var version int
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" {
		return h, errPasswordHash
	}
	if n, err := fmt.Sscanf(parts[2], "v=%d", &version); n != 1 || err != nil || version != argon2.Version {
		return h, errPasswordHash
	}
	if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=1", &h.cost.Memory, &h.cost.Passes); n != 2 || err != nil || !strings.HasSuffix(parts[3], ",p=1") {
		return h, errPasswordHash
	}
	b64 := base64.RawStdEncoding
	salt, err1 := b64.DecodeString(parts[4])
	sum, err2 := b64.DecodeString(parts[5])
	switch {
	case err1 != nil || err2 != nil || len(salt) < 8 || len(sum) != hashLen:
		return h, errPasswordHash
	case h.cost.Memory < 8 || h.cost.Memory > maxHashMemory || h.cost.Passes < 1 || h.cost.Passes > maxHashPasses:
		return h, fmt.Errorf("m=%d, t=%d: memory must lie in 8..%d KiB and passes in 1..%d", h.cost.Memory, h.cost.Passes, maxHashMemory, maxHashPasses)
	}
	h.salt, h.sum = salt, sum
	return h, nil
}

// logonChecker checks passwords against hashes, a few at a time. What was right once is known by a keyed digest, so that after a cut all clients come back
// without waiting for each other's hashes. The key is of this run and leaves it in no way.
type logonChecker struct {
	running chan struct{}
	key     [sha256.Size]byte

	mu    sync.Mutex
	right map[[sha256.Size]byte]struct{} // at most rememberedLogons
}

func newLogonChecker() *logonChecker {
	c := &logonChecker{running: make(chan struct{}, hashesAtOnce), right: map[[sha256.Size]byte]struct{}{}}
	_, _ = rand.Read(c.key[:])
	return c
}

// check tells whether the password is the one that the hash was made of.
func (c *logonChecker) check(h *passwordHash, password []byte) bool {
	mac := hmac.New(sha256.New, c.key[:])
	mac.Write(h.sum)
	mac.Write(password)
	digest := [sha256.Size]byte(mac.Sum(nil))
	c.mu.Lock()
	_, known := c.right[digest]
	c.mu.Unlock()
	if known {
		return true
	}
	c.running <- struct{}{}
	good := subtle.ConstantTimeCompare(h.of(password), h.sum) == 1
	<-c.running
	if good {
		c.mu.Lock()
		if len(c.right) >= rememberedLogons {
			clear(c.right)
		}
		c.right[digest] = struct{}{}
		c.mu.Unlock()
	}
	return good
}
