package alert

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Text is an alert document in the form for a person at a terminal, a few lines
// with a line ending. Text that came from events cannot act on the terminal:
// characters that do not print are shown as escapes.
func Text(document []byte) ([]byte, error) {
	fields, err := parse(document)
	if err != nil {
		return nil, fmt.Errorf("reading an alert: %w", err)
	}
	var b strings.Builder
	mark := "ALERT"
	if lookup(fields, "tripline", "alert", "test") == true {
		mark = "TEST ALERT"
	}
	fmt.Fprintf(&b, "%s  %s (%s, risk %s)\n", mark, text(fields, "rule", "name"),
		text(fields, "kibana", "alert", "severity"), text(fields, "kibana", "alert", "risk_score"))
	row := func(name, content string) {
		if content != "" {
			fmt.Fprintf(&b, "  %-9s %s\n", name, content)
		}
	}
	if summary, ok := lookup(fields, "tripline", "alert", "summary").(map[string]any); ok {
		summaryRows(fields, summary, row)
		row("alert id", text(fields, "tripline", "alert", "id"))
		return []byte(b.String()), nil
	}
	row("process", processLine(fields))
	row("command", text(fields, "process", "command_line"))
	row("parents", ancestorsLine(fields))
	row("part of", placeLine(fields))
	row("user", userLine(fields))
	if events, ok := lookup(fields, "tripline", "alert", "sequence").([]any); ok {
		for i, event := range events {
			name := ""
			if i == 0 {
				name = "events"
			}
			if one, ok := event.(map[string]any); ok {
				fmt.Fprintf(&b, "  %-9s %s\n", name, eventLine(one))
			}
		}
	}
	row("alert id", text(fields, "tripline", "alert", "id"))
	return []byte(b.String()), nil
}

// processLine names the process: executable, pid, parent.
func processLine(fields map[string]any) string {
	line := text(fields, "process", "executable")
	if line == "" {
		line = text(fields, "process", "name")
	}
	line += " (pid " + text(fields, "process", "pid")
	if parent := text(fields, "process", "parent", "pid"); parent != "" {
		line += ", parent " + parent
		if executable := text(fields, "process", "parent", "executable"); executable != "" {
			line += " " + executable
		}
	}
	return line + ")"
}

// lastEvent is the last matched event that there is.
func lastEvent(fields map[string]any) map[string]any {
	events, _ := lookup(fields, "tripline", "alert", "sequence").([]any)
	for i := len(events) - 1; i >= 0; i-- {
		if one, ok := events[i].(map[string]any); ok {
			return one
		}
	}
	return nil
}

// ancestorsLine names what the process descends from, parent first.
func ancestorsLine(fields map[string]any) string {
	ancestors, _ := lookup(lastEvent(fields), "tripline", "process", "ancestors").([]any)
	names := make([]string, 0, len(ancestors))
	for _, ancestor := range ancestors {
		if one, ok := ancestor.(map[string]any); ok {
			names = append(names, text(one, "name")+" ("+text(one, "pid")+")")
		}
	}
	return strings.Join(names, ", ")
}

// placeLine names the container and the systemd unit that the process is in.
func placeLine(fields map[string]any) string {
	event := lastEvent(fields)
	line := ""
	if id := text(event, "container", "id"); id != "" {
		line = strings.TrimSpace(text(event, "container", "runtime") + " container " + id)
	}
	for _, field := range []string{"unit", "user_unit"} {
		if unit := text(event, "tripline", "systemd", field); unit != "" {
			line = strings.TrimPrefix(line+", "+unit, ", ")
		}
	}
	return line
}

// userLine names the effective user and who logged in.
func userLine(fields map[string]any) string {
	line := text(fields, "user", "id")
	if name := text(fields, "user", "name"); name != "" {
		line = name + " (" + line + ")"
	}
	if login := text(fields, "user", "audit", "id"); login != "" {
		if name := text(fields, "user", "audit", "name"); name != "" {
			login = name + " (" + login + ")"
		}
		line += ", logged in as " + login
	}
	if session := text(fields, "auditd", "session"); session != "" {
		line += ", session " + session
	}
	return line
}

// eventLine says when and what one event was.
func eventLine(event map[string]any) string {
	when := text(event, "@timestamp")
	if at, err := time.Parse(time.RFC3339Nano, when); err == nil {
		when = at.UTC().Format("2006-01-02 15:04:05.000Z")
	}
	line := when + "  " + text(event, "event", "action")
	if address := text(event, "destination", "address"); address != "" {
		if port := text(event, "destination", "port"); port != "" {
			if strings.Contains(address, ":") {
				address = "[" + address + "]"
			}
			address += ":" + port
		}
		line += " to " + address
		if transport := text(event, "network", "transport"); transport != "" {
			line += "/" + transport
		}
	}
	if executable := text(event, "process", "executable"); executable != "" {
		line += " by " + executable
	}
	return line
}

// text reads a scalar as safe text, empty where it is missing.
func text(fields map[string]any, path ...string) string {
	value := lookup(fields, path...)
	if value == nil {
		return ""
	}
	return Escape(fmt.Sprint(value))
}

// Escape makes text safe to show on a terminal and on one line: characters that
// do not print, and bytes that are no UTF-8, become Go escapes such as \x1b.
func Escape(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }) < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			quoted := strconv.QuoteRuneToASCII(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		}
		i += size
	}
	return b.String()
}
