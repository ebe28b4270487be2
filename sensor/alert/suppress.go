package alert

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"tripline/detect"
	"tripline/detect/eql"
	"tripline/normalize"
)

// Proposal is an exception that would have kept an alert from being raised, for a
// person to review.
type Proposal struct {
	RuleID    string
	Condition string
	Comment   string
	// Until is the last day on which it holds.
	Until string
	// Warnings say what the reviewer should know, one sentence each.
	Warnings []string
}

// proposalTime is how long a proposed exception holds: long enough to mend what
// causes the alert, short enough to be looked at again.
const proposalTime = 90 * 24 * time.Hour

// suppressible are the fields that a proposal is made of: what tells this program
// doing this from any other. Fields that differ each time, such as pids, are none.
func suppressible() []string {
	return []string{
		"event.category", "event.action", "process.executable", "process.parent.executable",
		"user.id", "user.audit.id", "destination.ip", "destination.port", "network.transport",
	}
}

// Suppress proposes the narrowest exception for an alert document: all that one of
// its events says of who did what and where to. One event that does not count is
// enough, because the rule needs them all; it is the first that has a destination,
// which tells the most.
func Suppress(document []byte, now time.Time) (*Proposal, error) {
	fields, err := parse(document)
	if err != nil {
		return nil, fmt.Errorf("reading an alert: %w", err)
	}
	events, _ := lookup(fields, "tripline", "alert", "sequence").([]any)
	var chosen map[string]any
	for _, event := range events {
		one, ok := event.(map[string]any)
		if !ok { // a negative stage
			continue
		}
		if chosen == nil || lookup(chosen, "destination", "ip") == nil && lookup(one, "destination", "ip") != nil {
			chosen = one
		}
	}
	if chosen == nil {
		return nil, fmt.Errorf("alert %s has no event to make an exception of; a summary stands for many", text(fields, "tripline", "alert", "id"))
	}
	p := &Proposal{
		RuleID: raw(fields, "rule", "id"), Until: now.Add(proposalTime).UTC().Format("2006-01-02"),
		Comment: "REVIEW: why this is expected, and who decided it (alert " + raw(fields, "tripline", "alert", "id") + ")",
	}
	p.Condition = conditionOf(chosen)
	p.warn(chosen)
	if _, err := detect.CompileException(p.Condition, normalize.Schema()); err != nil {
		return nil, fmt.Errorf("the proposed exception cannot be used, please report it: %w", err)
	}
	return p, nil
}

// conditionOf demands of an event what this one has.
func conditionOf(event map[string]any) string {
	var terms []string
	for _, name := range suppressible() {
		value := lookup(event, strings.Split(name, ".")...)
		if several, ok := value.([]any); ok && len(several) > 0 {
			value = several[0]
		}
		switch one := value.(type) {
		case string:
			literal := &eql.Literal{Kind: eql.LiteralString, String: one}
			terms = append(terms, name+" == "+eql.PrintExpression(literal))
		case json.Number:
			terms = append(terms, name+" == "+one.String())
		}
	}
	return strings.Join(terms, " and ")
}

// warn tells where an exception is wider, or of less use, than it looks.
func (p *Proposal) warn(event map[string]any) {
	say := func(holds bool, text string) {
		if holds {
			p.Warnings = append(p.Warnings, text)
		}
	}
	is := func(path ...string) bool { return lookup(event, path...) == true }
	executable := raw(event, "process", "executable")
	say(executable == "", "The event names no executable: the exception holds for every program.")
	say(is("tripline", "executable", "deleted") || is("tripline", "executable", "unproven") || is("tripline", "masquerade"),
		"The executable was deleted, or is not the host's file of that path: an exception by its path does not hold for it. Find out why first.")
	say(strings.HasPrefix(executable, "/tmp/") || strings.HasPrefix(executable, "/var/tmp/") || strings.HasPrefix(executable, "/dev/shm/") || strings.HasPrefix(executable, "/home/"),
		"Others than root may write where the executable is: whoever can replace it is exempt.")
	say(isInterpreter(executable), "The executable is an interpreter: every script that it runs is exempt.")
	say(lookup(event, "destination", "ip") == nil, "The event has no destination: the exception holds for every one.")
}

// isInterpreter says whether a program runs what others wrote.
func isInterpreter(path string) bool {
	name := path[strings.LastIndexByte(path, '/')+1:]
	switch strings.TrimRight(name, "0123456789.") {
	case "sh", "bash", "dash", "ksh", "zsh", "busybox", "python", "perl", "ruby", "php", "lua", "node", "java", "tclsh", "awk", "gawk", "mawk":
		return true
	}
	return false
}

// raw reads a text, empty where it is missing.
func raw(fields map[string]any, path ...string) string {
	value, _ := lookup(fields, path...).(string)
	return value
}

// TOML is the proposal as a block for the configuration, warnings as comments
// before it. Text that came from events cannot end a string in it, nor act on a
// terminal.
func (p *Proposal) TOML() string {
	var b strings.Builder
	for _, warning := range p.Warnings {
		b.WriteString("# NOTE: " + warning + "\n")
	}
	fmt.Fprintf(&b, "[[exceptions]]\nrule = %s\ncondition = %s\ncomment = %s\nuntil = %s\n",
		tomlString(p.RuleID), tomlString(p.Condition), tomlString(p.Comment), tomlString(p.Until))
	return b.String()
}

// tomlString writes a TOML string: a literal one where it can be, which needs no
// escapes, else a basic one.
func tomlString(text string) string {
	if !strings.ContainsFunc(text, func(r rune) bool { return r == '\'' || !strconv.IsPrint(r) }) {
		return "'" + text + "'"
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteString(`\` + string(r))
		case strconv.IsPrint(r):
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, `\U%08X`, r)
		}
	}
	return b.String() + `"`
}
