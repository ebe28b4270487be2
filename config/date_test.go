package config

import (
	"strings"
	"testing"
	"time"
)

func TestExceptions(t *testing.T) {
	got, err := Load(write(t, `
[[exceptions]]
rule = "*"
condition = 'process.executable == "/opt/agent"'
comment = "the backup agent, decided by operations"
until = "2026-12-31"
[[exceptions]]
rule = "eb6a3790-d52d-11ec-8ce9-f661ea17fbce"
condition = "true"
comment = "for ever"
`))
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Exceptions) != 2 || got.Exceptions[0].Rule != "*" || !got.Exceptions[1].Until.IsZero() {
		t.Fatalf("%+v", got.Exceptions)
	}
	until := got.Exceptions[0].Until
	for day, over := range map[string]bool{
		"2026-12-30T00:00:00Z": false, "2026-12-31T23:59:59Z": false, "2027-01-01T00:00:00Z": true,
	} {
		now, err := time.Parse(time.RFC3339, day)
		if err != nil {
			t.Fatal(err)
		}
		if until.Over(now) != over || got.Exceptions[1].Until.Over(now) {
			t.Errorf("at %s over is %v", day, until.Over(now))
		}
	}
}

func TestExceptionDefects(t *testing.T) {
	_, err := Load(write(t, `[[exceptions]]
rule = ""
until = "tomorrow"
[[exceptions]]
rule = "*"
condition = " "
comment = "x"
`))
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range []string{
		":2:8: exceptions[0].rule names no rule", ":1:3: exceptions[0].condition has no condition", ":1:3: exceptions[0].comment has no comment", ":3:", `until must be a day, not "tomorrow"`, ":6:",
	} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error lacks %q:\n%v", part, err)
		}
	}
}
