package health

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"tripline/normalize"
	"tripline/sensor/alert"
)

// State is "raised" or "cleared".
func (m Message) State() string {
	if m.Cleared {
		return "cleared"
	}
	return "raised"
}

// Level is log.level: that of the kind, error where nothing is seen, and info when
// the condition is over.
func (m Message) Level() string {
	switch {
	case m.Cleared:
		return "info"
	case m.Blind:
		return "error"
	}
	return m.Kind.ecs().level
}

// Document is the message as one ECS document on one line. The host is that which
// is watched.
func (m Message) Document(host *normalize.HostFacts) ([]byte, error) {
	class := m.Kind.ecs()
	kind := class.kind
	if m.Cleared {
		kind = "info"
	}
	health := map[string]any{"id": m.ID, "kind": m.Kind, "state": m.State(), "since": timestamp(m.Since), "what": m.What}
	if m.Subject != "" {
		health["subject"] = m.Subject
	}
	if len(m.Detail) > 0 {
		health["detail"] = m.Detail
	}
	if m.Who != nil {
		health["who"] = m.Who
	}
	if m.Suppressed > 0 {
		health["suppressed"] = m.Suppressed
	}
	document := map[string]any{
		"@timestamp":  timestamp(m.Time),
		"ecs":         map[string]any{"version": normalize.ECSVersion},
		"message":     m.What,
		"log":         map[string]any{"level": m.Level()},
		"data_stream": map[string]any{"type": "logs", "dataset": "tripline.health", "namespace": "default"},
		"event": map[string]any{
			"kind": "event", "module": "tripline", "dataset": "tripline.health",
			"category": []string{class.category}, "type": []string{kind}, "action": string(m.Kind) + "_" + m.State(),
		},
		"tripline": map[string]any{"health": health},
	}
	alert.AddHost(document, host)
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(document); err != nil {
		return nil, fmt.Errorf("writing a health alert: %w", err)
	}
	return bytes.TrimSuffix(text.Bytes(), []byte{'\n'}), nil
}

// timestamp is RFC 3339 in UTC, with milliseconds as in events.
func timestamp(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000Z") }

// Text is the message for a person at a terminal, with a line ending. What came
// from others cannot act on the terminal.
func (m Message) Text() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "HEALTH %s  %s: %s\n", strings.ToUpper(m.State()), m.ID, alert.Escape(m.What))
	fmt.Fprintf(&b, "  %-9s %s\n", "since", m.Since.UTC().Format("2006-01-02 15:04:05.000Z"))
	if who := m.Who.String(); who != "" {
		fmt.Fprintf(&b, "  %-9s %s\n", "by", alert.Escape(who))
	}
	names := make([]string, 0, len(m.Detail))
	for name := range m.Detail {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(&b, "  %-9s %s\n", name, alert.Escape(fmt.Sprint(m.Detail[name])))
	}
	if m.Suppressed > 0 {
		fmt.Fprintf(&b, "  %-9s %d earlier changes were not told\n", "note", m.Suppressed)
	}
	return []byte(b.String())
}

// String names who it was, empty where nothing is known.
func (w *Who) String() string {
	if w == nil {
		return ""
	}
	var parts []string
	if w.Executable != "" || w.Process != "" {
		name := w.Executable
		if name == "" {
			name = w.Process
		}
		parts = append(parts, name)
	}
	if w.PID != 0 {
		parts = append(parts, fmt.Sprintf("pid %d", w.PID))
	}
	if w.AuditID != "" {
		login := "logged in as " + w.AuditID
		if w.Name != "" {
			login = "logged in as " + w.Name + " (" + w.AuditID + ")"
		}
		parts = append(parts, login)
	}
	if w.Session != "" {
		parts = append(parts, "session "+w.Session)
	}
	return strings.Join(parts, ", ")
}
