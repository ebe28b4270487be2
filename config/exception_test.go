package config

import (
	"errors"
	"strings"
	"testing"

	"tripline/internal/diag"
)

// TestExceptionErrorsNameTheirPlace moves what is wrong with a condition to where
// the file has it.
func TestExceptionErrorsNameTheirPlace(t *testing.T) {
	file := write(t, `[[exceptions]]
rule = "*"
condition = 'process.pid == 1'
comment = "one"

[[exceptions]]
rule = "gone"
condition = """
process.name == "a\"b"
  and foo"""
comment = "two"
`)
	c, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	second := &c.Exceptions[1]
	wrong := errors.Join(
		&diag.Error{Line: 1, Column: 21, Message: "no such thing"},
		&diag.Error{Line: 2, Column: 7, Message: "unknown field"},
	)
	got := strings.ReplaceAll(second.Locate(2, wrong).Error()+"\n"+second.NotLoaded(2).Error(), file, "f")
	const want = `f:9:22: exception 2 (two) does not hold: no such thing
f:10:7: exception 2 (two) does not hold: unknown field
f:7:8: exception 2 (two) is for rule "gone", which is not loaded`
	if got != want {
		t.Errorf("it says\n%s", got)
	}
	if detail := diag.Detail(second.Locate(2, wrong)); !strings.Contains(detail, "\n    and foo\"\"\"\n        ^") {
		t.Errorf("the place is shown as\n%s", detail)
	}
	inCode := Exception{Rule: "gone", Comment: "three"}
	got = inCode.Locate(1, &diag.Error{Line: 1, Column: 2, Message: "wrong"}).Error() + "\n" + inCode.NotLoaded(1).Error()
	if got != "exception 1 (three) does not hold: 1:2: wrong\n"+`exception 1 (three) is for rule "gone", which is not loaded` {
		t.Errorf("without a file it says\n%s", got)
	}
}
