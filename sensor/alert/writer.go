package alert

import (
	"encoding/json"
	"strconv"
)

// objectWriter writes a JSON object member by member. The text is that of encode where
// the caller keeps the members in the order of their names, which need no escapes.
type objectWriter struct {
	dst []byte
	err error
}

// newObjectWriter begins an object in the memory of dst.
func newObjectWriter(dst []byte) objectWriter {
	return objectWriter{dst: append(dst[:0], '{')}
}

// end closes the object and returns it, or the first error.
func (w *objectWriter) end() ([]byte, error) {
	w.close()
	return w.dst, w.err
}

// open begins an object that is a member; close ends it.
func (w *objectWriter) open(name string) {
	w.name(name)
	w.dst = append(w.dst, '{')
}

func (w *objectWriter) close() { w.dst = append(w.dst, '}') }

// name begins a member.
func (w *objectWriter) name(name string) {
	if w.dst[len(w.dst)-1] != '{' {
		w.dst = append(w.dst, ',')
	}
	w.dst = append(append(append(w.dst, '"'), name...), '"', ':')
}

// raw writes a member whose text is known, and null for none.
func (w *objectWriter) raw(name string, value json.RawMessage) {
	w.name(name)
	if value == nil {
		value = []byte("null")
	}
	w.dst = append(w.dst, value...)
}

// first writes a member of the first event that has it, if one has.
func (w *objectWriter) first(name string, events []rawObject) {
	for _, event := range events {
		if value := event.get(name); value != nil {
			w.name(name)
			if text, err := appendCanonical(w.dst, value); !w.failed(err) {
				w.dst = text
			}
			return
		}
	}
}

// text writes a member that is a string.
func (w *objectWriter) text(name, value string) {
	w.name(name)
	w.value(value)
}

// number writes a member that is a number.
func (w *objectWriter) number(name string, value int) {
	w.name(name)
	w.dst = strconv.AppendInt(w.dst, int64(value), 10)
}

// texts writes a member that is a list of strings, null for none.
func (w *objectWriter) texts(name string, values []string) {
	if values == nil {
		w.raw(name, nil)
		return
	}
	w.name(name)
	w.dst = append(w.dst, '[')
	for i, value := range values {
		if i > 0 {
			w.dst = append(w.dst, ',')
		}
		w.value(value)
	}
	w.dst = append(w.dst, ']')
}

// list writes a member that is a list of values whose text is known.
func (w *objectWriter) list(name string, values []json.RawMessage) {
	w.name(name)
	w.dst = append(w.dst, '[')
	for i, value := range values {
		if i > 0 {
			w.dst = append(w.dst, ',')
		}
		w.dst = append(w.dst, value...)
	}
	w.dst = append(w.dst, ']')
}

// other writes a member of any kind.
func (w *objectWriter) other(name string, value any) {
	w.name(name)
	w.encode(value)
}

// value writes a string.
func (w *objectWriter) value(text string) {
	if isPlain(text) {
		w.dst = append(append(append(w.dst, '"'), text...), '"')
		return
	}
	w.encode(text)
}

func (w *objectWriter) encode(value any) {
	text, err := encode(value)
	if !w.failed(err) {
		w.dst = append(w.dst, text...)
	}
}

// failed keeps the first error.
func (w *objectWriter) failed(err error) bool {
	if w.err == nil {
		w.err = err
	}
	return err != nil
}

// isPlain says whether a text is the same in JSON but for the quotes.
func isPlain(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c == '"' || c == '\\' || c > '~' {
			return false
		}
	}
	return true
}
