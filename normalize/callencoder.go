package normalize

import "bytes"

// recordedCall is an event of a system call and what belongs to it.
type recordedCall struct {
	call *rawRecord // its SYSCALL record
	// executed is the body of its EXECVE record, or of one of several; title that of its
	// PROCTITLE record.
	executed, title []byte
	several         bool
	// address is the body of its SOCKADDR record.
	address []byte
	// paths are its PATH records.
	paths []rawRecord
}

// read finds an event's records; false where there are others that its document is made
// of.
func (c *recordedCall) read(e *Event) bool {
	d := e.known()
	if e.callAt == 0 || e.incomplete {
		return false
	}
	for i := range e.records {
		switch one := &e.records[i]; one.typ {
		case TypeSyscall:
			if one.start+1 != e.callAt || c.call != nil {
				return false
			}
			c.call = one
		case TypeProctitle:
			if c.title == nil {
				c.title = e.body(one)
			}
		case TypeExecve:
			c.several = c.executed != nil
			c.executed = e.body(one)
		case TypePath:
			c.paths = e.records[i-len(c.paths) : i+1]
		case TypeSockaddr:
			if c.address == nil {
				c.address = e.body(one)
			}
		case TypeCwd:
		default:
			return false
		}
	}
	_, made := syscallOf(d.arch, d.number)
	return c.call != nil && made != callSocketcall
}

// The first texts of a process are pieces of auditd.data.
const (
	dataComm   = iota
	dataLabels // key and subj
	dataTTY
	processPieces
)

// appendCall appends the members of the document of a call.
func (r *logEncoder) appendCall(dst []byte, w *documentWriter, made *recordedCall) []byte {
	w.told = true
	texts := basisTexts{
		basisHost:      &r.calls.host,
		basisKind:      r.kindTexts(w.event),
		basisProcess:   r.processTexts(w.event, made.call),
		basisArguments: r.argumentTexts(w.event, made),
		basisPaths:     r.fileTexts(w.event, made.paths),
		basisAddress:   r.peerTexts(w.event, made.address),
	}
	return r.appendParts(dst, w, &r.calls, &texts, made.call)
}

// processTexts are the texts about the process of an event, which are made of the part
// of its SYSCALL record about the process and of what auditd added.
func (r *logEncoder) processTexts(e *Event, record *rawRecord) *madeTexts {
	texts, known := r.processes.find(e.body(record)[e.call.process:], e.enriched(record))
	if known {
		return texts
	}
	texts.add(func(dst []byte) []byte { return e.appendPair(dst, "comm") })
	texts.add(func(dst []byte) []byte {
		return e.appendPair(documentLayout.appendMember(dst, e, "auditd.data.key"), "subj")
	})
	texts.add(func(dst []byte) []byte { return e.appendPair(dst, "tty") })
	r.calls.addTo(texts, e, basisProcess)
	return r.processes.keep(texts)
}

// argumentTexts are the texts made of the record that has the arguments; nil where more
// than one has, or too many.
func (r *logEncoder) argumentTexts(e *Event, made *recordedCall) *madeTexts {
	first, second := made.title, []byte(nil)
	if made.executed != nil { // then the title counts for nothing
		first, second = made.executed, []byte("executed")
	}
	switch {
	case made.several, len(first) > maxTextBytes/4:
		return nil
	case len(first) == 0:
		return &r.nothing
	}
	return r.calls.texts(r.arguments, e, first, second, basisArguments)
}

// fileTexts are the texts made of PATH records; nil where one is of another form than the
// kernel's, or the names are too long.
func (r *logEncoder) fileTexts(e *Event, paths []rawRecord) *madeTexts {
	r.names = r.names[:0]
	for i := range paths {
		name, parent, ok := r.reader.read(e.body(&paths[i]))
		if !ok {
			return nil
		}
		if !parent {
			r.names = append(append(r.names, name...), ' ')
		}
	}
	switch {
	case len(r.names) == 0:
		return &r.nothing
	case len(r.names) > maxTextBytes/4:
		return nil
	}
	return r.calls.texts(r.files, e, r.names, nil, basisPaths)
}

// peerTexts are the texts made of a SOCKADDR record and of what was done with the
// address; nil where it is too long.
func (r *logEncoder) peerTexts(e *Event, address []byte) *madeTexts {
	switch {
	case len(address) == 0:
		return &r.nothing
	case len(address) > maxTextBytes/4:
		return nil
	}
	r.peer = append(r.peer[:0], e.socketTransport()...)
	if e.known().connecting() {
		r.peer = append(r.peer, '>')
	}
	return r.calls.texts(r.peers, e, address, r.peer, basisAddress)
}

// appendData appends the record's own pairs, as Event.data has them. Those before the
// part about the process are of the kernel's form, and need no escapes.
func (r *logEncoder) appendData(dst []byte, w *documentWriter, record *rawRecord, call, process *madeTexts) []byte {
	dst = w.enter(dst, documentLayout.data)
	rest := w.event.body(record)
	rest = rest[bytes.IndexByte(rest, 'x')+len("xit="):] // arch=…, syscall=… and success=… have no x
	exit := rest[:bytes.IndexByte(rest, ' ')]
	rest = rest[len(exit)+len(" a0="):]
	dst, rest = appendWord(append(dst, `"a0":"`...), rest)
	dst, rest = appendWord(append(dst, `","a1":"`...), rest[len("a1="):])
	dst, rest = appendWord(append(dst, `","a2":"`...), rest[len("a2="):])
	dst, rest = appendWord(append(dst, `","a3":"`...), rest[len("a3="):])
	dst = append(append(append(dst, '"'), call.text(dataArch)...), process.text(dataComm)...)
	dst = append(append(append(dst, `,"exit":"`...), exit...), `","items":"`...)
	dst, _ = appendWord(dst, rest[len("items="):])
	dst = append(append(dst, '"'), process.text(dataLabels)...)
	return append(append(dst, call.text(dataSyscall)...), process.text(dataTTY)...)
}

// appendWord appends what a text has before its first space, and returns what is
// behind that.
func appendWord(dst, text []byte) (grown, rest []byte) {
	end := 0
	for text[end] != ' ' {
		end++
	}
	return append(dst, text[:end]...), text[end+1:]
}

// appendPair appends one of the record's own pairs with a comma before it, if there is
// one with the key.
func (e *Event) appendPair(dst []byte, key string) []byte {
	for _, one := range e.data() {
		if string(one.key) == key {
			dst = append(append(append(dst, ',', '"'), key...), '"', ':')
			return appendString(dst, text(one.value))
		}
	}
	return dst
}
