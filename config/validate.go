package config

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tripline/internal/diag"
)

// problem is a value that is well formed but not acceptable.
type problem struct {
	key           []string
	message, hint string
}

// name is the key as messages call it: output.alerts.path, exceptions[0].rule.
func (p problem) name() string {
	var name strings.Builder
	for i, one := range p.key {
		switch _, err := strconv.Atoi(one); {
		case err == nil:
			name.WriteString("[" + one + "]")
		case i > 0:
			name.WriteString("." + one)
		default:
			name.WriteString(one)
		}
	}
	return name.String()
}

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

// check lists everything that is wrong with the values: what exceeds the limits
// of one setting, and what does not go together.
func (c *Config) check() []problem {
	var found problems
	for _, one := range sections() {
		found.check(c, &one)
	}
	if c.Detect.MaxPendingTotal < c.Detect.MaxPendingPerRule {
		found.add(fmt.Sprintf("is %d, less than one rule may have", c.Detect.MaxPendingTotal),
			fmt.Sprintf("raise it, or lower detect.max_pending_per_rule, which is %d", c.Detect.MaxPendingPerRule),
			"detect", "max_pending_total")
	}
	found.checkOutput(&c.Output)
	found.checkPaths(c)
	return found
}

// problems collects what the checks find.
type problems []problem

func (p *problems) add(message, hint string, key ...string) {
	*p = append(*p, problem{key, message, hint})
}

// oneOf says what is wrong with a word that is none of those allowed.
func oneOf(value string, allowed []string) (message, hint string) {
	if slices.Contains(allowed, value) {
		return "", ""
	}
	if nearest, ok := diag.Nearest(value, allowed); ok {
		hint = fmt.Sprintf("did you mean %q?", nearest)
	}
	return fmt.Sprintf("must be one of %s, not %q", strings.Join(allowed, ", "), value), hint
}

// logPath refuses to have no log.
func logPath() rule {
	return rule{"the path of a file", func(value string) (message, hint string) {
		if value == "" {
			return "is empty", `write the log_file of /etc/audit/auditd.conf, "/var/log/audit/audit.log" where that says nothing`
		}
		return filePath().check(value)
	}}
}

// auditKey refuses keys that audit's own tools would quote, split or cut.
func auditKey(value string) (message, hint string) {
	if value == "" || len(value) > maxKeyLength {
		return fmt.Sprintf("must have 1 to %d characters, not %d", maxKeyLength, len(value)), ""
	}
	for _, r := range value {
		if !isKeyCharacter(r) {
			return fmt.Sprintf("must not contain %q", r), "use letters A to Z, digits, _ and -"
		}
	}
	return "", ""
}

func isKeyCharacter(r rune) bool {
	return 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '_' || r == '-'
}
