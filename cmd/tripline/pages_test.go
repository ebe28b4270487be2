package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestCommandsInPages holds the command lines that the pages show against the
// commands and flags that there are.
func TestCommandsInPages(t *testing.T) {
	var files []string
	for _, pattern := range []string{"../../*.md", "../../docs/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	count := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range commandLines(string(text)) {
			count++
			if err := wouldRun(line); err != nil {
				t.Errorf("%s: %q: %v", file, line, err)
			}
		}
	}
	if count < 30 {
		t.Errorf("only %d command lines were found: is the test blind?", count)
	}
}

// commandLines finds the command lines of tripline in blocks of code and in
// `code` of a page, each without what comes before and after it in a pipe.
func commandLines(page string) []string {
	var all []string
	add := func(code string) {
		code = regexp.MustCompile(`\s#\s.*`).ReplaceAllString(code, "")
		quoted := regexp.MustCompile(`'[^']*'|"[^"]*"`)
		code = quoted.ReplaceAllString(code, "TEXT")
		for _, part := range regexp.MustCompile(`[|;&><()]+`).Split(code, -1) {
			words := strings.Fields(part)
			for len(words) > 0 && (words[0] == "sudo" || strings.Contains(words[0], "=")) {
				words = words[1:]
			}
			if len(words) > 1 && strings.TrimPrefix(strings.TrimPrefix(words[0], "bin/"), "/usr/bin/") == "tripline" {
				all = append(all, strings.Join(words[1:], " "))
			}
		}
	}
	page = strings.ReplaceAll(page, "\\\n", " ")
	var prose strings.Builder
	fenced := false
	for line := range strings.Lines(page) {
		switch {
		case strings.HasPrefix(strings.TrimSpace(line), "```"):
			fenced = !fenced
		case fenced || strings.HasPrefix(line, "    "):
			add(strings.TrimPrefix(strings.TrimSpace(line), "$ "))
		default:
			prose.WriteString(line)
		}
	}
	for _, found := range regexp.MustCompile("`([^`]*)`").FindAllStringSubmatch(prose.String(), -1) {
		add(found[1])
	}
	return all
}

// wouldRun says whether a command line names a command, and flags that it has.
func wouldRun(line string) error {
	words := strings.Fields(line)
	root := rootCommand(streams{in: strings.NewReader(""), out: io.Discard, err: io.Discard})
	root.InitDefaultHelpCmd()
	command, rest, err := root.Find(words)
	if err != nil {
		return err
	}
	command.InitDefaultHelpFlag()
	command.InitDefaultVersionFlag()
	if command.HasSubCommands() && len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
		return fmt.Errorf("%s has no command %q", command.CommandPath(), rest[0])
	}
	err = command.ParseFlags(rest)
	if err != nil && strings.HasPrefix(err.Error(), "flag needs an argument") {
		return nil // a page may name a flag without a value
	}
	return err
}

// TestExamplesOfCommands holds the examples of --help and the man pages against the
// commands and flags that there are.
func TestExamplesOfCommands(t *testing.T) {
	count := 0
	var look func(*cobra.Command)
	look = func(command *cobra.Command) {
		for _, line := range commandLines(strings.ReplaceAll(command.Example, "  tripline", "    tripline")) {
			count++
			if err := wouldRun(line); err != nil {
				t.Errorf("%s: %q: %v", command.CommandPath(), line, err)
			}
		}
		for _, below := range command.Commands() {
			look(below)
		}
	}
	look(rootCommand(streams{in: strings.NewReader(""), out: io.Discard, err: io.Discard}))
	if count < 20 {
		t.Errorf("only %d examples were found: is the test blind?", count)
	}
}
