// Tripline watches a Linux host for behaviour that its rules describe, through
// the kernel's audit system. See the README.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"tripline/internal/diag"
	"tripline/internal/version"
	"tripline/sensor"
	"tripline/sensor/selftest"
)

// Exit codes.
const (
	exitDone    = 0
	exitFailed  = 1
	exitUsage   = 2
	exitMatched = 3
)

// usageError is an error of the command line or the configuration.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// errMatched ends a command that was asked to fail when something matched.
var errMatched = errors.New("something matched")

// streams are the standard streams of a command.
type streams struct {
	in       io.Reader
	out, err io.Writer
	// terminal says that out is a terminal.
	terminal bool
}

func main() {
	os.Exit(mainWithCode())
}

// mainWithCode runs the program on the real standard streams.
func mainWithCode() int {
	keepToLeader()
	// SIGPIPE must not end the program before kernel audit is restored: a
	// closed pipe is seen as an error of the write instead.
	signal.Ignore(syscall.SIGPIPE)
	// Only a sensor reads rules again; whatever else is asked to must not end.
	signal.Ignore(sensor.ReloadSignal)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGQUIT)
	defer stop()
	return execute(ctx, os.Args[1:], streams{
		in: os.Stdin, out: os.Stdout, err: os.Stderr, terminal: isatty.IsTerminal(os.Stdout.Fd()),
	})
}

// keepToLeader keeps a sample of the self-test to the thread that leads its
// process, in which main begins: some samples are about that thread.
func keepToLeader() {
	if len(os.Args) > 1 && os.Args[1] == selftest.ChildCommand {
		runtime.LockOSThread()
	}
}

// untilHangup ends a context when the terminal goes away (SIGHUP).
func untilHangup(ctx context.Context) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(ctx, syscall.SIGHUP)
}

// execute runs one command line and returns the exit code.
func execute(ctx context.Context, args []string, std streams) int {
	root := rootCommand(std)
	root.SetArgs(args)
	root.SetIn(std.in)
	root.SetOut(std.out)
	root.SetErr(std.err)
	err := root.ExecuteContext(ctx)
	var usage *usageError
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errMatched):
		return exitMatched
	case errors.As(err, &usage):
		complain(std.err, err)
		return exitUsage
	}
	complain(std.err, err)
	return exitFailed
}

func complain(to io.Writer, err error) {
	_, _ = fmt.Fprintf(to, "tripline: %s\n", diag.Detail(err)) // nowhere left to complain to
}

func rootCommand(std streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "tripline",
		Short: "Catch a behaviour on this host through the kernel's audit system",
		Long: `Tripline watches a Linux host for a behaviour: a root process that connects out
and then detaches into a session of its own within a minute. It reads the
kernel's audit records and evaluates EQL rules while things happen.

Results go to standard output: readable on a terminal, one JSON document a line
otherwise. Everything else goes to standard error.

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 something matched
(with --fail-on-alert), or the running sensor has a problem (status).

Installed from a package, the service is "tripline", its configuration
/etc/tripline/sensor.toml, its alerts /var/log/tripline/alerts.ndjson.`,
		Version: version.Version,
		Args:    cobra.ArbitraryArgs,
		RunE: func(command *cobra.Command, args []string) error {
			if len(args) == 0 {
				return command.Help()
			}
			return needSubcommand(command, args)
		},
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetFlagErrorFunc(func(command *cobra.Command, err error) error {
		return &usageError{fmt.Errorf("%w; see %s --help", err, command.CommandPath())}
	})
	root.AddCommand(
		runCommand(std), replayCommand(std), huntCommand(std), checkCommand(std), selftestCommand(std),
		captureCommand(std), rulesCommand(std), alertsCommand(std), schemaCommand(std), doctorCommand(std), statusCommand(std), versionCommand(std), selftestChildCommand(std), guardCommand(std),
	)
	root.AddCommand(documentationCommands()...)
	refuseUnknown(root)
	return root
}

// refuseUnknown makes the commands that the library adds refuse what they do not
// know, as the others do, where they would print help and succeed.
func refuseUnknown(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd("completion") // any argument: without one it is made only when it is called
	for _, one := range root.Commands() {
		switch one.Name() {
		case "completion":
			one.Args, one.RunE = cobra.ArbitraryArgs, needSubcommand
		case "help":
			one.Run, one.RunE = nil, func(_ *cobra.Command, args []string) error {
				command, rest, err := root.Find(args)
				if err != nil {
					return &usageError{err}
				}
				if len(rest) > 0 {
					return needSubcommand(command, rest)
				}
				return command.Help()
			}
		}
	}
}

// needSubcommand is what a command that has only subcommands does by itself.
func needSubcommand(command *cobra.Command, args []string) error {
	if len(args) == 0 {
		return &usageError{fmt.Errorf("%s needs a subcommand; see %s --help", command.Name(), command.CommandPath())}
	}
	command.SuggestionsMinimumDistance = 2
	if near := command.SuggestionsFor(args[0]); len(near) > 0 {
		return &usageError{fmt.Errorf("unknown command %q for %q; did you mean %q?", args[0], command.CommandPath(), near[0])}
	}
	return &usageError{fmt.Errorf("unknown command %q for %q; see %s --help", args[0], command.CommandPath(), command.CommandPath())}
}

// noArguments refuses positional arguments as wrong usage.
func noArguments(command *cobra.Command, args []string) error {
	if len(args) > 0 {
		return &usageError{fmt.Errorf("%s takes no argument, got %q; see %s --help", command.Name(), args[0], command.CommandPath())}
	}
	return nil
}
