package normalize

import (
	"bytes"
	"time"
)

// Most events of a log are system calls with a few records more, by processes that
// make many of them. What their documents say of a process, of a kind of call and of
// arguments is the same text again and again.

// maxNodeName bounds what is remembered of a node.
const maxNodeName = 255

// recordedCall is an event whose document is put together from such texts.
type recordedCall struct {
	call *rawRecord // its SYSCALL record
	// title is the body of the PROCTITLE record, nil where EXECVE records have the
	// arguments.
	title []byte
	// paths and address say that there are such records.
	paths, address bool
}

// read finds an event's records; false where there are others that its document is made
// of, or where it can be asked for more than its records say.
func (c *recordedCall) read(e *Event) bool {
	d := e.known()
	if _, recorded := e.owner.options.Resolver.(*LogResolver); !recorded || e.callAt == 0 || e.incomplete || d.call == callExit {
		return false
	}
	executed := false
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
			executed = true
		case TypePath:
			c.paths = true
		case TypeSockaddr:
			c.address = true
		case TypeCwd:
		default:
			return false
		}
	}
	if executed {
		c.title = nil
	}
	_, made := syscallOf(d.arch, d.number)
	return c.call != nil && made != callSocketcall && len(e.node.name) <= maxNodeName
}

// callEncoder writes the documents of recorded calls.
type callEncoder struct {
	host  *HostFacts
	parts []callPart
	calls [knownCalls]knownCall
	// processes are texts made of SYSCALL records from auid= on and of what auditd
	// added to them, titles those made of PROCTITLE records.
	processes, titles *textMemory
	// second is a second of a document, as text up to its fraction.
	second     int64
	secondText []byte
}

// knownCalls is how many kinds of calls are remembered.
const knownCalls = 256

// callKey is what the parts about a call are made of.
type callKey struct {
	arch, number        uint32
	success             truth
	kind                kind
	name, outcome, node string
}

// knownCall has the texts of a kind of call.
type knownCall struct {
	key   callKey
	texts madeTexts
}

// The first texts of a call and of a process are pieces of auditd.data.
const (
	dataArch = iota
	dataSyscall
	callPieces
)

const (
	dataComm   = iota
	dataLabels // key and subj
	dataTTY
	processPieces
)

func newCallEncoder(host *HostFacts) *callEncoder {
	return &callEncoder{host: host, parts: callParts(host), processes: newTextMemory(), titles: newTextMemory(), second: -1}
}

// append appends the members of the document.
func (r *callEncoder) append(dst []byte, w *documentWriter, made *recordedCall) []byte {
	w.told = true
	call, process, title := r.callTexts(w.event), r.processTexts(w.event, made.call), r.titleTexts(w.event, made.title)
	for i := range r.parts {
		part := &r.parts[i]
		switch {
		case part.basis == basisTime:
			dst = r.appendTime(dst, w.event.time)
		case part.basis == basisData:
			dst = r.appendData(dst, w, made.call, call, process)
		case part.basis == basisHost:
			dst = w.text(dst, part.object, part.text)
		case part.basis == basisCall:
			dst = w.text(dst, part.object, call.text(callPieces+part.number))
		case part.basis == basisProcess:
			dst = w.text(dst, part.object, process.text(processPieces+part.number))
		case part.basis == basisArguments && title != nil:
			dst = w.text(dst, part.object, title.text(part.number))
		case part.basis == basisPaths && !made.paths, part.basis == basisAddress && !made.address:
		default:
			dst = part.write(dst, w)
		}
	}
	return dst
}

// appendTime appends the event's time, of which most have the same second.
func (r *callEncoder) appendTime(dst []byte, millis int64) []byte {
	second, rest := millis/1000, millis%1000
	if millis < 0 || second != r.second {
		r.second = second
		r.secondText = appendTime(append(r.secondText[:0], `,"@timestamp":`...), millis*int64(time.Millisecond))
	}
	const fraction = len(`123Z"`)
	dst = append(dst, r.secondText[:len(r.secondText)-fraction]...)
	return append(dst, byte('0'+rest/100), byte('0'+rest/10%10), byte('0'+rest%10), 'Z', '"')
}

// callTexts are the texts about the kind of call that an event is.
func (r *callEncoder) callTexts(e *Event) *madeTexts {
	d := e.known()
	key := callKey{arch: d.arch, number: d.number, success: d.success, kind: e.happened(), name: d.name, outcome: e.outcome(), node: e.node.name}
	known := &r.calls[(key.number^uint32(key.success)<<7^uint32(key.kind)<<4)%knownCalls]
	texts := &known.texts
	if known.key == key && texts.count > 0 {
		return texts
	}
	known.key = key
	texts.begin(nil, nil)
	for _, one := range [...]string{"auditd.data.arch", "auditd.data.syscall"} {
		texts.add(func(dst []byte) []byte { return documentLayout.appendMember(dst, e, one) })
	}
	r.addParts(texts, e, basisCall)
	return texts
}

// processTexts are the texts about the process of an event, which are made of the part
// of its SYSCALL record about the process and of what auditd added.
func (r *callEncoder) processTexts(e *Event, record *rawRecord) *madeTexts {
	texts, known := r.processes.find(e.body(record)[e.call.process:], e.enriched(record))
	if known {
		return texts
	}
	texts.add(func(dst []byte) []byte { return e.appendPair(dst, "comm") })
	texts.add(func(dst []byte) []byte {
		return e.appendPair(documentLayout.appendMember(dst, e, "auditd.data.key"), "subj")
	})
	texts.add(func(dst []byte) []byte { return e.appendPair(dst, "tty") })
	r.addParts(texts, e, basisProcess)
	return r.processes.keep(texts)
}

// titleTexts are the texts made of a PROCTITLE record, nil where there is none.
func (r *callEncoder) titleTexts(e *Event, title []byte) *madeTexts {
	if len(title) == 0 {
		return nil
	}
	texts, known := r.titles.find(title, nil)
	if known {
		return texts
	}
	r.addParts(texts, e, basisArguments)
	return r.titles.keep(texts)
}

// addParts adds the texts of all parts of a basis.
func (r *callEncoder) addParts(texts *madeTexts, e *Event, basis basis) {
	for i := range r.parts {
		if part := &r.parts[i]; part.basis == basis {
			texts.add(func(dst []byte) []byte { return part.append(dst, e) })
		}
	}
}

// appendData appends the record's own pairs, as Event.data has them. Those before the
// part about the process are in the order of their keys, and need no escapes.
func (r *callEncoder) appendData(dst []byte, w *documentWriter, record *rawRecord, call, process *madeTexts) []byte {
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
