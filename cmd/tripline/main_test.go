package main

import (
	"context"
	"os"
	"os/signal"
	"path/filepath"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/rogpeppe/go-internal/testscript"

	"tripline/sensor"
	"tripline/sensor/controlsocket"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"tripline": func() { os.Exit(mainWithCode()) },
		// With standard output as if it were a terminal.
		"tripline-terminal": func() {
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
			defer stop()
			os.Exit(execute(ctx, os.Args[1:], streams{
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
		Cmds:          map[string]func(*testscript.TestScript, bool, []string){"serve": serve},
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
	})
}

// serve answers on a control socket with files, as a sensor would: serve SOCKET
// STATUS METRICS.
func serve(script *testscript.TestScript, _ bool, args []string) {
	if len(args) != 3 {
		script.Fatalf("usage: serve SOCKET STATUS METRICS")
	}
	file := func(path string) controlsocket.Resource {
		return func(context.Context) (controlsocket.Answer, error) {
			text, err := os.ReadFile(path)
			return controlsocket.Answer{ContentType: "text/plain", Body: text}, err
		}
	}
	server, err := controlsocket.Listen(controlsocket.Options{
		Path: script.MkAbs(args[0]), Log: hclog.NewNullLogger(), Resources: map[string]controlsocket.Resource{
			sensor.StatusResource: file(script.MkAbs(args[1])), sensor.MetricsResource: file(script.MkAbs(args[2])),
		},
	})
	script.Check(err)
	script.Defer(func() { _ = server.Close() }) // the folder goes next
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
