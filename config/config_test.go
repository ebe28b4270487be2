package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"tripline/internal/diag"
)

// shipped is the configuration file that packages install.
const shipped = "../sensor.toml"

func TestShippedFileIsTheDefault(t *testing.T) {
	got, err := Load(shipped)
	if err != nil {
		t.Fatal(diag.Detail(err))
	}
	if want := Default(); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestDefaultIsValid(t *testing.T) {
	if err := Default().Validate(); err != nil {
		t.Error(err)
	}
}

func TestLoad(t *testing.T) {
	got, err := Load(write(t, `
[kernel]
source = "multicast"
receive_buffer = 1048576
backlog_limit = 0
[detect]
tolerance = "1m"
[output]
alerts.path = ""
`))
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Kernel.Source = SourceMulticast
	want.Kernel.ReceiveBuffer = MiB
	want.Kernel.BacklogLimit = 0
	want.Detect.Tolerance = Duration(time.Minute)
	want.Output.Alerts.Path = ""
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestLoadDefects(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string
	}{
		{"all at once", `[rules]
folder = "a\u0000b"
[kernel]
source = "multicats"
receive_buffer = "16MB"
backlog_limit = 5
backlog_limits = 5
key = "two words"
[detect]
max_pending_per_rule = 0
max_pending_total = "many"
tolerance = "2m"
[output.alerts]
path = "/var/log/"
[log]
level = "INFO"`, []string{
			`2:10: rules.folder must not contain a NUL character`,
			`4:10: kernel.source must be one of auto, unicast, multicast, audisp, log, not "multicats"; did you mean "multicast"?`,
			`5:18: kernel.receive_buffer must be a size, not "16MB"; write a whole number and B, KiB, MiB or GiB, such as "16MiB"`,
			`6:17: kernel.backlog_limit must be between 64 and 1048576, not 5; 0 leaves the kernel's own setting as it is`,
			`7:1: unknown key "backlog_limits" in kernel; did you mean "backlog_limit"?`,
			`8:7: kernel.key must not contain ' '; use letters A to Z, digits, _ and -`,
			`10:24: detect.max_pending_per_rule must be between 1 and 16777216, not 0`,
			`11:21: detect.max_pending_total must be a whole number, not text; leave out the quotation marks`,
			`12:13: detect.tolerance must be between 0s and 1m, not 2m; every alert comes later by as much`,
			`14:8: output.alerts.path must name a file, not a folder`,
			`16:9: log.level must be one of error, warn, info, debug, not "INFO"`,
		}},
		{"a default is in the way", "[detect]\nmax_pending_per_rule = 300000", []string{
			`1:2: detect.max_pending_total is 8192, less than one rule may have; raise it, or lower detect.max_pending_per_rule, which is 300000`,
		}},
		{"no time", "[detect]\ntolerance = '5'", []string{
			`2:13: detect.tolerance must be a span of time, not "5"; write a number and ms, s, m or h, such as "500ms"`,
		}},
		{"long key", "kernel.key = '12345678901234567890123456789012'", []string{
			`1:14: kernel.key must have 1 to 31 characters, not 32`,
		}},
		{"no key", "kernel.key = ''", []string{`1:14: kernel.key must have 1 to 31 characters, not 0`}},
		{"small buffer", "kernel.receive_buffer = 1", []string{`1:25: kernel.receive_buffer must be between 64KiB and 1GiB, not 1B`}},
		{"syntax", "[kernel\nsource = 'auto'", []string{`1:8: not valid TOML: expected '.' or ']' to end table name, but got '\n' instead`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			file := write(t, test.text)
			c, err := Load(file)
			if c != nil {
				t.Error("a defective configuration is returned")
			}
			var got []string
			for _, one := range flatten(err) {
				got = append(got, strings.TrimPrefix(one.Error(), file+":"))
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
		})
	}
}

func TestLoadUnreadable(t *testing.T) {
	if _, err := Load(filepath.Join(t.TempDir(), "none.toml")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file gives %v", err)
	}
	if _, err := Load(t.TempDir()); err == nil {
		t.Error("a folder is read")
	}
	if _, err := Load("/dev/zero"); err == nil || !strings.Contains(err.Error(), "larger than 1MiB") {
		t.Errorf("an endless file gives %v", err)
	}
}

func TestValidateNamesTheKey(t *testing.T) {
	c := Default()
	c.Kernel.Source = "dbus"
	c.Log.Level = ""
	want := "kernel.source must be one of auto, unicast, multicast, audisp, log, not \"dbus\"\n" +
		"log.level must be one of error, warn, info, debug, not \"\""
	if err := c.Validate(); err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "sensor.toml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestDurationIsShownShort(t *testing.T) {
	for span, want := range map[time.Duration]string{
		0: "0s", 10 * time.Second: "10s", time.Minute: "1m", 90 * time.Second: "1m30s", 20 * time.Minute: "20m", time.Hour: "1h",
		time.Hour + time.Second: "1h0m1s", 90 * time.Minute: "1h30m", 24 * time.Hour: "24h", 500 * time.Millisecond: "500ms",
	} {
		if got := Duration(span).String(); got != want {
			t.Errorf("%v is shown as %q, not %q", span, got, want)
		}
		var back Duration
		if err := back.UnmarshalText([]byte(want)); err != nil || back.Std() != span {
			t.Errorf("%q is read as %v, %v", want, back, err)
		}
	}
}
