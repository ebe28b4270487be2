package metrics

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/common/expfmt"
)

var families = []Family{
	{Name: "tripline_x_total", Help: "What a \\ and\na line mean.", Type: Counter, Samples: []Sample{{Value: 3}}},
	{Name: "tripline_none", Help: "Nothing.", Type: Gauge},
	{Name: "tripline_y_bytes", Help: "Sizes.", Type: Gauge, Samples: []Sample{
		{Labels: []Label{{"path", "/a\"b\\c\nd"}, {"kind", "\xff\x1b[2J"}}, Value: 0.5},
		{Labels: []Label{{"path", ""}, {"kind", "ö"}}, Value: 1 << 40},
		{Labels: []Label{{"path", ""}, {"kind", "ö"}}, Value: 7},
		{Labels: []Label{{"path", "inf"}, {"kind", ""}}, Value: math.Inf(1)},
	}},
}

const want = `# HELP tripline_x_total What a \\ and\na line mean.
# TYPE tripline_x_total counter
tripline_x_total 3
# HELP tripline_y_bytes Sizes.
# TYPE tripline_y_bytes gauge
tripline_y_bytes{path="/a\"b\\c\nd",kind="` + "\uFFFD\x1b" + `[2J"} 0.5
tripline_y_bytes{path="",kind="ö"} 1.099511627776e+12
tripline_y_bytes{path="inf",kind=""} +Inf
`

func TestWrite(t *testing.T) {
	var text bytes.Buffer
	if err := Write(&text, families); err != nil {
		t.Fatal(err)
	}
	if text.String() != want {
		t.Errorf("got\n%s\nwant\n%s", text.String(), want)
	}
}

// TestPrometheusReads reads what was written with Prometheus' own parser.
func TestPrometheusReads(t *testing.T) {
	var parser expfmt.TextParser
	found, err := parser.TextToMetricFamilies(strings.NewReader(want))
	if err != nil {
		t.Fatal(err)
	}
	if help := found["tripline_x_total"].GetHelp(); help != "What a \\ and\na line mean." {
		t.Errorf("help is %q", help)
	}
	sample := found["tripline_y_bytes"].GetMetric()[0]
	if path := sample.GetLabel()[0].GetValue(); path != "/a\"b\\c\nd" {
		t.Errorf("a label is %q", path)
	}
	if value := sample.GetGauge().GetValue(); value != 0.5 {
		t.Errorf("a figure is %v", value)
	}
}

// FuzzWrite gives any label and help to Prometheus' parser.
func FuzzWrite(f *testing.F) {
	f.Add("a\\\"\n", "b\x00\xff", 1.5)
	f.Add("", "\r\u2028", math.NaN())
	f.Fuzz(func(t *testing.T, label, help string, value float64) {
		var text bytes.Buffer
		if err := Write(&text, []Family{{
			Name: "tripline_x", Help: help, Type: Gauge, Samples: []Sample{{[]Label{{"l", label}}, value}},
		}}); err != nil {
			t.Fatal(err)
		}
		var parser expfmt.TextParser
		found, err := parser.TextToMetricFamilies(bytes.NewReader(text.Bytes()))
		if err != nil {
			t.Fatalf("%v\n%q", err, text.String())
		}
		metric := found["tripline_x"].GetMetric()
		if len(metric) != 1 {
			t.Fatalf("%d samples of %q", len(metric), text.String())
		}
		if got, want := metric[0].GetLabel()[0].GetValue(), strings.ToValidUTF8(label, "\uFFFD"); got != want {
			t.Errorf("label %q was read as %q", want, got)
		}
		if got := metric[0].GetGauge().GetValue(); got != value && !math.IsNaN(value) {
			t.Errorf("%v was read as %v", value, got)
		}
	})
}

type brokenWriter struct{}

var errBroken = errors.New("broken")

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func TestWriteFails(t *testing.T) {
	if err := Write(brokenWriter{}, families); !errors.Is(err, errBroken) {
		t.Errorf("got %v", err)
	}
}

func TestTextfile(t *testing.T) {
	file := Textfile{Path: filepath.Join(t.TempDir(), "tripline.prom")}
	victim := filepath.Join(t.TempDir(), "victim")
	if err := os.WriteFile(victim, []byte("whole"), 0o600); err != nil {
		t.Fatal(err)
	}
	// A link in the place of what is written first is not followed.
	if err := os.Symlink(victim, file.temporary()); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time over the first
		if err := file.Write(families); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(file.Path)
		if err != nil || string(text) != want {
			t.Errorf("%v, %q", err, text)
		}
	}
	info, err := os.Stat(file.Path)
	if err != nil || info.Mode() != 0o644 {
		t.Errorf("%v, mode %v", err, info.Mode())
	}
	if text, err := os.ReadFile(victim); err != nil || string(text) != "whole" {
		t.Errorf("the file of another: %v, %q", err, text)
	}
	onlyFile(t, file.Path)
	for range 2 { // the second time it is gone
		if err := file.Remove(); err != nil {
			t.Error(err)
		}
	}
	if entries, err := os.ReadDir(filepath.Dir(file.Path)); err != nil || len(entries) != 0 {
		t.Errorf("%v, %v", entries, err)
	}
}

// onlyFile checks that a folder holds nothing else than a file.
func onlyFile(t *testing.T, path string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 || entries[0].Name() != filepath.Base(path) {
		t.Errorf("%v, %v", entries, err)
	}
}

// TestTextfileFails leaves nothing behind where the file cannot be written.
func TestTextfileFails(t *testing.T) {
	folder := t.TempDir()
	taken := filepath.Join(folder, "taken.prom")
	if err := os.Mkdir(taken, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := (Textfile{Path: taken}).Write(families); err == nil {
		t.Error("a folder was written")
	}
	onlyFile(t, taken)
	if err := (Textfile{Path: taken}).Remove(); err == nil {
		t.Error("a folder was removed")
	}
	if err := (Textfile{Path: filepath.Join(folder, "absent", "x.prom")}).Write(families); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// TestTextfileWhole reads the file while it is written again and again: every
// content is whole.
func TestTextfileWhole(t *testing.T) {
	file := Textfile{Path: filepath.Join(t.TempDir(), "tripline.prom")}
	if err := file.Write(families); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		var err error
		for i := 0; i < 300 && err == nil; i++ {
			err = file.Write(families)
		}
		done <- err
	}()
	for {
		text, err := os.ReadFile(file.Path)
		if err != nil || string(text) != want {
			t.Fatalf("%v, %q", err, text)
		}
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
			return
		default:
		}
	}
}
