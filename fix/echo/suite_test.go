package main

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"

	"exchange/fix"
)

// Suites from outside, in the notation of QuickFIX's acceptance tests (I what is sent, E what is expected, i and e CONNECT and DISCONNECT; tags with SOH
// between), are played with
//
//	go test ./fix/echo -run Outside -suite DIRECTORY -begin FIX.4.4
//
// `make fix-suites` plays those that the module of quickfixgo holds.
var (
	suite  = flag.String("suite", "", "directory of .def files to play")
	begin  = flag.String("begin", "FIX.4.4", "version that they are of")
	tells  = flag.Bool("next-expected", false, "they are for a venue that sends 789 and does not reset with each Logon")
	except = flag.String("except", "", "names of scripts that are left out, without .def and with commas between them")
)

// TestMain lets all scripts wait at the same time: they mostly do.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "64"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// TestScripts plays testdata/*.txt over real connections, in each version that a script is for.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d scripts: %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range fix.VersionNames {
			version, _ := fix.VersionNamed(name)
			t.Run(strings.TrimSuffix(filepath.Base(file), ".txt")+"/"+name, func(t *testing.T) {
				t.Parallel()
				s := newScript(t, version)
				steps, settings, ours := readScript(t, string(text), version)
				if !ours {
					return // the script says that it is not for this version
				}
				s.play(steps, settings)
			})
		}
	}
}

// TestOutside plays a suite from outside, where one is named.
func TestOutside(t *testing.T) {
	if *suite == "" {
		return
	}
	files, err := filepath.Glob(filepath.Join(*suite, "*.def"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %d scripts: %v", *suite, len(files), err)
	}
	version, ok := fix.VersionNamed(*begin)
	if !ok {
		t.Fatalf("%s is not spoken", *begin)
	}
	sort.Strings(files)
	leftOut := strings.Split(*except, ",")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if slices.Contains(leftOut, strings.TrimSuffix(filepath.Base(file), ".def")) {
			continue
		}
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			newScript(t, version).play(readDefinition(t, string(text)), settings{resetOnLogon: !*tells, nextExpected: *tells})
		})
	}
}
