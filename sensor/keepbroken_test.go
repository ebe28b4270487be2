package sensor_test

import (
	"testing"

	"tripline/detect"
	"tripline/normalize"
	"tripline/sensor"
)

// TestKeepBroken keeps the last good version of a file that is broken, and not that
// of one which says that its rule shall not run any more.
func TestKeepBroken(t *testing.T) {
	const text = "[rule]\nrule_id = \"a\"\nname = \"A\"\ntype = \"eql\"\nquery = 'process where true'\n"
	rule, err := detect.LoadRule("a.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	compiled, err := detect.Compile(rule, normalize.Schema())
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, text string
		kept       int
	}{
		{"broken", text + "risk_score = \"x\"\n", 1},
		{"disabled", text + "enabled = false\n", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			changed, err := detect.LoadRule("a.toml", []byte(test.text))
			if err == nil {
				_, err = detect.Compile(changed, normalize.Schema())
			}
			merged, kept := sensor.KeepBroken([]*detect.Compiled{compiled}, nil, err)
			if kept != test.kept || len(merged) != test.kept {
				t.Errorf("kept %d, merged %d, want %d; error %v", kept, len(merged), test.kept, err)
			}
		})
	}
}
