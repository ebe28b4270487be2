package hunt

import (
	"errors"
	"testing"

	"tripline/internal/diag"
)

func TestLens(t *testing.T) {
	lens, err := NewLens(`process.name : "n?" and process.pid > 5`, "process.name", "host.hostname", "process.args")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, line string
		holds      bool
		process    string
		timed      bool
	}{
		{"nested", `{"@timestamp":"2026-11-24T00:00:00Z","process":{"name":"nc","pid":8}}`, true, "nc", true},
		{"dotted", ` {"process.name":"nc","process.pid":8}` + "\r\n", true, "nc", false},
		{"not that one", `{"process":{"name":"nc","pid":3}}`, false, "nc", false},
		{"nothing of the document before", `{}`, false, "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := lens.Look([]byte(test.line)); err != nil {
				t.Fatal(err)
			}
			_, timed := lens.Time()
			if lens.Holds() != test.holds || lens.Value(0).Text() != test.process || timed != test.timed {
				t.Errorf("holds %v, name %q, timed %v", lens.Holds(), lens.Value(0).Text(), timed)
			}
		})
	}
	var defect *diag.Error
	if err := lens.Look([]byte(`{"a": x}`)); !errors.As(err, &defect) || defect.Column != 7 {
		t.Errorf("%v", err)
	}
}

func TestLensCondition(t *testing.T) {
	var defect *diag.Error
	_, err := NewLens(`process.name = = "x"`)
	if !errors.As(err, &defect) || defect.Line != 1 || defect.Column < 13 || defect.Column > 16 {
		t.Errorf("%v", err)
	}
	all, err := NewLens("")
	if err != nil {
		t.Fatal(err)
	}
	if err := all.Look([]byte(`{}`)); err != nil || !all.Holds() {
		t.Errorf("%v", err)
	}
}
