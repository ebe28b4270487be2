package normalize

import (
	"strconv"
	"strings"

	"tripline/detect"
)

// ancestorList is the object of each ancestor's fields, a list in the JSON form.
const ancestorList = "tripline.process.ancestors"

func ancestryFields() []field {
	parent := (*Event).parentFacts
	fields := []field{
		asked(words("process.parent.entity_id", factText(parent, func(f *ProcessFacts) string { return f.EntityID }))),
		asked(field{name: "process.parent.start", typ: detect.TypeDate, get: factNumber(parent, func(f *ProcessFacts) int64 { return f.Start })}),
		asked(words("process.entry_leader.entry_meta.type", func(e *Event) detect.Value {
			if family := e.family(); family != nil {
				return optional(family.EntryType)
			}
			return detect.Value{}
		})),
		asked(field{name: "tripline.process.observed", typ: detect.TypeDate, get: (*Event).observed}),
		several(asked(words("tripline.process.missing", (*Event).missing))),
	}
	fields = append(fields, argumentFields("process.parent", parent)...)
	fields = append(fields, leaderFields("process.session_leader", func(e *Event) *ProcessFacts {
		return e.relative(func(f *Family) *ProcessFacts { return f.SessionLeader })
	})...)
	fields = append(fields, leaderFields("process.group_leader", func(e *Event) *ProcessFacts {
		return e.relative(func(f *Family) *ProcessFacts { return f.GroupLeader })
	})...)
	fields = append(fields, leaderFields("process.entry_leader", func(e *Event) *ProcessFacts {
		return e.relative(func(f *Family) *ProcessFacts { return f.EntryLeader })
	})...)
	return ofKin(append(fields, ancestorFields()...))
}

// argumentFields are a relative's arguments and terminal.
func argumentFields(prefix string, of func(*Event) *ProcessFacts) []field {
	return []field{
		several(asked(words(prefix+".args", func(e *Event) detect.Value { return e.factArgs(of(e)) }))),
		asked(whole(prefix+".args_count", func(e *Event) detect.Value { return count(e.factArgs(of(e))) })),
		asked(words(prefix+".command_line", func(e *Event) detect.Value { return e.joined(e.factArgs(of(e))) })),
		asked(whole(prefix+".tty.char_device.major", factNumber(of, func(f *ProcessFacts) int64 { return int64(f.Terminal.major) }))),
		asked(whole(prefix+".tty.char_device.minor", func(e *Event) detect.Value {
			if one := of(e); one != nil && one.Terminal.major != 0 {
				return detect.Int(int64(one.Terminal.minor))
			}
			return detect.Value{}
		})),
	}
}

// leaderFields are what ECS has of the leader of something that a process is in.
func leaderFields(prefix string, of func(*Event) *ProcessFacts) []field {
	return append(argumentFields(prefix, of),
		asked(words(prefix+".entity_id", factText(of, func(f *ProcessFacts) string { return f.EntityID }))),
		asked(whole(prefix+".pid", factNumber(of, func(f *ProcessFacts) int64 { return int64(f.PID) }))),
		asked(field{name: prefix + ".start", typ: detect.TypeDate, get: factNumber(of, func(f *ProcessFacts) int64 { return f.Start })}),
		asked(words(prefix+".executable", factText(of, func(f *ProcessFacts) string { return f.Executable }))),
		asked(words(prefix+".name", factText(of, (*ProcessFacts).name))),
		asked(field{name: prefix + ".same_as_process", typ: detect.TypeBool, get: func(e *Event) detect.Value {
			one := of(e)
			if one == nil {
				return detect.Value{}
			}
			return detect.Bool(one.EntityID == e.identity().EntityID)
		}}),
	)
}

// ancestorFields are those of all ancestors, parent first, for rules. The JSON form
// shows them as a list of objects.
func ancestorFields() []field {
	all := func(name string, typ detect.Type, get func(*Event, *ProcessFacts) detect.Value) field {
		return asked(field{name: ancestorList + "." + name, typ: typ, list: ancestorList, get: func(e *Event) detect.Value {
			family := e.family()
			if family == nil {
				return detect.Value{}
			}
			var values []detect.Value
			for _, one := range family.Ancestors {
				if value := get(e, one); value.Kind() != detect.KindMissing {
					values = append(values, value)
				}
			}
			start := len(e.values)
			e.values = append(e.values, values...)
			return e.valuesFrom(start)
		}})
	}
	return []field{
		all("entity_id", detect.TypeString, func(_ *Event, f *ProcessFacts) detect.Value { return optional(f.EntityID) }),
		all("pid", detect.TypeInt, func(_ *Event, f *ProcessFacts) detect.Value { return detect.Int(int64(f.PID)) }),
		all("executable", detect.TypeString, func(_ *Event, f *ProcessFacts) detect.Value { return optional(f.Executable) }),
		all("name", detect.TypeString, func(_ *Event, f *ProcessFacts) detect.Value { return optional(f.name()) }),
		all("command_line", detect.TypeString, func(e *Event, f *ProcessFacts) detect.Value { return e.joined(e.factArgs(f)) }),
	}
}

// factText reads a text of a relative.
func factText(of func(*Event) *ProcessFacts, get func(*ProcessFacts) string) func(*Event) detect.Value {
	return func(e *Event) detect.Value {
		if one := of(e); one != nil {
			return optional(get(one))
		}
		return detect.Value{}
	}
}

// factNumber reads a number of a relative, missing where it is 0.
func factNumber(of func(*Event) *ProcessFacts, get func(*ProcessFacts) int64) func(*Event) detect.Value {
	return func(e *Event) detect.Value {
		if one := of(e); one != nil {
			if n := get(one); n != 0 {
				return detect.Int(n)
			}
		}
		return detect.Value{}
	}
}

// factArgs are a process's arguments.
func (e *Event) factArgs(one *ProcessFacts) detect.Value {
	if one == nil {
		return detect.Value{}
	}
	start := len(e.values)
	for _, arg := range one.Args {
		e.values = append(e.values, detect.String(arg))
	}
	return e.valuesFrom(start)
}

// observed is when /proc was read.
func (e *Event) observed() detect.Value {
	if family := e.family(); family != nil && family.Observed != 0 {
		return detect.Int(family.Observed)
	}
	return detect.Value{}
}

// missing says what of the process and its relatives is not known, and why.
func (e *Event) missing() detect.Value {
	family := e.family()
	if family == nil {
		return detect.Value{}
	}
	start := len(e.values)
	for _, one := range family.Missing {
		e.values = append(e.values, detect.String(one))
	}
	return e.valuesFrom(start)
}

// appendAncestors appends the list of ancestors as JSON.
func (e *Event) appendAncestors(dst []byte) []byte {
	dst = append(dst, '[')
	for i, one := range e.family().Ancestors {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = one.appendJSON(dst)
	}
	return append(dst, ']')
}

// appendJSON appends a process as a JSON object.
func (f *ProcessFacts) appendJSON(dst []byte) []byte {
	dst = appendString(append(dst, `{"entity_id":`...), f.EntityID)
	dst = strconv.AppendUint(append(dst, `,"pid":`...), uint64(f.PID), 10)
	dst = appendString(append(dst, `,"name":`...), f.name())
	if f.Executable != "" {
		dst = appendString(append(dst, `,"executable":`...), f.Executable)
	}
	if f.Deleted {
		dst = append(dst, `,"deleted":true`...)
	}
	if len(f.Args) > 0 {
		dst = append(dst, `,"args":[`...)
		for i, arg := range f.Args {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendString(dst, arg)
		}
		dst = append(dst, ']')
		dst = appendString(append(dst, `,"command_line":`...), strings.Join(f.Args, " "))
	}
	dst = appendTime(append(dst, `,"start":`...), f.Start)
	dst = strconv.AppendUint(append(dst, `,"group":`...), uint64(f.Group), 10)
	dst = strconv.AppendUint(append(dst, `,"session":`...), uint64(f.Session), 10)
	if f.Terminal.major != 0 {
		dst = strconv.AppendUint(append(dst, `,"tty":{"char_device":{"major":`...), uint64(f.Terminal.major), 10)
		dst = strconv.AppendUint(append(dst, `,"minor":`...), uint64(f.Terminal.minor), 10)
		dst = append(dst, "}}"...)
	}
	return append(dst, '}')
}
