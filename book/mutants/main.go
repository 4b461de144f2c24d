// Command mutants leaves one instruction of the book's assembly out at a time and runs the tests that look at it: what they do not notice changes nothing but the
// time, or wants a test.
//
//	go run ./book/mutants -n 50 -seed 1     fifty of them, as chance takes them; `make mutants`
//
// It works on a copy, in a temporary directory, and needs what `go test ./book` needs.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// looking are the tests that look at the assembly, and how long they may take: a loop without its end is noticed too.
const (
	looking = "Assembly|ApplyAll|LookingAhead"
	longest = 20 * time.Second
)

func main() {
	n := flag.Int("n", 50, "how many instructions to leave out, one at a time")
	seed := flag.Uint64("seed", 1, "which ones")
	flag.Parse()
	if err := run(*n, *seed); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func run(n int, seed uint64) error {
	if _, err := os.Stat("book/plain_amd64.s"); err != nil {
		return fmt.Errorf("%w; run it where go.mod is", err)
	}
	dir, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	for _, name := range []string{"go.mod", "go.sum", "book"} {
		if err := copyTree(name, dir); err != nil {
			return err
		}
	}
	if noticed, err := test(dir); noticed || err != nil {
		return fmt.Errorf("the tests fail as it is (%v)", err)
	}
	all, err := mutants(dir)
	if err != nil {
		return err
	}
	r := rand.New(rand.NewPCG(seed, 0))
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	all = all[:min(n, len(all))]
	left := 0
	for i, m := range all {
		noticed, err := m.try(dir)
		if err != nil {
			return err
		}
		word := "noticed"
		if !noticed {
			word = "LEFT"
			left++
		}
		fmt.Printf("%3d of %d  %-8s %s\n", i+1, len(all), word, m)
	}
	fmt.Printf("%d of %d noticed\n", len(all)-left, len(all))
	return nil
}

// mutant is a line of a file to be left out.
type mutant struct {
	file string
	line int // from 0
	text string
}

func (m mutant) String() string {
	return fmt.Sprintf("%s:%d %s", m.file, m.line+1, strings.Join(strings.Fields(strings.TrimRight(m.text, ` \`)), " "))
}

// mutants finds all instructions of the book's assembly for amd64.
func mutants(dir string) (all []mutant, err error) {
	for _, pattern := range []string{"*_amd64.s", "*_amd64.h"} {
		files, _ := filepath.Glob(filepath.Join(dir, "book", pattern))
		for _, file := range files {
			b, err := os.ReadFile(file)
			if err != nil {
				return nil, err
			}
			for i, line := range strings.Split(string(b), "\n") {
				if instruction(line) {
					all = append(all, mutant{filepath.Base(file), i, line})
				}
			}
		}
	}
	return all, nil
}

// instruction tells whether a line is one that is worth leaving out: what only asks for memory early changes nothing, and without a return or a jump is no program.
func instruction(line string) bool {
	code, indented := strings.CutPrefix(line, "\t")
	op, _, _ := strings.Cut(code, " ")
	if !indented || op == "" || strings.Trim(op, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != "" {
		return false
	}
	for _, not := range []string{"RET", "JMP", "PREFETCH", "VZEROUPPER", "CPUID"} {
		if strings.HasPrefix(op, not) {
			return false
		}
	}
	return true
}

// without is the text without the line. In a macro its end stays, or the macro would end there.
func without(text string, line int) string {
	lines := strings.Split(text, "\n")
	rest := ""
	if code, _, _ := strings.Cut(lines[line], "//"); strings.HasSuffix(strings.TrimRight(code, " "), `\`) {
		rest = `\`
	}
	lines[line] = rest
	return strings.Join(lines, "\n")
}

// try leaves the instruction out, and tells whether that was noticed.
func (m mutant) try(dir string) (noticed bool, err error) {
	file := filepath.Join(dir, "book", m.file)
	whole, err := os.ReadFile(file)
	if err != nil {
		return false, err
	}
	defer func() {
		if again := os.WriteFile(file, whole, 0o600); err == nil {
			err = again
		}
	}()
	if err := os.WriteFile(file, []byte(without(string(whole), m.line)), 0o600); err != nil {
		return false, err
	}
	return test(dir)
}

// test builds the tests and runs them, and tells whether one of them failed, or took too long, or they could not be built.
func test(dir string) (failed bool, err error) {
	build := exec.Command("go", "test", "-c", "-o", "book.test", "./book")
	build.Dir = dir
	if failed, err := fails(build); failed || err != nil {
		return failed, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*longest)
	defer cancel()
	// By itself, not under go test: a loop in assembly does not hear of the tests' own limit, and is to be killed.
	tests := exec.CommandContext(ctx, filepath.Join(dir, "book.test"), "-test.run", looking, "-test.timeout", longest.String())
	tests.Dir = filepath.Join(dir, "book")
	return fails(tests)
}

// fails runs a command and tells whether it failed; err is why it could not be run.
func fails(c *exec.Cmd) (failed bool, err error) {
	out, err := c.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("%w: %s", err, out)
	}
	return false, nil
}

// copyTree copies a file, or a directory with all that is in it.
func copyTree(name, dir string) error {
	return filepath.WalkDir(name, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := filepath.Join(dir, path)
		if d.IsDir() {
			return os.MkdirAll(to, 0o700)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(to, b, 0o600)
	})
}
