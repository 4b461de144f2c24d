// Package exchange_test holds what must be true of the tree itself: who may import whom, formatting and names.
package exchange_test

import (
	"go/format"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"testing"
)

const module = "exchange"

// mayImport is the architecture as a table: a package (and all below it, unless they have a row of their own) may import
// these of our packages (and what lies below them). A package without a row fails the test.
var mayImport = map[string][]string{
	"book":                    {},
	"rdmaio":                  {},
	"rdmaio/rdmaiotest":       {"rdmaio"},
	"rdmaio/sim":              {"rdmaio"},
	"rdmaio/shm":              {"rdmaio"},
	"rdmaio/tcp":              {"rdmaio"},
	"rdmaio/verbs":            {"rdmaio"},
	"consensus":               {"rdmaio"},
	"fix":                     {"book"},
	"fix/echo":                {"book", "fix"},
	"fix/dictionary":          {},
	"ouch/soupbin":            {},
	"ouch":                    {"book", "ouch/soupbin"},
	"marketdata":              {"book", "ouch/soupbin", "marketdata"},
	"cmd/exchange/orderflow":  {"book"},
	"cmd/exchange/server":     {"book", "consensus", "rdmaio", "fix", "ouch", "marketdata", "cmd/exchange/server"},
	"cmd/exchange/trader":     {"fix", "ouch", "book"},
	"cmd/exchange/cluster":    {"cmd/exchange/server", "cmd/exchange/cluster"},
	"cmd/exchange/drill":      {"book", "fix", "marketdata", "cmd/exchange/cluster", "cmd/exchange/server", "cmd/exchange/trader", "cmd/exchange/drill", "cmd/exchange/orderflow", "ouch"},
	"cmd/exchange/bench":      {"book", "consensus", "rdmaio", "fix", "ouch", "marketdata", "cmd/exchange/server", "cmd/exchange/cluster", "cmd/exchange/trader", "cmd/exchange/orderflow"},
	"cmd/exchange/simulation": {"book", "consensus", "rdmaio", "rdmaio/sim", "cmd/exchange/server"},
	"cmd/exchange/simulate":   {"book", "consensus", "rdmaio", "rdmaio/sim", "fix", "marketdata", "cmd/exchange/server", "cmd/exchange/trader"},
	"cmd/exchange":            {"book", "consensus", "rdmaio", "fix", "marketdata", "ouch", "cmd/exchange"},
}

// testsMayImport adds what tests of a package may use beyond its row: a provider to run on, the state machine to talk to.
var testsMayImport = map[string][]string{
	"consensus":  {"rdmaio/sim", "rdmaio/shm", "rdmaio/tcp"},
	"rdmaio":     {"rdmaio"},
	"marketdata": {"book", "marketdata"},
}

// dependencyOnlyIn confines outside libraries to the rooms that may know them.
var dependencyOnlyIn = map[string][]string{
	"github.com/rs/zerolog":         {"cmd/exchange"},
	"github.com/valyala/fasthttp":   {"cmd/exchange"},
	"github.com/fasthttp/websocket": {"cmd/exchange"},
	"github.com/shopspring/decimal": {
		"cmd/exchange", "fix", "marketdata", "book/instrument.go",
	},
	"github.com/spf13/cobra":            {"cmd/exchange"},
	"golang.org/x/crypto/argon2":        {"cmd/exchange/server"},
	"github.com/pelletier/go-toml/v2":   {"cmd/exchange"},
	"github.com/schollz/progressbar/v3": {"cmd/exchange"},
}

func goFiles(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && path != "." || nestedModule(path)) {
			return filepath.SkipDir
		}
		if !d.IsDir() && strings.HasSuffix(path, ".go") {
			files = append(files, filepath.ToSlash(path))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 10 {
		t.Fatalf("found only %d Go files: the walk is broken", len(files))
	}
	return files
}

func nestedModule(dir string) bool {
	if dir == "." {
		return false
	}
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

// row finds the table row that governs a package: the longest prefix.
func row[T any](table map[string]T, pkg string) (string, bool) {
	for p := pkg; p != "." && p != ""; p = filepath.ToSlash(filepath.Dir(p)) {
		if _, ok := table[p]; ok {
			return p, true
		}
	}
	return "", false
}

func within(path string, dirs []string) bool {
	for _, d := range dirs {
		if path == d || strings.HasPrefix(path, d+"/") {
			return true
		}
	}
	return false
}

func TestWhoMayImportWhom(t *testing.T) {
	for _, file := range goFiles(t) {
		pkg := filepath.ToSlash(filepath.Dir(file))
		if pkg == "." {
			continue
		}
		governing, ok := row(mayImport, pkg)
		if !ok {
			t.Errorf("%s: package %s has no row in mayImport: say what it may import", file, pkg)
			continue
		}
		allowed := append([]string{pkg}, mayImport[governing]...)
		if strings.HasSuffix(file, "_test.go") {
			if r, ok := row(testsMayImport, pkg); ok {
				allowed = append(allowed, testsMayImport[r]...)
			}
			if within(pkg, []string{"rdmaio"}) {
				allowed = append(allowed, "rdmaio/rdmaiotest")
			}
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		for _, imp := range parsed.Imports {
			path, _ := strconv.Unquote(imp.Path.Value)
			if rest, ours := strings.CutPrefix(path, module+"/"); ours && !within(rest, allowed) {
				t.Errorf("%s imports %s: %s may import only %v", file, rest, governing, mayImport[governing])
			}
			for dep, rooms := range dependencyOnlyIn {
				if within(path, []string{dep}) && !within(file, rooms) {
					t.Errorf("%s imports %s, which belongs only in %v", file, path, rooms)
				}
			}
		}
	}
}

func TestFormatted(t *testing.T) {
	for _, file := range goFiles(t) {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		formatted, err := format.Source(src)
		if err != nil {
			t.Errorf("%s: %v", file, err)
		} else if string(formatted) != string(src) {
			t.Errorf("%s is not gofmt'ed: run gofmt -w %s", file, file)
		}
	}
}

func TestNamesSayWhatTheyHold(t *testing.T) {
	for _, file := range goFiles(t) {
		for _, part := range strings.Split(strings.TrimSuffix(file, ".go"), "/") {
			for _, word := range strings.Split(part, "_") {
				switch word {
				case "common", "util", "utils", "helper", "helpers", "misc":
					t.Errorf("%s: %q says nothing about what is inside", file, word)
				}
			}
		}
	}
}

func TestEveryDependencyHasItsReason(t *testing.T) {
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	reasons, err := os.ReadFile("docs/decisions/0002-dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	var direct []string
	for _, line := range strings.Split(string(mod), "\n") {
		f := strings.Fields(line)
		if len(f) >= 2 && strings.Contains(f[0], ".") && strings.HasPrefix(f[1], "v") && !strings.Contains(line, "// indirect") {
			direct = append(direct, f[0])
		}
	}
	sort.Strings(direct)
	if len(direct) == 0 {
		t.Fatal("go.mod names no direct dependency: the reading of it is broken")
	}
	for _, d := range direct {
		if !strings.Contains(string(reasons), "`"+d+"`") {
			t.Errorf("%s has no line of reason in docs/decisions/0002-dependencies.md", d)
		}
	}
}
