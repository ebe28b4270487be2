package config

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"tripline/internal/diag"
)

// The ranges of what can be set. The lower ends are what works at all, the
// upper ends what a host can bear or the kernel takes.
const (
	minReceiveBuffer = 64 * KiB // several of the largest audit records
	maxReceiveBuffer = 1 * GiB  // the kernel silently takes no more
	minBacklogLimit  = 64       // the kernel's own default
	maxBacklogLimit  = 1 << 20
	maxHashLimit     = 16 * GiB // the time that is allowed ends it long before
	maxPending       = 1 << 24
	maxKeyLength     = 31
	maxTolerance     = Duration(time.Minute)
)

// problem is a value that is well formed but not acceptable.
type problem struct {
	key           []string
	message, hint string
}

func (p problem) name() string { return strings.Join(p.key, ".") }

// Validate checks a configuration that did not come from Load, for instance
// after flags changed it. Its error joins a *diag.Error for each problem.
func (c *Config) Validate() error {
	problems := c.check()
	errs := make([]error, 0, len(problems))
	for _, one := range problems {
		errs = append(errs, &diag.Error{Message: one.name() + " " + one.message, Hint: one.hint})
	}
	return errors.Join(errs...)
}

// check lists everything that is wrong with the values.
func (c *Config) check() []problem {
	var found problems
	found.path(c.Rules.Folder, "rules", "folder")
	found.oneOf(string(c.Kernel.Source), []string{
		string(SourceAuto), string(SourceUnicast), string(SourceMulticast), string(SourceAudisp), string(SourceLog),
	}, "kernel", "source")
	found.path(c.Kernel.Log, "kernel", "log")
	if c.Kernel.Log == "" {
		found.add("is empty", `write the log_file of /etc/audit/auditd.conf, "/var/log/audit/audit.log" where that says nothing`, "kernel", "log")
	}
	found.path(c.Kernel.AudispSocket, "kernel", "audisp_socket")
	found.within(c.Kernel.ReceiveBuffer, minReceiveBuffer, maxReceiveBuffer, "kernel", "receive_buffer")
	if c.Kernel.BacklogLimit != 0 {
		found.between(int(c.Kernel.BacklogLimit), minBacklogLimit, maxBacklogLimit,
			"0 leaves the kernel's own setting as it is", "kernel", "backlog_limit")
	}
	found.auditKey(c.Kernel.Key, "kernel", "key")
	found.between(c.Detect.MaxPendingPerRule, 1, maxPending, "", "detect", "max_pending_per_rule")
	found.between(c.Detect.MaxPendingTotal, 1, maxPending, "", "detect", "max_pending_total")
	if c.Detect.MaxPendingTotal < c.Detect.MaxPendingPerRule {
		found.add(fmt.Sprintf("is %d, less than one rule may have", c.Detect.MaxPendingTotal),
			fmt.Sprintf("raise it, or lower detect.max_pending_per_rule, which is %d", c.Detect.MaxPendingPerRule),
			"detect", "max_pending_total")
	}
	if c.Detect.Tolerance < 0 || c.Detect.Tolerance > maxTolerance {
		found.add(fmt.Sprintf("must be between 0s and %s, not %s", maxTolerance, c.Detect.Tolerance),
			"every alert comes later by as much", "detect", "tolerance")
	}
	found.checkOutput(&c.Output)
	found.within(c.Evidence.HashLimit, 0, maxHashLimit, "evidence", "hash_limit")
	found.path(c.Evidence.Connections, "evidence", "connections")
	found.oneOf(string(c.Log.Level), []string{
		string(LevelError), string(LevelWarn), string(LevelInfo), string(LevelDebug),
	}, "log", "level")
	for i, one := range c.Exceptions {
		at := []string{"exceptions", strconv.Itoa(i)}
		if one.Rule == "" {
			found.add("names no rule", `write rule = "the rule_id", or "*" for every rule`, append(at, "rule")...)
		}
		if strings.TrimSpace(one.Condition) == "" {
			found.add("has no condition", `write condition = 'process.executable == "/path"'`, append(at, "condition")...)
		}
		if strings.TrimSpace(one.Comment) == "" {
			found.add("has no comment", "say why the exception is there, and who decided it", append(at, "comment")...)
		}
	}
	return found
}

// problems collects what the checks find.
type problems []problem

func (p *problems) add(message, hint string, key ...string) {
	*p = append(*p, problem{key, message, hint})
}

func (p *problems) oneOf(value string, allowed []string, key ...string) {
	if slices.Contains(allowed, value) {
		return
	}
	hint := ""
	if nearest, ok := diag.Nearest(value, allowed); ok {
		hint = fmt.Sprintf("did you mean %q?", nearest)
	}
	p.add(fmt.Sprintf("must be one of %s, not %q", strings.Join(allowed, ", "), value), hint, key...)
}

func (p *problems) between(value, low, high int, hint string, key ...string) {
	if value < low || value > high {
		p.add(fmt.Sprintf("must be between %d and %d, not %d", low, high, value), hint, key...)
	}
}

func (p *problems) within(value, low, high Size, key ...string) {
	if value < low || value > high {
		p.add(fmt.Sprintf("must be between %s and %s, not %s", low, high, value), "", key...)
	}
}

// path refuses what no file can be called.
func (p *problems) path(value string, key ...string) {
	if strings.ContainsRune(value, 0) {
		p.add("must not contain a NUL character", "", key...)
	}
}

// auditKey refuses keys that audit's own tools would quote, split or cut.
func (p *problems) auditKey(value string, key ...string) {
	if value == "" || len(value) > maxKeyLength {
		p.add(fmt.Sprintf("must have 1 to %d characters, not %d", maxKeyLength, len(value)), "", key...)
		return
	}
	for _, r := range value {
		if !isKeyCharacter(r) {
			p.add(fmt.Sprintf("must not contain %q", r), "use letters A to Z, digits, _ and -", key...)
			return
		}
	}
}

func isKeyCharacter(r rune) bool {
	return 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '_' || r == '-'
}
