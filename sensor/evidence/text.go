package evidence

import (
	"fmt"
	"strings"

	"tripline/sensor/alert"
)

// Text is the evidence of an alert for a person at a terminal, a few lines with a
// line ending. What came from the host cannot act on the terminal.
func (e *Evidence) Text(id string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "EVIDENCE for alert %s, %d ms after the match\n", alert.Escape(id), e.Delay+e.Took)
	row := func(name, text string) {
		if text != "" {
			fmt.Fprintf(&b, "  %-9s %s\n", name, alert.Escape(text))
		}
	}
	for i, one := range e.Hints {
		row(first(i, "note"), one.Text)
	}
	for i, one := range e.Tree.Processes {
		row(first(i, "process"), strings.Repeat("  ", i)+one.line())
	}
	row("file", e.Executable.line())
	for i, one := range e.Sockets.Sockets {
		if one.Protocol != "unix" {
			row(first(i, "socket"), one.line())
		}
	}
	row("container", e.Container.ID)
	if e.Sessions.NoUtmp {
		row("logins", "this host has no utmp, which would list them")
	}
	for _, failure := range e.failures() {
		row("missing", failure)
	}
	return []byte(b.String())
}

// failures says what could not be read, each reason once with the parts that it
// concerns.
func (e *Evidence) failures() []string {
	var reasons []string
	concerned := make(map[string][]string)
	for _, one := range []struct {
		part
		name string
	}{
		{e.Tree, "process tree"},
		{e.Executable, "executable"},
		{e.Prevalence, "earlier connections"},
		{e.Sockets, "sockets"},
		{e.Listeners, "listeners"},
		{e.Sessions, "sessions"},
		{e.Container, "container"},
	} {
		for _, reason := range one.common().Failed {
			if len(concerned[reason]) == 0 {
				reasons = append(reasons, reason)
			}
			concerned[reason] = append(concerned[reason], one.name)
		}
	}
	for i, reason := range reasons {
		reasons[i] = strings.Join(concerned[reason], ", ") + ": " + reason
	}
	return reasons
}

// first names the first of several rows.
func first(i int, name string) string {
	if i > 0 {
		return ""
	}
	return name
}

func (p *Process) line() string {
	text := fmt.Sprintf("%d %s", p.PID, p.Executable)
	if p.Executable == "" {
		text = fmt.Sprintf("%d %s", p.PID, p.Name)
	}
	if p.CommandLine != "" {
		text += ": " + p.CommandLine
	}
	return text
}

func (e *Executable) line() string {
	parts := []string{e.Path}
	if e.Package != nil {
		parts = append(parts, "of package "+e.Package.Name+" "+e.Package.Version)
	}
	if e.Mode != "" {
		parts = append(parts, fmt.Sprintf("mode %s, owner %s, %d bytes", e.Mode, e.Owner.text(), e.Size))
	}
	if e.SHA256 != "" {
		parts = append(parts, "sha256 "+e.SHA256)
	}
	return strings.Join(parts, ", ")
}

func (s *Socket) line() string {
	text := fmt.Sprintf("%s %s %s", s.Protocol, s.State, endpoint(s.LocalIP, s.LocalPort))
	if s.PeerIP != "" {
		text += " to " + endpoint(s.PeerIP, s.PeerPort)
	}
	return text
}

func endpoint(ip string, port uint32) string {
	if strings.Contains(ip, ":") {
		ip = "[" + ip + "]"
	}
	return fmt.Sprintf("%s:%d", ip, port)
}
