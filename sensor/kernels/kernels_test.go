package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"tripline/auditrules/kernel"
	"tripline/sensor/kernels/report"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestImage reads back what kernels read, by the format's description.
func TestImage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "folder", "image.gz")
	files := []file{
		{path: "bin"},
		{path: "dev/null", device: [2]uint32{1, 3}},
		{path: "bin/program", data: []byte("12345"), program: true},
		{path: "etc/text", data: []byte("1234")},
	}
	if err := writeImage(path, files); err != nil {
		t.Fatal(err)
	}
	packed, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	unpacked, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	archive, err := io.ReadAll(unpacked)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for len(archive) > 0 {
		if string(archive[:6]) != "070701" {
			t.Fatalf("an entry begins with %q", archive[:6])
		}
		var fields [13]int
		for i := range fields {
			value, err := strconv.ParseUint(string(archive[6+8*i:14+8*i]), 16, 32)
			if err != nil {
				t.Fatal(err)
			}
			fields[i] = int(value)
		}
		size, nameSize := fields[6], fields[11]
		name := string(archive[110 : 110+nameSize-1])
		data := archive[aligned(110+nameSize):]
		got = append(got, fmt.Sprintf("%s %o %d,%d %s", name, fields[1], fields[9], fields[10], data[:size]))
		archive = data[aligned(size):]
	}
	want := []string{
		"bin 40755 0,0 ", "dev/null 20666 1,3 ", "bin/program 100755 0,0 12345", "etc/text 100644 0,0 1234", "TRAILER!!! 0 0,0 ",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the archive has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func aligned(n int) int { return (n + 3) / 4 * 4 }

func TestMachineMirror(t *testing.T) {
	for _, test := range []struct{ name, file, text, want string }{
		{"old style", "sources.list", "# deb http://no.example/debian x main\ndeb http://a.example/debian bookworm main\n", "http://a.example/debian"},
		{"with options", "sources.list", "deb [arch=amd64 signed-by=/k] http://a.example/x/debian/ bookworm main\n", "http://a.example/x/debian"},
		{"new style", "sources.list.d/debian.sources", "Types: deb\nURIs: http://b.example/debian\nSuites: sid\n", "http://b.example/debian"},
		{"security alone", "sources.list", "deb http://a.example/debian-security bookworm-security main\n", ""},
		{"somebody else's", "sources.list.d/x.list", "deb https://a.example/apt stable main\n", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			folder := t.TempDir()
			if err := os.MkdirAll(filepath.Join(folder, "sources.list.d"), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(folder, test.file), []byte(test.text), 0o644); err != nil {
				t.Fatal(err)
			}
			got, err := machineMirror(folder)
			if got != test.want || (err == nil) != (test.want != "") {
				t.Errorf("the mirror is %q, %v; want %q", got, err, test.want)
			}
		})
	}
}

func TestExtractKernel(t *testing.T) {
	for _, kernel := range []string{"./boot/vmlinuz-1.2", "./usr/lib/modules/1.2/vmlinuz"} {
		var files bytes.Buffer
		archive := tar.NewWriter(&files)
		for _, name := range []string{"./boot/config-1.2", kernel} {
			if err := archive.WriteHeader(&tar.Header{Name: name, Size: int64(len(name)), Mode: 0o644, Typeflag: tar.TypeReg}); err != nil {
				t.Fatal(err)
			}
			if _, err := archive.Write([]byte(name)); err != nil {
				t.Fatal(err)
			}
		}
		if err := archive.Close(); err != nil {
			t.Fatal(err)
		}
		folder := t.TempDir()
		path, err := extractKernel(&files, folder)
		if err != nil || path != filepath.Join(folder, "vmlinuz-1.2") {
			t.Fatalf("extracted %q, %v", path, err)
		}
		if data, err := os.ReadFile(path); err != nil || string(data) != kernel {
			t.Errorf("the kernel is %q, %v", data, err)
		}
	}
}

// featuresOf is what the sensor finds out on a kernel that is as known.
func featuresOf(release string, k known) map[string]string {
	found := map[string]string{
		report.Release: release, "status bytes": fmt.Sprint(k.statusBytes), "io_uring": yesNo(k.ioUring),
	}
	for _, feature := range kernel.AllFeatures() {
		found[feature.String()] = "no"
	}
	for _, feature := range k.has {
		found[feature.String()] = "yes"
	}
	return found
}

func TestCompareFeatures(t *testing.T) {
	kinds := knownKernels()
	for release, want := range map[string]int{
		"2.6.32-642.el6.x86_64": 0, "3.10.0-1160.el7.x86_64": 1, "4.18.0-147.el8.x86_64": 7, "4.19.0-27-amd64": 8,
		"5.10.0-32-cloud-amd64": 9, "6.1.0-50-cloud-amd64": 10, "7.2.13+deb14-cloud-amd64": 10,
	} {
		found := featuresOf(release, kinds[want])
		if problems := compareFeatures(found); problems != nil {
			t.Errorf("%s: %q", release, problems)
		}
		found[kernel.FeatureExecutable.String()] = "unknown"
		if problems := compareFeatures(found); len(problems) != 1 || !strings.Contains(problems[0], "rules by program") {
			t.Errorf("%s with a difference: %q", release, problems)
		}
	}
	if problems := compareFeatures(map[string]string{report.Release: "9.9"}); problems != nil {
		t.Errorf("a kernel of which nothing is known: %q", problems)
	}
}

// TestTable also shows that a machine which dies fails every step to come.
func TestTable(t *testing.T) {
	good := &outcome{name: "good", features: map[string]string{report.Release: "6.1.0-test", "x32": "no"}, steps: map[report.Boot][]report.Step{}}
	bad := &outcome{name: "bad", steps: map[report.Boot][]report.Step{}}
	lines := []report.Line{
		{Plan: []string{"boot", "watch", "catch", "restore"}},
		{Step: &report.Step{Name: "boot", Result: report.Pass}},
		{Step: &report.Step{Name: "watch", Result: report.Blind, Reason: "named"}},
		{Step: &report.Step{Name: "catch", Result: report.Skip, Reason: "no such way"}},
		{Step: &report.Step{Name: "restore", Result: report.Fail, Reason: "left behind", Log: "one\ntwo\n"}},
		{End: true},
	}
	for o, count := range map[*outcome]int{good: len(lines), bad: 2} {
		b := booted{outcome: o, boot: report.Plain}
		for _, line := range lines[:count] {
			var text bytes.Buffer
			if err := report.Write(&text, line); err != nil {
				t.Fatal(err)
			}
			read, err := report.Read(text.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			b.take(read)
		}
		var err error
		if !b.ended {
			err = errors.New("the machine ended too early")
		}
		b.finish(err)
	}
	var text bytes.Buffer
	if failed := printTable(&text, []*outcome{good, bad}); failed != 4 {
		t.Errorf("%d failed, want 4", failed)
	}
	golden := filepath.Join("testdata", "table.golden")
	if *update {
		if err := os.WriteFile(golden, text.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if text.String() != string(want) {
		t.Errorf("the table is\n%s", text.String())
	}
}

// TestEmulatorThatDies is a boot of which no report comes, however often it is tried.
func TestEmulatorThatDies(t *testing.T) {
	folder := t.TempDir()
	emulator, tries := filepath.Join(folder, "emulator"), filepath.Join(folder, "tries")
	if err := os.WriteFile(emulator, []byte("#!/bin/sh\necho tried >> "+tries+"\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	s := settings{folder: folder, emulator: emulator, limit: time.Minute}
	var said bytes.Buffer
	o := s.try(context.Background(), "vmlinuz-none", "none", &said)
	for _, boot := range report.Boots() {
		step := o.step(boot, "boot")
		if step.Result != report.Fail || !strings.Contains(step.Reason, "the machine ended too early") {
			t.Errorf("%s: %+v", boot, step)
		}
	}
	tried, err := os.ReadFile(tries)
	if err != nil {
		t.Fatal(err)
	}
	if want := bootTries * len(report.Boots()); bytes.Count(tried, []byte("tried")) != want || strings.Count(said.String(), "booted again") != want-len(report.Boots()) {
		t.Errorf("it was tried\n%snot %d times, and said:\n%s", tried, want, said.String())
	}
}

func TestConsoleEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "console")
	text := "Command line: panic=1\n[1.0] fine\n[2.0] Kernel panic - not syncing: audit: backlog limit exceeded\n[2.1] Rebooting in 1 seconds..\n"
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := consoleEnd(path); !strings.Contains(got, "backlog limit exceeded") {
		t.Errorf("the console's end is %q", got)
	}
}
