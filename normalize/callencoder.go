package normalize

import "bytes"

// recordedCall is an event of a system call and what belongs to it.
type recordedCall struct {
	call *rawRecord // its SYSCALL record
	// executed is the body of its EXECVE record, or of the first of several; title that
	// of its PROCTITLE record.
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
	call, process := r.kindTexts(w.event), r.processTexts(w.event, made.call)
	arguments, files, peer := r.argumentTexts(w.event, made), r.fileTexts(w.event, made.paths), r.peerTexts(w.event, made.address)
	for i := range r.callParts {
		part := &r.callParts[i]
		switch {
		case part.basis == basisTime:
			dst = r.appendTime(dst, w.event.time)
		case part.basis == basisData:
			dst = r.appendData(dst, w, made.call, call, process)
		case part.basis == basisHost:
			dst = w.text(dst, part.object, part.text)
		case part.basis == basisKind:
			dst = w.text(dst, part.object, call.text(kindPieces+part.number))
		case part.basis == basisProcess:
			dst = w.text(dst, part.object, process.text(processPieces+part.number))
		case part.basis == basisArguments && arguments != nil:
			dst = w.text(dst, part.object, arguments.text(part.number))
		case part.basis == basisPaths && files != nil:
			dst = w.text(dst, part.object, files.text(part.number))
		case part.basis == basisAddress && peer != nil:
			dst = w.text(dst, part.object, peer.text(part.number))
		case part.basis == basisPaths && len(made.paths) == 0, part.basis == basisAddress && made.address == nil:
		default:
			dst = part.write(dst, w)
		}
	}
	return dst
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
	addParts(texts, e, r.callParts, basisProcess)
	return r.processes.keep(texts)
}

// argumentTexts are the texts made of the record that has the arguments; nil where none
// has, or more than one.
func (r *logEncoder) argumentTexts(e *Event, made *recordedCall) *madeTexts {
	first, second := made.title, []byte(nil)
	if made.executed != nil { // then the title counts for nothing
		first, second = made.executed, []byte("executed")
	}
	if len(first) == 0 || len(first) > maxTextBytes/4 || made.several {
		return nil
	}
	return partTexts(r.arguments, e, first, second, r.callParts, basisArguments)
}

// fileTexts are the texts made of PATH records; nil where there are none with a name,
// or one of another form than the kernel's.
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
	if len(r.names) == 0 || len(r.names) > maxTextBytes/4 {
		return nil
	}
	return partTexts(r.files, e, r.names, nil, r.callParts, basisPaths)
}

// peerTexts are the texts made of a SOCKADDR record; nil where there is none. What was
// done with the address is in them, too.
func (r *logEncoder) peerTexts(e *Event, address []byte) *madeTexts {
	if len(address) == 0 || len(address) > maxTextBytes/4 {
		return nil
	}
	r.peer = append(r.peer[:0], e.socketTransport()...)
	if e.known().connecting() {
		r.peer = append(r.peer, '>')
	}
	return partTexts(r.peers, e, address, r.peer, r.callParts, basisAddress)
}

// appendData appends the record's own pairs, as Event.data has them. Those before the
// part about the process are in the order of their keys, and need no escapes.
func (r *logEncoder) appendData(dst []byte, w *documentWriter, record *rawRecord, call, process *madeTexts) []byte {
	dst = w.enter(dst, documentLayout.data)
	rest := w.event.body(record)
	rest = rest[bytes.Index(rest, []byte(" exit="))+len(" exit="):]
	exit := rest[:bytes.IndexByte(rest, ' ')]
	rest = rest[len(exit):]
	dst = append(dst, `"a0":"`...)
	dst, rest = appendWord(dst, rest)
	dst = append(dst, `","a1":"`...)
	dst, rest = appendWord(dst, rest)
	dst = append(dst, `","a2":"`...)
	dst, rest = appendWord(dst, rest)
	dst = append(dst, `","a3":"`...)
	dst, rest = appendWord(dst, rest)
	dst = append(append(append(dst, '"'), call.text(dataArch)...), process.text(dataComm)...)
	dst = append(append(dst, `,"exit":"`...), exit...)
	dst = append(dst, `","items":"`...)
	dst, _ = appendWord(dst, rest)
	dst = append(append(dst, '"'), process.text(dataLabels)...)
	return append(append(dst, call.text(dataSyscall)...), process.text(dataTTY)...)
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

// appendWord appends the value of the pair that a text begins with after a space, and
// returns the text behind it, which begins with a space.
func appendWord(dst, text []byte) (grown, rest []byte) {
	at := 1
	for text[at] != '=' {
		at++
	}
	end := at + 1
	for text[end] != ' ' {
		end++
	}
	return append(dst, text[at+1:end]...), text[end:]
}
