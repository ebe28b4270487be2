package main

import (
	"bytes"
	"strings"
	"testing"
	"testing/fstest"
)

// TestNoteDefaults tells a person, and no script, that the installed configuration is
// there and is not read.
func TestNoteDefaults(t *testing.T) {
	installed := fstest.MapFS{"etc/tripline/sensor.toml": &fstest.MapFile{}}
	for _, test := range []struct {
		name     string
		host     fstest.MapFS
		file     string
		terminal bool
		said     bool
	}{
		{"installed", installed, "", true, true},
		{"not installed", fstest.MapFS{}, "", true, false},
		{"a configuration is named", installed, "other.toml", true, false},
		{"no terminal", installed, "", false, false},
	} {
		var said bytes.Buffer
		(&settings{configFile: test.file}).noteDefaults(streams{err: &said, terminal: test.terminal}, test.host)
		if got := strings.Contains(said.String(), "--config /etc/tripline/sensor.toml"); got != test.said {
			t.Errorf("%s: it says %q", test.name, said.String())
		}
	}
}
