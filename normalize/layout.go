package normalize

import (
	"slices"
	"strings"

	"tripline/detect"
)

// layout is what of a document's form does not depend on the event: the fields in
// their order, the objects that they are in, and the text of names and braces.
type layout struct {
	members []member
	objects []object
	// common is the depth of the innermost object that contains both, by their
	// numbers.
	common [][]uint8
	// data is the object that has the event's data pairs.
	data int
}

// member is a field of the document.
type member struct {
	field *field
	id    detect.FieldID
	// object is the number of the object that it is a member of.
	object int
	// key is the member's name as JSON, with a comma before and a colon behind it.
	// Of a list of objects only the first field is a member, which writes the list.
	key string
	// dataKey is the name of a field among the data pairs, which are shown around
	// it; afterData says that all data pairs come before the field.
	dataKey   string
	afterData bool
}

// object is an object of the document; the first is the document itself.
type object struct {
	path  string
	depth int
	// opens is the text that opens the object and those around it:
	// "process":{"parent":{ and from holds where the text of each depth begins.
	opens string
	from  []int
}

// documentLayout is that of Event.AppendJSON.
//
//nolint:gochecknoglobals // a table that nothing changes
var documentLayout = newLayout(registry)

func newLayout(fields []field) *layout {
	l := &layout{objects: []object{{from: []int{0}}}}
	l.data = l.object(dataPrefix[:len(dataPrefix)-1])
	for id := range fields {
		one := &fields[id]
		if one.pair {
			continue
		}
		name := one.name
		if one.list != "" {
			name = one.list
			if n := len(l.members); n > 0 && l.members[n-1].field.list == name {
				continue
			}
		}
		s := member{field: one, id: detect.FieldID(id)}
		var inside bool
		if s.dataKey, inside = strings.CutPrefix(name, dataPrefix); !inside {
			s.dataKey, s.afterData = "", name > dataPrefix
		}
		if dot := strings.LastIndexByte(name, '.'); dot >= 0 {
			s.object, name = l.object(name[:dot]), name[dot+1:]
		}
		s.key = string(append(appendString([]byte{','}, name), ':'))
		l.members = append(l.members, s)
	}
	l.common = make([][]uint8, len(l.objects))
	for i := range l.objects {
		l.common[i] = make([]uint8, len(l.objects))
		for j := range l.objects {
			l.common[i][j] = commonDepth(l.objects[i].path, l.objects[j].path)
		}
	}
	return l
}

// object finds or makes the object of a path.
func (l *layout) object(path string) int {
	if i := slices.IndexFunc(l.objects, func(o object) bool { return o.path == path }); i >= 0 {
		return i
	}
	one := object{path: path, from: []int{0}}
	for name := range strings.SplitSeq(path, ".") {
		one.opens += string(appendString(nil, name)) + ":{"
		one.from = append(one.from, len(one.opens))
		one.depth++
	}
	l.objects = append(l.objects, one)
	return len(l.objects) - 1
}

// commonDepth counts the names that two paths begin with.
func commonDepth(a, b string) uint8 {
	first, second := strings.Split(a, "."), strings.Split(b, ".")
	n := uint8(0)
	for i := range min(len(first), len(second)) {
		if first[i] != second[i] || first[i] == "" {
			break
		}
		n++
	}
	return n
}

// around is the number of the innermost object with a field of its own that contains
// two others, by their numbers.
func (l *layout) around(one, other int) int {
	names := strings.Split(l.objects[one].path, ".")
	for depth := int(l.common[one][other]); depth > 0; depth-- {
		path := strings.Join(names[:depth], ".")
		if i := slices.IndexFunc(l.objects, func(o object) bool { return o.path == path }); i >= 0 {
			return i
		}
	}
	return 0
}

// appendMember appends a field of an event by its name, with a comma before it, if the
// event has it.
func (l *layout) appendMember(dst []byte, e *Event, name string) []byte {
	i := slices.IndexFunc(l.members, func(m member) bool { return m.field.name == name })
	value := e.Value(l.members[i].id)
	if value.Kind() == detect.KindMissing {
		return dst
	}
	return appendField(append(dst, l.members[i].key...), l.members[i].field, value)
}
