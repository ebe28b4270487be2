// Package config reads the sensor's configuration file. sensor.toml at the root
// of the repository is that file with every key, its default and a comment.
package config

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"tripline/internal/diag"
	"tripline/internal/stricttoml"
)

// maxFileSize is far above any configuration and keeps a wrong path, to a log
// or a device, from filling the memory.
const maxFileSize = 1 * MiB

// Config is everything that a user can set. Its zero value is not valid:
// Default and Load make one that is.
type Config struct {
	Rules  Rules  `toml:"rules"`
	Kernel Kernel `toml:"kernel"`
	Detect Detect `toml:"detect"`
	Output Output `toml:"output"`
	// Evidence says what is gathered for alerts.
	Evidence Evidence `toml:"evidence"`
	Health   Health   `toml:"health"`
	Control  Control  `toml:"control"`
	Metrics  Metrics  `toml:"metrics"`
	Log      Log      `toml:"log"`
	// Exceptions exempt events from rules.
	Exceptions []Exception `toml:"exceptions"`
}

// Exception exempts events from one rule or from all.
type Exception struct {
	// Rule is the rule_id of the rule, or "*" for every rule.
	Rule string `toml:"rule"`
	// Condition is an EQL condition, such as process.executable == "/usr/bin/x".
	// An event for which it is true does not count for the rule.
	Condition string `toml:"condition"`
	// Comment says why, and who decided it.
	Comment string `toml:"comment"`
	// Until is the last day on which the exception holds; the zero date is no
	// end.
	Until Date `toml:"until"`

	from *source // nil where it is in no file
}

// Rules says what is looked for.
type Rules struct {
	// Folder holds the rule files, *.toml. Empty means the rules that are
	// built into the program.
	Folder string `toml:"folder"`
}

// Kernel says how records are had from the kernel's audit system.
type Kernel struct {
	// Source is the way in which the kernel's records reach the sensor.
	Source Source `toml:"source"`
	// Log is the log that the audit daemon writes, for SourceLog and for
	// SourceAuto where nothing better works.
	Log string `toml:"log"`
	// AudispSocket is the Unix socket of the audit daemon's dispatcher, for
	// SourceAudisp. Empty means that the audit daemon starts the sensor.
	AudispSocket string `toml:"audisp_socket"`
	// ReceiveBuffer is the size of the netlink socket's receive buffer, which
	// takes up bursts of records.
	ReceiveBuffer Size `toml:"receive_buffer"`
	// BacklogLimit is how many records the kernel queues before it loses
	// them. 0 leaves the kernel's setting as it is.
	BacklogLimit uint32 `toml:"backlog_limit"`
	// Key marks the audit rules that the sensor adds to the kernel, and is how
	// it recognizes its own.
	Key string `toml:"key"`
}

// Source is a way to receive audit records.
type Source string

// The ways to receive audit records.
const (
	// SourceAuto is unicast where no audit daemon runs; beside one it is
	// multicast where the kernel delivers, and the daemon's log else.
	SourceAuto Source = "auto"
	// SourceUnicast makes the sensor the kernel's audit daemon.
	SourceUnicast Source = "unicast"
	// SourceMulticast listens beside an audit daemon.
	SourceMulticast Source = "multicast"
	// SourceAudisp reads what the audit daemon hands to its plugins.
	SourceAudisp Source = "audisp"
	// SourceLog follows the log that the audit daemon writes.
	SourceLog Source = "log"
)

// Detect bounds the memory of detection, and its patience.
type Detect struct {
	// MaxPendingPerRule is how many unfinished sequences one rule may have.
	MaxPendingPerRule int `toml:"max_pending_per_rule"`
	// MaxPendingTotal is how many unfinished sequences all rules together may
	// have.
	MaxPendingTotal int `toml:"max_pending_total"`
	// Tolerance is how late an event may arrive to be put in its place among
	// the others. Every event is held back for as long.
	Tolerance Duration `toml:"tolerance"`
}

// Evidence says what is gathered for alerts, off the path of events.
type Evidence struct {
	// Enabled switches it on.
	Enabled bool `toml:"enabled"`
	// HashLimit is the size of the largest executable that is hashed.
	HashLimit Size `toml:"hash_limit"`
	// Connections is the file in which is kept which executables connected, so
	// that the first time is known as such. Empty keeps it until the sensor ends.
	Connections string `toml:"connections"`
}

// Health says what the sensor mends when somebody takes its sight away. That it
// says so needs no setting.
type Health struct {
	// Reinstall adds the sensor's kernel rules again when they were deleted.
	Reinstall bool `toml:"reinstall"`
	// Reenable switches auditing on again when it was switched off.
	Reenable bool `toml:"reenable"`
}

// Log says what the sensor reports about itself.
type Log struct {
	// Level is the least severe level that is reported.
	Level Level `toml:"level"`
}

// Level is the severity of a message in the program's log.
type Level string

// The levels of the program's log, the most severe first.
const (
	LevelError Level = "error"
	LevelWarn  Level = "warn"
	LevelInfo  Level = "info"
	LevelDebug Level = "debug"
)

// Default returns the configuration that holds where no file says otherwise.
func Default() *Config {
	return &Config{
		Kernel: Kernel{
			Source:        SourceAuto,
			Log:           "/var/log/audit/audit.log",
			ReceiveBuffer: 16 * MiB,
			BacklogLimit:  8192,
			Key:           "tripline",
		},
		Detect: Detect{
			MaxPendingPerRule: 8192,
			MaxPendingTotal:   8192,
		},
		Output:   defaultOutput(),
		Evidence: Evidence{Enabled: true, HashLimit: 64 * MiB, Connections: "/var/lib/tripline/connections.json"},
		Health:   Health{Reinstall: true},
		Control:  Control{Socket: "/run/tripline/control.sock"},
		Metrics:  Metrics{Interval: Duration(15 * time.Second)},
		Log:      Log{Level: LevelInfo},
	}
}

// Load reads a configuration file over the defaults. Its error names every
// defect of the file, each a *diag.Error with its position, joined in the order
// of the file.
func Load(file string) (*Config, error) {
	data, err := read(file)
	if err != nil {
		return nil, fmt.Errorf("cannot read the configuration: %w", err)
	}
	c := Default()
	defects := flatten(stricttoml.Decode(file, data, c))
	for _, one := range c.check() {
		defects = append(defects, defectAt(file, data, one.name()+" "+one.message, one.hint, one.key...))
	}
	for i := range c.Exceptions {
		c.Exceptions[i].from = &source{file, data, i}
	}
	if len(defects) > 0 {
		return nil, join(defects)
	}
	return c, nil
}

func read(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // nothing was written
	data, err := io.ReadAll(io.LimitReader(f, int64(maxFileSize)+1))
	if err != nil {
		return nil, err
	}
	if len(data) > int(maxFileSize) {
		return nil, fmt.Errorf("%s is larger than %s, which no configuration is", file, maxFileSize)
	}
	return data, nil
}

// flatten lists the errors that err joins.
func flatten(err error) []error {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}

// join brings defects into the order of the file, those without a position
// last.
func join(defects []error) error {
	line := func(err error) (int, int) {
		var defect *diag.Error
		if !errors.As(err, &defect) || defect.Line == 0 {
			return int(^uint(0) >> 1), 0
		}
		return defect.Line, defect.Column
	}
	slices.SortStableFunc(defects, func(a, b error) int {
		lineA, columnA := line(a)
		lineB, columnB := line(b)
		return cmp.Or(cmp.Compare(lineA, lineB), cmp.Compare(columnA, columnB))
	})
	if len(defects) == 1 {
		return defects[0]
	}
	return errors.Join(defects...)
}
