package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"

	"tripline/auditrules/kernel"
	"tripline/config"
	"tripline/detect"
	"tripline/sensor"
	"tripline/sensor/source"
)

// settings are the flags that commands have in common.
type settings struct {
	configFile string
	rules      string
}

func (s *settings) addFlags(command *cobra.Command) {
	command.Flags().StringVar(&s.configFile, "config", "", "configuration `FILE` (built-in defaults without it)")
	command.Flags().StringVar(&s.rules, "rules", "", "`DIR` of rule files, instead of the configured ones")
}

// load reads the configuration. Its defects are wrong usage.
func (s *settings) load() (*config.Config, error) {
	loaded := config.Default()
	if s.configFile != "" {
		var err error
		if loaded, err = config.Load(s.configFile); err != nil {
			return nil, &usageError{err}
		}
	}
	if s.rules != "" {
		loaded.Rules.Folder = s.rules
	}
	return loaded, nil
}

// installedConfig is where packages put the configuration.
const installedConfig = "/etc/tripline/sensor.toml"

// noteDefaults tells a person at a terminal that the installed configuration is not
// what the command goes by. It is never read without --config, so that a build and
// its tests do not depend on what is installed where they run.
func (s *settings) noteDefaults(std streams, host fs.FS) {
	if s.configFile != "" || !std.terminal {
		return
	}
	if _, err := fs.Stat(host, strings.TrimPrefix(installedConfig, "/")); err == nil {
		_, _ = fmt.Fprintf(std.err, "tripline: going by the built-in defaults; by what is installed: --config %s\n", installedConfig) // only told
	}
}

// loadAll reads the configuration and compiles the configured rules, as loadRules
// does.
func (s *settings) loadAll(std streams) (*config.Config, []*detect.Compiled, error) {
	loaded, err := s.load()
	if err != nil {
		return nil, nil, err
	}
	compiled, err := loadRules(std, loaded)
	return loaded, compiled, err
}

// loadRules compiles the configured rules, complains about the bad ones on
// standard error and mentions those that cannot run here. Only when no rule is
// left is it an error.
func loadRules(std streams, loaded *config.Config) ([]*detect.Compiled, error) {
	compiled, err := sensor.LoadRules(loaded.Rules.Folder, loaded.Exceptions)
	listed, defects := listRules(compiled, err)
	if len(compiled) == 0 {
		if err == nil {
			err = fmt.Errorf("there is no rule file (*.toml) in %s", loaded.Rules.Folder)
		}
		return nil, &usageError{err}
	}
	if notRun := len(listed) - len(compiled); notRun > 0 {
		_, _ = fmt.Fprintf(std.err, "tripline: %d rules cannot run here; see tripline rules list\n", notRun) // only told
	}
	if defects != nil {
		complain(std.err, defects)
		_, _ = fmt.Fprintf(std.err, "tripline: going on with the %d rules that are good\n", len(compiled)) // only told
	}
	return compiled, nil
}

// newLog makes the program's own log.
func newLog(to io.Writer, level config.Level) hclog.Logger {
	return hclog.New(&hclog.LoggerOptions{
		Name: "tripline", Level: hclog.LevelFromString(string(level)), Output: to,
		TimeFormat: "15:04:05.000",
	})
}

// explain adds to an error of the kernel side what can be done about it.
func explain(err error) error {
	var running *sensor.RunningError
	var held *source.HeldError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &running):
		return &hintedError{err, "stop that one first, or use `tripline selftest` to see whether it works"}
	case errors.As(err, &held), errors.Is(err, kernel.ErrLocked):
		return err
	case errors.Is(err, kernel.ErrPermission):
		return &hintedError{err, "watching needs root, or CAP_AUDIT_CONTROL and CAP_AUDIT_READ in the initial user and pid namespace; without it, `tripline replay FILE` reads a recorded audit log"}
	case errors.Is(err, kernel.ErrNoAudit):
		return &hintedError{err, "boot a kernel with CONFIG_AUDITSYSCALL and without audit=0; `tripline replay FILE` reads a recorded audit log on any kernel"}
	}
	return err
}

// hintedError is an error with what to do about it.
type hintedError struct {
	err  error
	hint string
}

func (e *hintedError) Error() string { return e.err.Error() + "; " + e.hint }
func (e *hintedError) Unwrap() error { return e.err }
