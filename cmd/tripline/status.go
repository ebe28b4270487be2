package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tripline/sensor"
	"tripline/sensor/controlsocket"
	"tripline/sensor/status"
)

// statusFlags are those of the command status.
type statusFlags struct {
	common                 settings
	socket                 string
	asJSON, metrics, watch bool
	interval               time.Duration
}

func statusCommand(std streams) *cobra.Command {
	var flags statusFlags
	command := &cobra.Command{
		Use:   "status",
		Short: "Say how the running sensor is",
		Long: `Ask the running sensor how it is, on its control socket: what it receives and
from where, the kernel's counters, rules with their matches, outputs with what
waits for them, problems, memory. Needs root. The figures are counted from the
sensor's start.

On a terminal it prints one screen, which --watch renews in place, with rates, until
Ctrl-C; otherwise, or with --json, one JSON document (with --watch one a line).
--metrics prints the same in the text format of Prometheus. docs/status.md lists
all fields and metrics.

The exit code is 0 where the sensor runs and is well, also with warnings, 1 where
it does not run or does not answer, and 3 where it runs and a problem means that
it does not see or deliver everything. With --watch it is 0.`,
		Example: `  tripline status
  tripline status --watch`,
		Args: noArguments,
		RunE: func(command *cobra.Command, _ []string) error {
			client, err := flags.client(command)
			if err != nil {
				return err
			}
			switch {
			case flags.metrics:
				return printMetrics(command.Context(), std, client)
			case flags.watch:
				ctx, stop := untilHangup(command.Context())
				defer stop()
				return watchStatus(ctx, std, client, &flags)
			}
			return printStatus(command.Context(), std, client, flags.asJSON || !std.terminal)
		},
	}
	command.Flags().StringVar(&flags.common.configFile, "config", "", "configuration `FILE` of the sensor (built-in defaults without it)")
	command.Flags().StringVar(&flags.socket, "socket", "", "`PATH` of the sensor's control socket, instead of the configured one")
	command.Flags().BoolVar(&flags.asJSON, "json", false, "print JSON also on a terminal")
	command.Flags().BoolVar(&flags.metrics, "metrics", false, "print metrics in the text format of Prometheus")
	command.Flags().BoolVar(&flags.watch, "watch", false, "go on until Ctrl-C")
	command.Flags().DurationVar(&flags.interval, "interval", 2*time.Second, "`TIME` between two looks of --watch, at least 100ms")
	return command
}

// client is the client for the socket that the flags or the configuration name.
func (f *statusFlags) client(command *cobra.Command) (controlsocket.Client, error) {
	if f.metrics && (f.asJSON || f.watch) {
		return controlsocket.Client{}, &usageError{errors.New("--metrics excludes --json and --watch")}
	}
	const leastInterval = 100 * time.Millisecond
	if f.interval < leastInterval {
		return controlsocket.Client{}, &usageError{fmt.Errorf("--interval must be at least %s, not %s", leastInterval, f.interval)}
	}
	if command.Flags().Changed("socket") {
		return controlsocket.Client{Path: f.socket}, nil
	}
	loaded, err := f.common.load()
	if err != nil {
		return controlsocket.Client{}, err
	}
	if loaded.Control.Socket == "" {
		return controlsocket.Client{}, &usageError{errors.New(`this configuration has no control socket (control.socket is ""), so that no sensor can be asked`)}
	}
	return controlsocket.Client{Path: loaded.Control.Socket}, nil
}

// ask asks the sensor for its status.
func ask(ctx context.Context, client controlsocket.Client) (*status.Status, []byte, error) {
	text, err := client.Get(ctx, sensor.StatusResource)
	if err != nil {
		return nil, nil, explainStatus(err)
	}
	var said status.Status
	if err := json.Unmarshal(text, &said); err != nil {
		return nil, nil, fmt.Errorf("reading the sensor's answer: %w", err)
	}
	return &said, text, nil
}

// explainStatus says why no sensor answers, and what to do.
func explainStatus(err error) error {
	if errors.Is(err, fs.ErrPermission) && os.Geteuid() != 0 {
		return &hintedError{err, "asking the sensor how it is needs root"}
	}
	if !errors.Is(err, controlsocket.ErrNobody) {
		return err
	}
	pid, lookErr := sensor.Running(sensor.DefaultLock)
	switch {
	case lookErr != nil:
		return errors.Join(err, lookErr)
	case pid == 0:
		return &hintedError{fmt.Errorf("%w: %s", sensor.ErrNotRunning, err.Error()), "start one with `tripline run`, or the service"}
	}
	return &hintedError{err, fmt.Sprintf("a tripline runs as process %d, but not with this control socket: give its configuration with --config FILE, or the path with --socket PATH", pid)}
}

// errFailing ends the command where the sensor runs and has a problem.
var errFailing = fmt.Errorf("the sensor has problems: %w", errMatched)

func printStatus(ctx context.Context, std streams, client controlsocket.Client, asJSON bool) error {
	said, text, err := ask(ctx, client)
	if err != nil {
		return err
	}
	if asJSON {
		_, err = std.out.Write(text)
	} else {
		_, err = io.WriteString(std.out, said.Screen(nil, terminalWidth()))
	}
	if err != nil {
		return fmt.Errorf("writing results: %w", err)
	}
	if said.State == status.Failing {
		return errFailing
	}
	return nil
}

func printMetrics(ctx context.Context, std streams, client controlsocket.Client) error {
	text, err := client.Get(ctx, sensor.MetricsResource)
	if err != nil {
		return explainStatus(err)
	}
	if _, err := std.out.Write(text); err != nil {
		return fmt.Errorf("writing results: %w", err)
	}
	return nil
}

// terminalWidth is how many columns the terminal has.
func terminalWidth() int {
	const usual = 100
	return max(status.MinWidth, terminalColumns(usual))
}

// The sequences of ECMA-48 that terminals follow: to the first line, clear to the
// end of the line and of the screen, hide and show the cursor.
const (
	toTop        = "\x1b[H"
	clearLine    = "\x1b[K"
	clearBelow   = "\x1b[J"
	clearAll     = "\x1b[H\x1b[2J"
	hideCursor   = "\x1b[?25l"
	showCursor   = "\x1b[?25h"
	lineOfScreen = clearLine + "\n"
)

// watchStatus looks again and again until ctx ends. A sensor that does not run is
// waited for.
func watchStatus(ctx context.Context, std streams, client controlsocket.Client, flags *statusFlags) error {
	onTerminal := std.terminal && !flags.asJSON
	if onTerminal {
		_, _ = io.WriteString(std.out, hideCursor+clearAll)           // the next write tells
		defer func() { _, _ = io.WriteString(std.out, showCursor) }() // nothing left to tell
	}
	ticker := time.NewTicker(flags.interval)
	defer ticker.Stop()
	var before *status.Status
	for {
		said, text, err := ask(ctx, client)
		if ctx.Err() != nil {
			return nil
		}
		switch {
		case onTerminal:
			err = renew(std.out, said, before, err)
		case err != nil:
			complain(std.err, err)
			err = nil
		default:
			_, err = std.out.Write(text)
		}
		if err != nil {
			return fmt.Errorf("writing results: %w", err)
		}
		before = said
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// renew writes the screen over the one before, or why there is none.
func renew(to io.Writer, said, before *status.Status, failure error) error {
	screen := ""
	if failure != nil {
		screen = time.Now().Format("2006-01-02 15:04:05") + ": " + failure.Error() + "\n"
	} else {
		screen = said.Screen(before, terminalWidth())
	}
	_, err := io.WriteString(to, toTop+strings.ReplaceAll(screen, "\n", lineOfScreen)+clearBelow)
	return err
}
