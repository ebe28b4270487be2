package alert

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unsafe"
)

// rawMember is a member of a JSON object with the text of its value. Both are views
// into the object's text.
type rawMember struct {
	name  string
	value json.RawMessage
}

// rawObject is a JSON object whose values are not decoded. It is read once, which is
// a tenth of the work of decoding it.
type rawObject []rawMember

// splitObject is readObject where the places are known at which the members begin, with
// the brace or comma before each; it reads the object where they are not. The members
// are appended to dst.
func splitObject(dst rawObject, text []byte, members []int) (object rawObject, ok bool) {
	if len(members) == 0 {
		return readObject(text)
	}
	for i, at := range members {
		end := len(text) - 1
		if i+1 < len(members) {
			end = members[i+1]
		}
		name, value, found := bytes.Cut(text[at+1:end], []byte(`":`))
		if !found || len(name) == 0 || name[0] != '"' {
			return readObject(text)
		}
		name = name[1:]
		dst = append(dst, rawMember{unsafe.String(unsafe.SliceData(name), len(name)), json.RawMessage(value)})
	}
	return dst, true
}

// readObject splits an object that has no white space and no escapes in the names of
// its members, as Event.AppendJSON and encode write them. It returns false for any
// other.
func readObject(text []byte) (rawObject, bool) {
	const fewMembers = 16
	if len(text) < 2 || text[0] != '{' {
		return nil, false
	}
	if string(text) == "{}" {
		return nil, true
	}
	object := make(rawObject, 0, fewMembers)
	for at := 1; ; at++ {
		key := endOfValue(text, at)
		if key < 0 || key >= len(text) || text[key] != ':' || text[at] != '"' {
			return nil, false
		}
		end := endOfValue(text, key+1)
		if end < 0 || end >= len(text) {
			return nil, false
		}
		name := text[at+1 : key-1]
		if bytes.IndexByte(name, '\\') >= 0 {
			return nil, false
		}
		object = append(object, rawMember{unsafe.String(unsafe.SliceData(name), len(name)), json.RawMessage(text[key+1 : end])})
		if text[end] == '}' {
			return object, end == len(text)-1
		}
		if at = end; text[at] != ',' {
			return nil, false
		}
	}
}

// endOfValue finds where a value ends that begins at text[at:], -1 where it does
// not.
func endOfValue(text []byte, at int) int {
	depth := 0
	for start := at; at < len(text); at++ {
		switch text[at] {
		case '"':
			if at = endOfString(text, at); at < 0 {
				return -1
			}
			if depth == 0 && start < at {
				return at + 1
			}
		case '{', '[':
			depth++
		case '}', ']', ',', ':':
			if depth == 0 {
				return at
			}
			if text[at] == '}' || text[at] == ']' {
				depth--
			}
		}
	}
	return -1
}

// endOfString finds the closing quotation mark of a string that begins at text[at:],
// -1 where there is none.
func endOfString(text []byte, at int) int {
	for begin := at + 1; ; {
		length := bytes.IndexByte(text[begin:], '"')
		if length < 0 {
			return -1
		}
		quote := begin + length
		escapes := 0 // backslashes before it: of two the second is the first's
		for quote-escapes > at+1 && text[quote-escapes-1] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return quote
		}
		begin = quote + 1
	}
}

// get is the text of a nested value; nil where it is missing.
func (o rawObject) get(path ...string) json.RawMessage {
	for i := range o {
		if o[i].name != path[0] {
			continue
		}
		if len(path) == 1 {
			return o[i].value
		}
		inner, _ := readObject(o[i].value)
		return inner.get(path[1:]...)
	}
	return nil
}

// object is a nested object, without members where it is missing or something else.
func (o rawObject) object(name string) rawObject {
	inner, _ := readObject(o.get(name))
	return inner
}

// text is a nested string, empty where it is missing or something else.
func (o rawObject) text(path ...string) (decoded string) {
	value := o.get(path...)
	if len(value) < 2 || value[0] != '"' {
		return ""
	}
	if bytes.IndexByte(value, '\\') < 0 {
		return string(value[1 : len(value)-1])
	}
	if err := json.Unmarshal(value, &decoded); err != nil {
		return ""
	}
	return decoded
}

// texts is a nested list of strings, nil where it is missing or something else.
func (o rawObject) texts(path ...string) (decoded []string) {
	value := o.get(path...)
	if value == nil {
		return nil
	}
	if plain, ok := plainTexts(value); ok {
		return plain
	}
	if json.Unmarshal(value, &decoded) != nil {
		return nil
	}
	return decoded
}

// plainTexts reads a list of strings in which nothing is escaped, as lists of keywords
// are; false for any other.
func plainTexts(value json.RawMessage) (texts []string, ok bool) {
	inner, closed := bytes.CutSuffix(value, []byte(`"]`))
	inner, opened := bytes.CutPrefix(inner, []byte(`["`))
	if !opened || !closed || bytes.IndexByte(inner, '\\') >= 0 {
		return nil, false
	}
	texts = strings.Split(string(inner), `","`)
	return texts, !slices.ContainsFunc(texts, func(one string) bool { return strings.IndexByte(one, '"') >= 0 })
}

// appendCanonical appends a value of an event's document as encode would write it, had
// it been decoded. The two write some characters in another way.
func appendCanonical(dst []byte, value json.RawMessage) ([]byte, error) {
	if appended, ok := appendRewritten(dst, value); ok {
		return appended, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(value))
	decoder.UseNumber()
	var decoded any
	if err := decoder.Decode(&decoded); err != nil {
		return nil, fmt.Errorf("reading back an event's document: %w", err)
	}
	text, err := encode(decoded)
	return append(dst, text...), err
}
