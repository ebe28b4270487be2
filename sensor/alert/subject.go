package alert

import (
	"encoding/json"
	"time"

	"tripline/detect"
)

// Subject is what the matched events say of the process that an alert is about,
// for whoever looks at it more closely.
type Subject struct {
	// PID is the thread group, 0 where the events name none. EntityID is its
	// identity; Inferred says that /proc did not confirm it.
	PID, ParentPID                uint32
	EntityID                      string
	Inferred                      bool
	Executable, CommandLine, Name string
	// UserID is the effective user, LoginID who logged in, empty for nobody.
	UserID, LoginID string
	// FirstEvent is the time of the earliest matched event.
	FirstEvent time.Time
}

// subjectOf reads the subject from the documents of the matched events. Where
// several processes took part, it is that of the last event.
func subjectOf(match detect.Match, events []map[string]any) Subject {
	last := events[len(events)-1]
	raw := func(path ...string) string {
		value, _ := lookup(last, path...).(string)
		return value
	}
	number := func(path ...string) uint32 {
		value, _ := lookup(last, path...).(json.Number)
		n, err := value.Int64()
		if err != nil || n < 0 || n > 1<<31 {
			return 0
		}
		return uint32(n)
	}
	s := Subject{
		PID: number("process", "pid"), ParentPID: number("process", "parent", "pid"),
		EntityID: raw("process", "entity_id"), Inferred: raw("tripline", "identity") != "verified",
		Executable: raw("process", "executable"), CommandLine: raw("process", "command_line"), Name: raw("process", "name"),
		UserID: raw("user", "id"), LoginID: raw("user", "audit", "id"),
	}
	for _, event := range match.Events {
		if event == nil { // a negative stage
			continue
		}
		if at := time.Unix(0, event.Time()); s.FirstEvent.IsZero() || at.Before(s.FirstEvent) {
			s.FirstEvent = at
		}
	}
	return s
}
