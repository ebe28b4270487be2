package alertlog

import (
	"bytes"
	"net"
	"strconv"
	"time"

	"tripline/detect"
	"tripline/hunt"
)

// Alert is one alert as a line of a file has it. Texts are as the document has
// them: nothing is escaped.
type Alert struct {
	ID   string
	Time time.Time
	// RuleID and RuleName say which rule it is of, Severity and Risk how bad.
	RuleID, RuleName, Severity string
	Risk                       int64
	// Host and HostID are host.hostname and host.id.
	Host, HostID string
	// Process is the executable, or else the name, of the process.
	Process string
	PID     int64
	// User is the name, or else the id, of the effective user.
	User string
	// Destination is the address with the port; empty where the alert has none.
	Destination string
	// Test says that a self-test raised it.
	Test bool
	// More is how many matches a summary stands for, 0 for an alert of one match.
	More int64
	// Evidence says that this is the document that follows an alert and has the
	// evidence: put over one another, the two are the whole alert.
	Evidence bool

	// File and Line say where it was read.
	File string
	Line int
	// JSON is the whole document, the caller's own.
	JSON []byte
}

// The fields that a reader takes from every document.
const (
	fieldID = iota
	fieldHealthID
	fieldRuleID
	fieldRuleName
	fieldSeverity
	fieldRisk
	fieldHostname
	fieldHostID
	fieldExecutable
	fieldProcessName
	fieldPID
	fieldUserName
	fieldUserID
	fieldAddress
	fieldPort
	fieldTest
	fieldKind
	fieldSummary
)

// fieldNames are the names of these fields, in that order.
func fieldNames() []string {
	return []string{
		"tripline.alert.id", "tripline.health.id", "rule.id", "rule.name", "kibana.alert.severity",
		"kibana.alert.risk_score", "host.hostname", "host.id", "process.executable", "process.name", "process.pid",
		"user.name", "user.id", "destination.address", "destination.port", "tripline.alert.test", "event.kind",
		"tripline.alert.summary.count",
	}
}

// alertOf takes an alert from the document that the lens looked at last.
func alertOf(lens *hunt.Lens, line []byte) *Alert {
	text := func(field int) string { return string([]byte(firstOf(lens.Value(field)).Text())) }
	or := func(field, other int) string {
		if one := text(field); one != "" {
			return one
		}
		return text(other)
	}
	a := &Alert{
		ID: text(fieldID), RuleID: text(fieldRuleID), RuleName: text(fieldRuleName), Severity: text(fieldSeverity),
		Risk: number(lens.Value(fieldRisk)), Host: text(fieldHostname), HostID: text(fieldHostID),
		Process: or(fieldExecutable, fieldProcessName), PID: number(lens.Value(fieldPID)),
		User: or(fieldUserName, fieldUserID), Destination: text(fieldAddress),
		Test: firstOf(lens.Value(fieldTest)).Bool(),
		More: number(lens.Value(fieldSummary)), Evidence: text(fieldKind) == "enrichment", JSON: bytes.Clone(bytes.TrimSpace(line)),
	}
	if at, ok := lens.Time(); ok {
		a.Time = time.Unix(0, at).UTC()
	}
	if port := firstOf(lens.Value(fieldPort)); port.Kind() == detect.KindInt && a.Destination != "" {
		a.Destination = net.JoinHostPort(a.Destination, strconv.FormatInt(port.Int(), 10))
	}
	return a
}

// firstOf is the first of several values, or the one.
func firstOf(value detect.Value) detect.Value {
	if elements := value.Elements(); len(elements) > 0 {
		return elements[0]
	}
	return value
}

// number reads a whole number, 0 for anything else.
func number(value detect.Value) int64 {
	switch one := firstOf(value); one.Kind() {
	case detect.KindInt:
		return one.Int()
	case detect.KindFloat:
		return int64(one.Float())
	}
	return 0
}
