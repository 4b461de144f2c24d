package main

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "dictionary:", err)
		os.Exit(1)
	}
}

// run writes every file made from the table, below the module's root.
func run() error {
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	made, err := makeAll(root)
	if err != nil {
		return err
	}
	names := make([]string, 0, len(made))
	for name := range made {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(root, name), made[name], 0o644); err != nil {
			return err
		}
	}
	return nil
}

// moduleRoot is the nearest directory at or above the present one that has a go.mod.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", fmt.Errorf("no go.mod at or above the present directory; run it inside the module")
		}
		dir = up
	}
}

// makeAll gives the contents of every file made, by path from the root.
func makeAll(root string) (map[string][]byte, error) {
	text, err := os.ReadFile(filepath.Join(root, "fix", "dictionary", "table.txt"))
	if err != nil {
		return nil, err
	}
	t, err := readTable(string(text))
	if err != nil {
		return nil, fmt.Errorf("table.txt: %w", err)
	}
	made := map[string][]byte{}
	for _, v := range versions {
		if made["fix/"+v.file], err = t.versionSource(v); err != nil {
			return nil, fmt.Errorf("%s: %w", v.name, err)
		}
	}
	if made["fix/tags.go"], err = t.tagSource(); err != nil {
		return nil, err
	}
	const page = "docs/fix.md"
	doc, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		return nil, err
	}
	if made[page], err = t.writePage(doc); err != nil {
		return nil, fmt.Errorf("%s: %w", page, err)
	}
	return made, nil
}
