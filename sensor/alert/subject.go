package alert

import (
	"strconv"
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

// subjectOf reads the subject from the document of the last matched event, whose
// process it is where several took part, and the members of that process.
func subjectOf(match detect.Match, last, process rawObject) Subject {
	number := func(from rawObject, path ...string) uint32 {
		n, err := strconv.ParseInt(string(from.get(path...)), 10, 64)
		if err != nil || n < 0 || n > 1<<31 {
			return 0
		}
		return uint32(n)
	}
	s := Subject{
		PID: number(process, "pid"), ParentPID: number(process, "parent", "pid"),
		EntityID: process.text("entity_id"), Inferred: last.text("tripline", "identity") != "verified",
		Executable: process.text("executable"), CommandLine: process.text("command_line"), Name: process.text("name"),
		UserID: last.text("user", "id"), LoginID: last.text("user", "audit", "id"),
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
