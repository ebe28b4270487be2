package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// part is something that a binary contains.
type part struct {
	name, path, version, sum string

	texts []licence
}

// licence is the text of one file, which is nothing but what its authors wrote.
type licence struct {
	// file is the path below the part's folder.
	file string
	text []byte
}

// licences finds the licences that hold for the module's packages in the binary:
// those in their folders and in the folders above, up to the module's own.
func (l listedPackages) licences(module string) ([]licence, error) {
	packages := l[module]
	if len(packages) == 0 {
		return nil, fmt.Errorf("the binary has %s, which go list does not name: list what it was built from, for its machine", module)
	}
	var found []licence
	seen := map[string]bool{}
	for _, one := range packages {
		more, err := licences(one.Module.Dir, one.Dir)
		if err != nil {
			return nil, err
		}
		for _, text := range more {
			if !seen[text.file] {
				seen[text.file] = true
				found = append(found, text)
			}
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%s has no licence in %s", module, packages[0].Module.Dir)
	}
	slices.SortFunc(found, func(a, b licence) int { return strings.Compare(a.file, b.file) })
	return found, nil
}

// licences reads the files with licences and notices in a folder and in those
// above it, up to root.
func licences(root, folder string) ([]licence, error) {
	var found []licence
	for {
		entries, err := os.ReadDir(folder)
		if err != nil {
			return nil, fmt.Errorf("looking for licences: %w", err)
		}
		for _, entry := range entries {
			if !entry.Type().IsRegular() || !isLicence(entry.Name()) {
				continue
			}
			path := filepath.Join(folder, entry.Name())
			text, err := os.ReadFile(path)
			if err != nil {
				return nil, fmt.Errorf("reading a licence: %w", err)
			}
			name, err := filepath.Rel(root, path)
			if err != nil {
				return nil, fmt.Errorf("naming a licence: %w", err)
			}
			found = append(found, licence{name, text})
		}
		if folder == root || len(folder) <= len(root) {
			return found, nil
		}
		folder = filepath.Dir(folder)
	}
}

// isLicence says whether a file has by its name a licence, or notices that a
// licence asks to pass on.
func isLicence(name string) bool {
	name = strings.ToUpper(name)
	if slices.Contains([]string{".GO", ".S", ".C", ".H"}, filepath.Ext(name)) {
		return false
	}
	for _, beginning := range []string{"LICENSE", "LICENCE", "COPYING", "NOTICE", "PATENTS"} {
		if strings.HasPrefix(name, beginning) {
			return true
		}
	}
	return false
}

// notices are the licences of all parts as one text.
func notices(parts []part) []byte {
	var to bytes.Buffer
	to.WriteString("Tripline contains the following software of others, under the licences below.\n\n")
	for _, one := range parts {
		fmt.Fprintf(&to, "  %s %s\n", one.name, one.version)
	}
	rule := strings.Repeat("=", 78)
	for _, one := range parts {
		for _, text := range one.texts {
			fmt.Fprintf(&to, "\n%s\n%s %s: %s\n%s\n\n%s\n", rule, one.name, one.version, text.file, rule, bytes.TrimRight(text.text, "\n"))
		}
	}
	return to.Bytes()
}

// spdx names the licence of a text by sentences that only it has, "" where it is
// none of those that are known here.
func spdx(text []byte) string {
	words := string(bytes.Join(bytes.Fields(text), []byte(" ")))
	has := func(part string) bool { return strings.Contains(words, part) }
	switch {
	case has("Apache License Version 2.0"):
		return "Apache-2.0"
	case has("Mozilla Public License, version 2.0"), has("Mozilla Public License Version 2.0"):
		return "MPL-2.0"
	case has("Redistribution and use in source and binary forms") && (has("Neither the name of") || has("the names of its contributors")):
		return "BSD-3-Clause"
	case has("Redistribution and use in source and binary forms"):
		return "BSD-2-Clause"
	case has("Permission is hereby granted, free of charge"):
		return "MIT"
	}
	return ""
}
