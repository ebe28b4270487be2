package normalize

import (
	"bytes"
	"slices"
	"unsafe"

	"tripline/detect"
)

// dataPair is a key and its value as auditd.data shows them.
type dataPair struct {
	key, value []byte
}

// data collects what has no better home, sorted by key, once. Of several values
// of a key the first counts.
func (e *Event) data() []dataPair {
	d := e.known()
	if d.collected {
		return e.pairs
	}
	d.collected = true
	sorted := true
	for i := range e.records {
		one := &e.records[i]
		switch {
		case one.typ == TypePath, one.typ == TypeCwd, one.typ == TypeExecve, one.typ == TypeProctitle,
			one.typ == TypeSockaddr, one.typ == TypeSocketcall, one.typ == typeObjPID:
		case e.callAt == one.start+1 && len(e.pairs) == 0:
			e.collectCall(e.body(one))
		default:
			e.collect(e.body(one))
			sorted = false
		}
	}
	if sorted {
		return e.pairs
	}
	slices.SortStableFunc(e.pairs, func(a, b dataPair) int { return bytes.Compare(a.key, b.key) })
	return e.pairs
}

// collect takes the pairs of one record.
func (e *Event) collect(body []byte) {
	s := scanner{rest: body}
	var p pair
	for s.next(&p) {
		if p.nested() {
			s.rest = p.value
			continue
		}
		if p.missing() || !p.old && housed(p.key) || !plainKey(p.key) || len(e.pairs) >= maxPairs {
			continue
		}
		key := p.key
		if p.old {
			key = e.prefixed(key)
		}
		if slices.ContainsFunc(e.pairs, func(known dataPair) bool { return bytes.Equal(known.key, key) }) {
			continue
		}
		e.pairs = append(e.pairs, dataPair{key: key, value: e.decode(&p)})
	}
}

// collectCall is collect for a SYSCALL record that was read ahead and therefore is of
// the kernel's form. Its pairs come in the order of their keys.
func (e *Event) collectCall(body []byte) {
	rest := body
	word := func() []byte { // the next one's value; all have a key and a space behind them
		value := rest[bytes.IndexByte(rest, '=')+1:]
		end := bytes.IndexByte(value, ' ')
		rest = value[end:]
		return value[:end]
	}
	word() // arch
	word() // syscall
	word() // success
	exit := word()
	for _, key := range [...]string{"a0", "a1", "a2", "a3"} {
		e.pair(key, word())
	}
	e.pairs = append(e.pairs, dataPair{key: constantKey("comm"), value: e.untrustedText(e.call.comm, body)}) // a process may call itself "(null)"
	e.pair("exit", exit)
	e.pair("items", word())
	if label, ok := bytes.CutPrefix(e.call.exe.behind(body), []byte(" subj=")); ok {
		e.pair("subj", label[:bytes.IndexByte(label, ' ')])
	}
	e.pair("tty", e.call.tty.of(body))
}

// pair appends a pair, unless the value is one of the kernel's words for none.
func (e *Event) pair(key string, value []byte) {
	if string(value) != none && string(value) != null {
		e.pairs = append(e.pairs, dataPair{key: constantKey(key), value: value})
	}
}

// constantKey is a key that does not change, as bytes that nobody writes to.
func constantKey(key string) []byte { return unsafe.Slice(unsafe.StringData(key), len(key)) }

// maxPairs bounds the pairs of an event's auditd.data.
const maxPairs = 128

// prefixed is "old-" and the key, in the arena.
func (e *Event) prefixed(key []byte) []byte {
	start := len(e.arena)
	e.arena = append(append(e.arena, "old-"...), key...)
	return e.arena[start:len(e.arena):len(e.arena)]
}

// housed says that a key's value is a field elsewhere.
func housed(key []byte) bool {
	if idIndex(key) >= 0 {
		return true
	}
	switch string(key) {
	case "exe", "success", "key", "arch", "syscall":
		return true
	}
	return false
}

// plainKey says that a key looks like one, so that garbage makes no fields.
func plainKey(key []byte) bool {
	if len(key) > 64 {
		return false
	}
	for _, b := range key {
		if b-'a' > 25 && b-'A' > 25 && b-'0' > 9 && b != '_' && b != '-' {
			return false
		}
	}
	return true
}

// datum reads the field auditd.data.KEY.
func (e *Event) datum(key string) detect.Value {
	for _, one := range e.data() {
		if string(one.key) == key {
			return detect.String(text(one.value))
		}
	}
	return detect.Value{}
}

// keys reads the keys of the audit rules that caused the event. The kernel writes
// several in one value with 0x01 between them.
func (e *Event) keys() detect.Value {
	_, primary := e.primary()
	if primary == nil {
		return detect.Value{}
	}
	body := e.body(primary)
	if e.callAt == primary.start+1 { // what is before is read already
		body = e.call.exe.behind(body)
	}
	s := scanner{rest: body}
	var p pair
	for s.next(&p) {
		if string(p.key) != "key" || p.missing() {
			continue
		}
		start := len(e.values)
		for part := range bytes.SplitSeq(e.decode(&p), []byte{1}) {
			e.values = append(e.values, detect.String(text(part)))
		}
		return e.valuesFrom(start)
	}
	return detect.Value{}
}

// valuesFrom makes a list of the values that were appended since start.
func (e *Event) valuesFrom(start int) detect.Value {
	return detect.List(e.values[start:len(e.values):len(e.values)])
}

// dataKeys are the keys that auditd.data is known to have, of the kernel's records
// and of the usual programs'. An event's document shows any other as well.
func dataKeys() []string {
	return []string{
		"a0", "a1", "a2", "a3", "acct", "action", "addr", "apparmor", "audit_backlog_limit",
		"audit_backlog_wait_time", "audit_enabled", "audit_failure", "audit_pid", "audit_rate_limit",
		"cap_fe", "cap_fi", "cap_fp", "capability", "cipher", "class", "cmd", "code", "comm", "compat", "cwd", "data",
		"denied_mask", "dev", "device", "dir", "direction", "dst", "entries", "exit", "family", "fd", "feature", "file",
		"format", "fp", "fver", "grantors", "grp", "hostname", "id", "ino", "ip", "items", "kernel", "kind", "ksize",
		"laddr", "lport", "list", "major", "minor", "mode", "name", "new", "new-level", "node", "obj", "oauid", "old",
		"old-auid", "old-level", "old-ses", "old_pa", "old_pe", "old_pi", "old_pp", "op", "operation", "opid", "oses",
		"ouid", "parent", "path", "pa", "pe", "perm", "permissive", "pfs", "pi", "pp", "profile", "proto", "rdev", "reason",
		"requested_mask", "res", "result", "rport", "scontext", "seresult", "sig", "spid", "src", "subj", "table",
		"tclass", "tcontext", "terminal", "tty", "unit", "uring_op", "uuid", "vm", "vm-ctx", "vm-pid",
	}
}
