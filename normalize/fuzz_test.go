package normalize

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"tripline/detect"
)

// seeds adds recorded lines to a fuzz target.
func seeds(f *testing.F, add func(line []byte)) {
	f.Helper()
	for _, file := range []string{"testdata/golden/connects-6.12.117.log", "testdata/golden/user.log"} {
		for _, line := range splitLines(readFile(f, file)) {
			add([]byte(line))
		}
	}
}

func FuzzParseLine(f *testing.F) {
	seeds(f, func(line []byte) { f.Add(line) })
	f.Fuzz(func(t *testing.T, line []byte) {
		record, err := ParseLine(line)
		if err != nil {
			if !utf8.ValidString(quoted(line)) || err.Error() == "" {
				t.Error(err)
			}
			return
		}
		if record.Time < 0 || record.Time > (maxSeconds+1)*1000 || len(record.Body)+len(record.Enriched)+len(record.Node) > len(line) {
			t.Errorf("%+v", record)
		}
		again := append([]byte("type="+record.Type.String()+" msg="), line[bytes.Index(line, []byte("audit(")):]...)
		if back, err := ParseLine(again); err != nil || back.Time != record.Time && bytes.Count(line, []byte("audit(")) == 1 {
			t.Errorf("%q: %v", again, err)
		}
	})
}

func FuzzParsePayload(f *testing.F) {
	seeds(f, func(line []byte) { f.Add(uint16(1300), line[bytes.Index(line, []byte("audit(")):]) })
	f.Fuzz(func(t *testing.T, typ uint16, payload []byte) {
		record, err := ParsePayload(typ, payload)
		if err == nil && (record.Type != RecordType(typ) || record.Time < 0 || len(record.Body) > len(payload)) {
			t.Errorf("%+v", record)
		}
	})
}

func FuzzPlainHeader(f *testing.F) {
	f.Add([]byte("1795464318.928:8): body"))
	f.Add([]byte("8999999999.999:999999999999999999): x"))
	f.Fuzz(func(t *testing.T, header []byte) { samePlainHeader(t, header) })
}

// FuzzCorrelator feeds lines, good and bad, and reads everything of every event.
func FuzzCorrelator(f *testing.F) {
	for _, file := range []string{"testdata/golden/connects-6.12.117.log", "testdata/golden/user.log", "testdata/golden/connects-2.6.32.log"} {
		lines := splitLines(readFile(f, file))
		for i := 0; i < len(lines); i += 6 {
			some := strings.Join(lines[i:min(len(lines), i+6)], "\n")
			f.Add([]byte(some), true)
			f.Add([]byte(some), false)
		}
	}
	f.Fuzz(func(t *testing.T, log []byte, ordered bool) {
		emitted := uint64(0)
		var document []byte
		c := NewCorrelator(Options{Ordered: ordered, MaxPending: 8, MaxEventBytes: 4096, MaxEventRecords: 8, Emit: func(e *Event) {
			emitted++
			for id := range registry {
				e.Value(detect.FieldID(id))
			}
			document = e.AppendJSON(document[:0], nil)
			if !json.Valid(document) || !utf8.Valid(document) {
				t.Errorf("%q", document)
			}
		}})
		records := uint64(0)
		for line := range bytes.Lines(log) {
			if record, err := ParseLine(line); err == nil {
				c.Add(record)
				records++
			}
		}
		c.Flush()
		stats := c.Stats()
		if stats.Events != emitted || stats.Records != records || c.Pending() != 0 || stats.Events > records {
			t.Errorf("%d emitted, %d pending, %+v", emitted, c.Pending(), stats)
		}
	})
}

func FuzzSockaddr(f *testing.F) {
	for _, text := range []string{"020000097F0000010000000000000000", "0A000009000000000000000000000000000000000000000100000000", "010000616273", "01002F746D70", "", "0"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		arena := []byte("before")
		s, grown := parseSockaddr(arena, text)
		if !bytes.HasPrefix(grown, arena) || len(grown) > len(arena)+len(text)/2 {
			t.Errorf("arena: %q", grown)
		}
		if s.inet() && !s.addr.IsValid() || s.addr.Addr().Is4In6() || !s.known && (s.path != nil || s.addr.IsValid()) {
			t.Errorf("%+v", s)
		}
	})
}

func FuzzFields(f *testing.F) {
	seeds(f, func(line []byte) { f.Add(line[bytes.IndexByte(line, ')')+1:]) })
	f.Fuzz(func(t *testing.T, body []byte) {
		var e Event
		s := scanner{rest: body}
		var p pair
		for count := 0; s.next(&p); count++ {
			if count > len(body) {
				t.Fatal("the scanner does not end")
			}
			if len(p.key) == 0 || !bytes.Contains(body, p.key) || !bytes.Contains(body, p.value) {
				t.Errorf("%+v", p)
			}
			if text := e.decode(&p); len(text) > len(p.value) {
				t.Errorf("%q is %q", p.value, text)
			}
			if p.nested() {
				s.rest = p.value
			}
		}
	})
}
