package normalize

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"tripline/detect"
)

// piece is one argument of EXECVE records, or a part of one: the kernel splits
// what does not fit into a record, "a5_len=18000 a5[0]=… a5[1]=…".
type piece struct {
	arg, part uint64
	text      []byte
}

// arguments reads process.args: of an executed program what it was given, else
// what the process's title says, which the kernel cuts off at 128 bytes and old
// ones don't tell. Then a process that still runs the program is asked.
func (e *Event) arguments() detect.Value {
	d := e.known()
	if !d.readArgs {
		d.readArgs, d.arguments = true, e.readArguments()
	}
	return d.arguments
}

// readArguments is arguments the first time.
func (e *Event) readArguments() detect.Value {
	start := len(e.values)
	if e.record(TypeExecve) != nil {
		e.collectPieces()
		e.joinPieces()
		return e.valuesFrom(start)
	}
	title := e.title()
	if len(title) == 0 || len(title) >= titleLimit {
		if value := e.presentArguments(title); value.Kind() != detect.KindMissing {
			return value
		}
	}
	if len(title) == 0 {
		return detect.Value{}
	}
	for arg := range bytes.SplitSeq(title, []byte{0}) {
		e.values = append(e.values, detect.String(text(arg)))
	}
	return e.valuesFrom(start)
}

// titleLimit is the length at which a title may have been cut off: the kernel
// records 128 bytes, of which the last may be the end of an argument.
const titleLimit = 127

// presentArguments are what the process has as its arguments now, missing where it
// executes another program than the records say, or what begins otherwise than the
// title.
func (e *Event) presentArguments(title []byte) detect.Value {
	process := e.relative(func(f *Family) *ProcessFacts { return f.Process })
	if process == nil || len(process.Args) == 0 || e.known().exe != nil && !strings.HasSuffix(process.Executable, e.claimedProgram()) {
		return detect.Value{}
	}
	if !strings.HasPrefix(strings.Join(process.Args, "\x00"), text(title)) {
		return detect.Value{}
	}
	return e.factArgs(process)
}

// collectPieces reads the EXECVE records.
func (e *Event) collectPieces() {
	e.pieces = e.pieces[:0]
	for i := range e.records {
		if e.records[i].typ != TypeExecve {
			continue
		}
		s := scanner{rest: e.body(&e.records[i])}
		var p pair
		for s.next(&p) {
			if arg, part, ok := pieceKey(p.key); ok {
				e.pieces = append(e.pieces, piece{arg, part, e.decodeArgument(&p)})
			}
		}
	}
	slices.SortStableFunc(e.pieces, func(a, b piece) int {
		return cmp.Or(cmp.Compare(a.arg, b.arg), cmp.Compare(a.part, b.part))
	})
}

// pieceKey reads the key of an argument, "a5", or of a part of one, "a5[2]".
func pieceKey(key []byte) (arg, part uint64, ok bool) {
	if len(key) < 2 || key[0] != 'a' {
		return 0, 0, false
	}
	arg, at, ok := number(key, 1, 1<<31)
	if !ok || at == len(key) {
		return arg, 0, ok
	}
	if key[at] != '[' {
		return 0, 0, false
	}
	part, at, ok = number(key, at+1, 1<<31)
	return arg, part, ok && at == len(key)-1 && key[at] == ']'
}

// decodeArgument is the text of an argument.
func (e *Event) decodeArgument(p *pair) []byte {
	if p.quote == 0 && isHex(p.value) {
		return e.decodeHex(p.value)
	}
	if p.quote == 0 && p.missing() {
		return nil
	}
	return p.value
}

// joinPieces makes values of the pieces.
func (e *Event) joinPieces() {
	for i := 0; i < len(e.pieces); {
		end := i + 1
		for end < len(e.pieces) && e.pieces[end].arg == e.pieces[i].arg {
			end++
		}
		whole := e.pieces[i].text
		if end > i+1 {
			start := len(e.arena)
			for _, one := range e.pieces[i:end] {
				e.arena = append(e.arena, one.text...)
			}
			whole = e.arena[start:len(e.arena):len(e.arena)]
		}
		e.values = append(e.values, detect.String(text(whole)))
		i = end
	}
}

// title is the process's title, its arguments with a NUL between them.
func (e *Event) title() []byte {
	record := e.record(TypeProctitle)
	if record == nil {
		return nil
	}
	s := scanner{rest: e.body(record)}
	var p pair
	for s.next(&p) {
		if string(p.key) == "proctitle" && !p.missing() {
			return bytes.TrimRight(e.decode(&p), "\x00")
		}
	}
	return nil
}

// commandLine reads process.command_line, the arguments with spaces between them.
func (e *Event) commandLine() detect.Value {
	return e.joined(e.arguments())
}

// joined is a list of texts with spaces between them.
func (e *Event) joined(args detect.Value) detect.Value {
	if args.Kind() != detect.KindList {
		return args
	}
	start := len(e.arena)
	for i, arg := range args.Elements() {
		if i > 0 {
			e.arena = append(e.arena, ' ')
		}
		e.arena = append(e.arena, arg.Text()...)
	}
	return detect.String(text(e.arena[start:len(e.arena):len(e.arena)]))
}

// workingDirectory reads the CWD record.
func (e *Event) workingDirectory() detect.Value {
	record := e.record(TypeCwd)
	if record == nil {
		return detect.Value{}
	}
	if quoted, ok := bytes.CutPrefix(e.body(record), []byte(`cwd="`)); ok && bytes.IndexByte(quoted, '"') == len(quoted)-1 && len(quoted) > 1 {
		return detect.String(text(quoted[:len(quoted)-1])) // the record as the kernel writes it
	}
	s := scanner{rest: e.body(record)}
	var p pair
	for s.next(&p) {
		if string(p.key) == "cwd" && !p.missing() {
			return detect.String(text(e.decode(&p)))
		}
	}
	return detect.Value{}
}

// paths reads the names in the PATH records, without those of directories that
// only hold them.
func (e *Event) paths() detect.Value {
	d := e.known()
	if !d.readPaths {
		d.readPaths, d.paths = true, e.recordedPaths()
	}
	return d.paths
}

// recordedPaths is paths the first time.
func (e *Event) recordedPaths() detect.Value {
	start := len(e.values)
	for i := range e.records {
		if e.records[i].typ != TypePath {
			continue
		}
		s := scanner{rest: e.body(&e.records[i])}
		var p pair
		var name []byte
		parent := false
		for s.next(&p) {
			switch string(p.key) {
			case "name":
				if !p.missing() {
					name = e.decode(&p)
				}
			case "nametype", "objtype":
				parent = string(p.value) == "PARENT"
			}
		}
		value := detect.String(text(name))
		if name != nil && !parent && !slices.ContainsFunc(e.values[start:], func(v detect.Value) bool { return v.Text() == value.Text() }) {
			e.values = append(e.values, value)
		}
	}
	return e.valuesFrom(start)
}
