package normalize

import "tripline/detect"

// dataPrefix begins the names of the fields that show a record's own keys.
const dataPrefix = "auditd.data."

func auditdFields() []field {
	fields := []field{
		whole("auditd.sequence", func(e *Event) detect.Value { return detect.Int(int64(e.sequence)) }),
		words("auditd.message_type", (*Event).messageType),
		words("auditd.result", (*Event).auditResult),
		words("auditd.session", (*Event).auditSession),
		words("auditd.node", func(e *Event) detect.Value { return optional(e.node.name) }),
	}
	for _, key := range dataKeys() {
		fields = append(fields, field{
			name: dataPrefix + key, typ: detect.TypeString, pair: true,
			get: func(e *Event) detect.Value { return e.datum(key) },
		})
	}
	return append(fields,
		words(dataPrefix+"arch", (*Event).archName),
		words(dataPrefix+"syscall", (*Event).syscallName),
		words(dataPrefix+"key", (*Event).keys))
}

// messageType is the type of the record that tells what happened, in lower case.
func (e *Event) messageType() detect.Value {
	d := e.known()
	if kind := e.known().shown; d.beside != 0 && (kind == kindProcess || kind == kindNetwork || kind == kindFile) {
		return detect.String(lowerName(d.beside))
	}
	return optional(lowerName(d.typ))
}

func (e *Event) auditResult() detect.Value {
	switch e.known().success {
	case yes:
		return detect.String("success")
	case no:
		return detect.String("fail")
	default:
		return detect.Value{}
	}
}

// auditSession is the audit session's number; missing when no login began one.
func (e *Event) auditSession() detect.Value { return e.userID(idSession) }

func (e *Event) archName() detect.Value {
	d := e.known()
	if d.arch == 0 {
		return detect.Value{}
	}
	if table := abiOf(d.arch); table != nil {
		return detect.String(table.name)
	}
	return detect.String(e.decimal(int64(d.arch)))
}

// syscallName is the system call's name where it is known, else its number. A
// socketcall is named by what it stands for.
func (e *Event) syscallName() detect.Value {
	d := e.known()
	switch {
	case !d.syscall && d.arch == 0:
		return detect.Value{}
	case d.name != "":
		return detect.String(d.name)
	default:
		return detect.String(e.decimal(int64(d.number)))
	}
}
