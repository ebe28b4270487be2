package status

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"

	"tripline/sensor/metrics"
)

var update = flag.Bool("update", false, "write the golden files and the tables of docs/status.md anew")

// sample is a status in which every field has a value.
func sample(t *testing.T) *Status {
	t.Helper()
	s := new(Status)
	next := 0
	fill(reflect.ValueOf(s).Elem(), &next)
	start := time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC)
	s.Time, s.Started, s.Uptime, s.State, s.Version = start.Add(2*time.Hour), start, 7200, OK, "1.2.3"
	s.Source = Source{Mode: "multicast", Beside: "auditd (process 812)", Since: start}
	s.Kernel.ReadAt, s.Kernel.Enabled, s.Pipeline.FiguresAt = s.Time.Add(-3*time.Second), 1, s.Time
	s.Failing, s.Health, s.Reload.Time = false, nil, start.Add(time.Hour)
	s.Rules[0].Name, s.Outputs[0].Name, s.Outputs[0].Trouble = "Suspicious Network Connection Attempt by Root", "/var/log/tripline/alerts.ndjson", ""
	s.Process.Resident, s.Process.Heap, s.Outputs[0].SpoolBytes, s.Reload.Error = 21<<20, 5<<20, 3<<10, ""
	s.Textfile.Trouble = ""
	return s
}

// fill gives every field a value of its own.
func fill(value reflect.Value, next *int) {
	*next++
	switch {
	case value.Type() == reflect.TypeFor[time.Time]():
	case value.Kind() == reflect.Pointer:
		value.Set(reflect.New(value.Type().Elem()))
		fill(value.Elem(), next)
	case value.Kind() == reflect.Struct:
		for i := range value.NumField() {
			fill(value.Field(i), next)
		}
	case value.Kind() == reflect.Slice:
		value.Set(reflect.MakeSlice(value.Type(), 1, 1))
		fill(value.Index(0), next)
	case value.Kind() == reflect.String:
		value.SetString("text" + string(rune('a'+*next%26)))
	case value.Kind() == reflect.Bool:
		value.SetBool(true)
	case value.CanInt():
		value.SetInt(int64(*next))
	case value.CanUint():
		value.SetUint(uint64(*next))
	case value.CanFloat():
		value.SetFloat(float64(*next) + 0.5)
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; got\n%s", path, got)
	}
}

func text(t *testing.T, s *Status) string {
	t.Helper()
	var out bytes.Buffer
	if err := metrics.Write(&out, s.Metrics()); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestMetrics holds the metrics against a golden file, and gives them to
// Prometheus' own parser.
func TestMetrics(t *testing.T) {
	got := text(t, sample(t))
	golden(t, "full.prom", got)
	var parser expfmt.TextParser
	found, err := parser.TextToMetricFamilies(strings.NewReader(got))
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != strings.Count(got, "# TYPE ") {
		t.Errorf("Prometheus found %d families", len(found))
	}
}

// TestMetricNames holds names to the conventions of Prometheus: a prefix, small
// letters, _total for counters alone, a unit that is a base unit.
func TestMetricNames(t *testing.T) {
	form := regexp.MustCompile(`^tripline_[a-z][a-z0-9]*(_[a-z0-9]+)*$`)
	for _, family := range sample(t).Metrics() {
		if !form.MatchString(family.Name) {
			t.Errorf("%s", family.Name)
		}
		if counter := strings.HasSuffix(family.Name, "_total"); counter != (family.Type == metrics.Counter) {
			t.Errorf("%s is a %s", family.Name, family.Type)
		}
		for _, unit := range []string{"_milliseconds", "_kib", "_mib", "_percent"} {
			if strings.Contains(family.Name, unit) {
				t.Errorf("%s is in no base unit", family.Name)
			}
		}
		if len(family.Help) < 3 || !strings.HasSuffix(family.Help, ".") {
			t.Errorf("%s has the help %q", family.Name, family.Help)
		}
	}
}

// TestEverySampleOnce finds the labels of each metric different: a status with
// several rules, outputs and kinds.
func TestEverySampleOnce(t *testing.T) {
	s := sample(t)
	s.Rules = append(s.Rules, Rule{ID: "b", Name: s.Rules[0].Name})
	s.Outputs = append(s.Outputs, Output{Name: "standard output"})
	s.ByKind = append(s.ByKind, KindSum{Kind: "clock_jump", Level: "warning"})
	for _, family := range s.Metrics() {
		seen := make(map[string]bool)
		for _, one := range family.Samples {
			key := ""
			for _, label := range one.Labels {
				key += label.Name + "=" + label.Value + "\x00"
			}
			if seen[key] {
				t.Errorf("%s has two samples with %q", family.Name, key)
			}
			seen[key] = true
		}
	}
}

// TestUnknownIsLeftOut has no figures where the sensor does not know them.
func TestUnknownIsLeftOut(t *testing.T) {
	got := text(t, &Status{})
	for _, name := range []string{"kernel_", "evidence_", "rule_", "output_", "textfile_", "start_time_seconds", "reload_ok"} {
		if strings.Contains(got, "\ntripline_"+name) {
			t.Errorf("there are metrics tripline_%s…:\n%s", name, got)
		}
	}
	if !strings.Contains(got, "\ntripline_records_received_total 0\n") {
		t.Errorf("a counter that is 0 is missing:\n%s", got)
	}
}

// TestJSON reads back what was written, and has lists where there is nothing.
func TestJSON(t *testing.T) {
	want := sample(t)
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got Status
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	want.ByKind = nil // for metrics alone
	if !reflect.DeepEqual(&got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}
