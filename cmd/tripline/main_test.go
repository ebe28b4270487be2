package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"tripline": func() { os.Exit(mainWithCode()) },
		// With standard output as if it were a terminal.
		"tripline-terminal": func() {
			os.Exit(execute(context.Background(), os.Args[1:], streams{
				in: os.Stdin, out: os.Stdout, err: os.Stderr, terminal: true,
			}))
		},
	})
}

// TestScripts runs the command line as a user would, without touching kernel
// audit; package sensor/live has what needs it.
func TestScripts(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("ROOT", root)
			return nil
		},
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
	})
}

func TestEffectiveCapability(t *testing.T) {
	for _, test := range []struct {
		name, status string
		want, fails  bool
	}{
		{"all", "Name:\tx\nCapPrm:\t0\nCapEff:\t000001ffffffffff\n", true, false},
		{"none", "CapEff:\t0000000000000000\n", false, false},
		{"this one only", "CapEff:\t0000000040000000\n", true, false},
		{"no line", "Name:\tx\n", false, true},
		{"no number", "CapEff:\tmany\n", false, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := effectiveCapability(test.status, capAuditControl)
			if got != test.want || (err != nil) != test.fails {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
}
