package normalize

import (
	"strconv"

	"tripline/detect"
)

func userFields() []field {
	fields := []field{}
	for _, one := range []struct {
		name string
		id   int
		key  string // of the name in an enriched record
	}{
		{"user", idEUID, "EUID"},
		{"user.effective", idEUID, "EUID"},
		{"user.real", idUID, "UID"},
		{"user.saved", idSUID, "SUID"},
		{"user.filesystem", idFSUID, "FSUID"},
		{"user.audit", idAUID, "AUID"},
		{"process.user", idEUID, "EUID"},
		{"process.real_user", idUID, "UID"},
		{"process.saved_user", idSUID, "SUID"},
	} {
		fields = append(fields,
			alike(words(one.name+".id", func(e *Event) detect.Value { return e.userID(one.id) })),
			asked(words(one.name+".name", func(e *Event) detect.Value { return e.userName(one.id, one.key) })))
	}
	for _, one := range []struct {
		name string
		id   int
		key  string
	}{
		{"user.group", idEGID, "EGID"},
		{"user.effective.group", idEGID, "EGID"},
		{"user.real.group", idGID, "GID"},
		{"user.saved.group", idSGID, "SGID"},
		{"user.filesystem.group", idFSGID, "FSGID"},
		{"process.group", idEGID, "EGID"},
		{"process.real_group", idGID, "GID"},
		{"process.saved_group", idSGID, "SGID"},
	} {
		fields = append(fields,
			alike(words(one.name+".id", func(e *Event) detect.Value { return e.userID(one.id) })),
			asked(words(one.name+".name", func(e *Event) detect.Value { return e.groupName(one.id, one.key) })))
	}
	return fields
}

// user is the number of a user or group. A user record has but one, which stands
// for the effective too. The number of nobody is missing.
func (e *Event) user(which int) (uint32, bool) {
	d := e.known()
	id, ok := d.id(which)
	if !ok && which == idEUID && !d.syscall && !d.uring {
		id, ok = d.id(idUID)
	}
	return id, ok && id != unset
}

// userID reads a user's or group's number as ECS has it, a text.
func (e *Event) userID(which int) detect.Value {
	id, ok := e.user(which)
	if !ok {
		return detect.Value{}
	}
	return detect.String(e.decimal(int64(id)))
}

// decimal is a number as text in the event's memory.
func (e *Event) decimal(n int64) string {
	if n >= 0 && n < 100 {
		return strconv.Itoa(int(n)) // does not allocate
	}
	start := len(e.arena)
	e.arena = strconv.AppendInt(e.arena, n, 10)
	return text(e.arena[start:len(e.arena):len(e.arena)])
}

// userName is the name that the log's own host gave the number, where the log is
// enriched, else what the resolver says.
func (e *Event) userName(which int, key string) detect.Value {
	id, ok := e.user(which)
	if !ok {
		return detect.Value{}
	}
	if name := e.enrichedValue(key); name != nil {
		return detect.String(text(name))
	}
	if _, primary := e.primary(); primary != nil && which == idEUID && primary.typ != TypeSyscall {
		if name := e.enrichedValue("UID"); name != nil {
			return detect.String(text(name))
		}
	}
	return optional(e.owner.options.Resolver.UserName(id))
}

// groupName is userName for groups.
func (e *Event) groupName(which int, key string) detect.Value {
	id, ok := e.user(which)
	if !ok {
		return detect.Value{}
	}
	if name := e.enrichedValue(key); name != nil {
		return detect.String(text(name))
	}
	if resolver, able := e.owner.options.Resolver.(families); able {
		return optional(resolver.GroupName(id))
	}
	return detect.Value{}
}

// enrichedValue finds a value that auditd added to the record that tells what
// happened; nil when there is none or auditd did not know it either.
func (e *Event) enrichedValue(key string) []byte {
	_, primary := e.primary()
	if primary == nil || primary.names == primary.namesEnd {
		return nil
	}
	s := scanner{rest: e.enriched(primary)}
	var p pair
	for s.next(&p) {
		if string(p.key) != key || p.missing() || string(p.value) == "unset" || string(p.value) == "unknown" {
			continue
		}
		return p.value
	}
	return nil
}
