package config

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestControlDefects(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string
	}{
		{"all at once", `[control]
socket = "control.sock"
[metrics]
textfile = "/var/lib/x.txt"
interval = "10ms"`, []string{
			`2:10: control.socket must be the whole path of a file; write "/run/tripline/control.sock", or "" for none`,
			`4:12: metrics.textfile must end in .prom; node_exporter reads no other files`,
			`5:12: metrics.interval must be between 1s and 1h, not 10ms`,
		}},
		{"a folder", `control.socket = "/run/tripline/"`, []string{
			`1:18: control.socket must be the whole path of a file; write "/run/tripline/control.sock", or "" for none`,
		}},
		{"a long path", `control.socket = "/` + strings.Repeat("x", 107) + `"`, []string{
			`1:18: control.socket may have at most 107 bytes, not 108`,
		}},
		{"a relative file", `metrics.textfile = "x.prom"`, []string{
			`1:20: metrics.textfile must be a whole path; write "/var/lib/prometheus/node-exporter/tripline.prom", or "" for none`,
		}},
		{"a misspelt key", "[metrics]\ntextfiles = \"\"", []string{
			`2:1: unknown key "textfiles" in metrics; did you mean "textfile"?`,
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			file := write(t, test.text)
			_, err := Load(file)
			if err == nil {
				t.Fatal("no error")
			}
			got := strings.Split(strings.ReplaceAll(err.Error(), file+":", ""), "\n")
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

func TestControlIsRead(t *testing.T) {
	got, err := Load(write(t, `[control]
socket = ""
[metrics]
textfile = "/x/y.prom"
interval = "1m"`))
	if err != nil {
		t.Fatal(err)
	}
	if got.Control.Socket != "" || got.Metrics != (Metrics{Textfile: "/x/y.prom", Interval: Duration(time.Minute)}) {
		t.Errorf("%+v, %+v", got.Control, got.Metrics)
	}
}
