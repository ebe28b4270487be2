package normalize

import "bytes"

// A process that logs a user in gets a login user and a session by writing its
// /proc/self/loginuid, and so can anybody who may: what the LOGIN record of it says was
// before tells which process goes on with them.

// readLogin reads in a LOGIN record whether the login user and the session of the process
// were set, and what they were before. Kernels up to 3.13 write "old auid=" for "old-auid=".
func (e *Event) readLogin(d *details, query *ProcessQuery) {
	query.LogsIn, query.OldAUID, query.OldSession = true, unset, unset
	s := scanner{rest: e.body(e.record(TypeLogin))}
	var p pair
	for s.next(&p) {
		switch key := string(p.key); {
		case key == "old-auid", key == "auid" && p.old:
			query.OldAUID, _ = parseID(p.value)
		case key == "old-ses", key == "ses" && p.old:
			query.OldSession, _ = parseID(p.value)
		case key == "res":
			query.LogsIn = string(p.value) != "0"
		}
	}
	if !query.LogsIn && !d.syscall {
		query.forgoLogin()
	}
}

// forgoLogin takes back the login that could not be set.
func (q *ProcessQuery) forgoLogin() {
	q.NoLogin, q.AUID, q.Session = true, unset, unset
}

// readPlainLogin reads a LOGIN record that has all that kernels from 3.16 on write, and once
// (kernel/audit.c: audit_log_set_loginuid); false for any other.
func (q *ProcessQuery) readPlainLogin(body []byte) bool {
	var uid, res uint32
	places := [...]struct {
		key string
		id  *uint32 // nil for what is of no interest
	}{
		{"pid=", &q.PID},
		{"uid=", &uid},
		{"subj=", nil},
		{"old-auid=", &q.OldAUID},
		{"auid=", &q.AUID},
		{"tty=", nil},
		{"old-ses=", &q.OldSession},
		{"ses=", &q.Session},
		{"res=", &res},
	}
	for _, one := range places {
		rest, found := bytes.CutPrefix(body, []byte(one.key))
		switch {
		case !found && one.id == nil:
			continue
		case !found:
			return false
		}
		value, after, _ := bytes.Cut(rest, []byte(" "))
		if one.id == nil {
			if len(value) == 0 || bytes.IndexByte([]byte(`"'{`), value[0]) >= 0 {
				return false
			}
		} else {
			n, end, ok := number(value, 0, unset)
			if !ok || end < len(value) {
				return false
			}
			*one.id = uint32(n)
		}
		body = after
	}
	if len(body) > 0 || res > 1 {
		return false
	}
	if q.LogsIn = res == 1; !q.LogsIn {
		q.forgoLogin()
	}
	return true
}
