package throttle

import (
	"strconv"
	"time"

	"tripline/detect"
)

// reader reads from matches who caused them.
type reader struct {
	executable, user, destination, port detect.FieldID
}

func newReader(schema detect.Schema) reader {
	find := func(name string) detect.FieldID {
		if field, ok := schema.Field(name); ok {
			return field.ID
		}
		return -1
	}
	return reader{find("process.executable"), find("user.id"), find("destination.ip"), find("destination.port")}
}

// who is who caused a match: the last event's process and user, and the first
// destination. Its texts are views into the events.
func (r *reader) who(match detect.Match) Group {
	var who Group
	for _, event := range match.Events {
		if event == nil { // a negative stage
			continue
		}
		who.Executable, who.User = r.text(event, r.executable), r.text(event, r.user)
		if who.Destination == "" {
			if who.Destination = r.text(event, r.destination); who.Destination != "" && r.port >= 0 {
				who.Port = event.Value(r.port).Int()
			}
		}
	}
	return who
}

func (r *reader) text(event detect.Event, field detect.FieldID) string {
	if field < 0 {
		return ""
	}
	return event.Value(field).Text()
}

// Interval is a rule's interval, "5m", "30s", "1h" or "2d"; that of Elastic's
// detection engine, 5 minutes, where it has none that can be read.
func Interval(rule *detect.Rule) time.Duration {
	text := rule.Interval
	if text == "" {
		return defaultInterval
	}
	number, err := strconv.ParseUint(text[:len(text)-1], 10, 31)
	unit := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour}[text[len(text)-1]]
	if err != nil || number == 0 || unit == 0 || time.Duration(number) > 366*24*time.Hour/unit {
		return defaultInterval
	}
	return time.Duration(number) * unit
}
