package normalize

import (
	"hash/maphash"
	"time"
)

// The events of a log are mostly those of processes that make many, and nothing but
// their records says what they were. What their documents say of a process, of users,
// of a kind of event and of arguments is the same text again and again.

// logEncoder writes the documents of recorded events from such texts.
type logEncoder struct {
	host *HostFacts
	// calls and others are the parts of documents of calls and of those of other records.
	calls, others textParts
	kinds         [knownKinds]knownKind
	// processes are texts made of SYSCALL records from auid= on and of what auditd
	// added to them, arguments those made of EXECVE and PROCTITLE records, files
	// those made of the names in PATH records, peers those made of SOCKADDR records,
	// and users those made of numbers.
	processes, arguments, files, peers, users *textMemory
	// reader reads PATH records; names has the names of an event, and peer what was
	// done with an address.
	reader      pathReader
	names, peer []byte
	// nothing has empty texts.
	nothing madeTexts
	// second is a second of a document, as text up to its fraction.
	second     int64
	secondText []byte
}

func newLogEncoder(host *HostFacts) *logEncoder {
	return &logEncoder{
		host: host, calls: newTextParts(host, basisInCall), others: newTextParts(host, basisInRecord),
		second: -1, reader: pathReader{seed: maphash.MakeSeed()},
		processes: newTextMemory(), arguments: newTextMemory(), files: newTextMemory(), peers: newTextMemory(), users: newTextMemory(),
	}
}

// maxNodeName bounds what is remembered of a node.
const maxNodeName = 255

// recorded says that nothing but the event's records tells of it.
func (e *Event) recorded() bool {
	_, recorded := e.owner.options.Resolver.(*LogResolver)
	return recorded && len(e.node.name) <= maxNodeName
}

// append appends the members of the document of a recorded event; false where it is one
// of others than an encoder has texts for.
func (r *logEncoder) append(dst []byte, w *documentWriter) (grown []byte, done bool) {
	var made recordedCall
	switch {
	case made.read(w.event):
		return r.appendCall(dst, w, &made), true
	case w.event.singular():
		return r.appendRecord(dst, w), true
	default:
		return dst, false
	}
}

// basisTexts are the texts that are there of each basis; nil where parts are to be made
// field by field.
type basisTexts [basisNothing]*madeTexts

// appendParts appends the parts of a document, of a call if there is a record of one.
func (r *logEncoder) appendParts(dst []byte, w *documentWriter, parts *textParts, texts *basisTexts, call *rawRecord) []byte {
	for i := range parts.parts {
		part := &parts.parts[i]
		if of := texts[part.basis]; of != nil {
			dst = w.text(dst, part.object, of.text(part.number))
			continue
		}
		switch {
		case part.basis == basisTime:
			dst = r.appendTime(dst, w.event.time)
		case part.basis == basisData && call != nil:
			dst = r.appendData(dst, w, call, texts[basisKind], texts[basisProcess])
		case part.basis == basisData:
			dst = w.pairs(part.write(dst, w), nil)
		default:
			dst = part.write(dst, w)
		}
	}
	return dst
}

// appendTime appends the event's time, of which most have the same second.
func (r *logEncoder) appendTime(dst []byte, millis int64) []byte {
	second, rest := millis/1000, millis%1000
	if millis < 0 || second != r.second {
		r.second = second
		r.secondText = appendTime(append(r.secondText[:0], `,"@timestamp":`...), millis*int64(time.Millisecond))
	}
	const fraction = len(`123Z"`)
	dst = append(dst, r.secondText[:len(r.secondText)-fraction]...)
	return append(dst, byte('0'+rest/100), byte('0'+rest/10%10), byte('0'+rest%10), 'Z', '"')
}

// knownKinds is how many kinds of events are remembered.
const knownKinds = 1024

// kindKey is what the parts about the kind of an event are made of.
type kindKey struct {
	arch, number        uint32
	typ                 RecordType
	success             truth
	kind                kind
	name, outcome, node string
}

// place is where a kind is, or would be, kept.
func (k *kindKey) place() uint64 {
	mixed := uint64(k.number)<<32 ^ uint64(k.typ)<<16 ^ uint64(k.success)<<8 ^ uint64(k.kind)
	return mixed * 0x9e3779b97f4a7c15 >> 32 % knownKinds
}

// knownKind has the texts of a kind of event.
type knownKind struct {
	key   kindKey
	texts madeTexts
}

// The first texts of a kind are pieces of auditd.data.
const (
	dataArch = iota
	dataSyscall
	kindPieces
)

// kindTexts are the texts about the kind of an event.
func (r *logEncoder) kindTexts(e *Event) *madeTexts {
	d := e.known()
	key := kindKey{
		arch: d.arch, number: d.number, typ: d.typ, success: d.success, kind: e.happened(), name: d.name, outcome: e.outcome(), node: e.node.name,
	}
	known := &r.kinds[key.place()]
	texts := &known.texts
	if known.key == key && texts.count > 0 {
		return texts
	}
	known.key = key
	texts.begin(nil, nil)
	for _, one := range [...]string{"auditd.data.arch", "auditd.data.syscall"} {
		texts.add(func(dst []byte) []byte { return documentLayout.appendMember(dst, e, one) })
	}
	r.calls.addTo(texts, e, basisKind)
	return texts
}
