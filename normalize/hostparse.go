package normalize

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"tripline/internal/diag"
)

// ParseHostFacts reads a JSON object with the keys of HostFacts, all of which may
// be left out. Without "agent_id" the agent id is derived from "id". file names
// the input in errors. An error is a *diag.Error with the place: of what is no
// JSON, of a key that is not known or occurs twice, of a value that is no text.
func ParseHostFacts(file string, data []byte) (*HostFacts, error) {
	facts := new(HostFacts)
	reader := hostReader{file: file, text: data}
	if err := reader.checkSyntax(); err != nil {
		return nil, err
	}
	reader.tokens = json.NewDecoder(bytes.NewReader(data))
	reader.tokens.UseNumber() // which no number is too large for
	if err := reader.object(hostKeys(facts)); err != nil {
		return nil, err
	}
	if facts.AgentID == "" {
		facts.AgentID = hostAgentID(facts.ID)
	}
	return facts, nil
}

// hostKey is a key of a JSON object. It has a text or is an object itself.
type hostKey struct {
	name   string
	text   *string
	object []hostKey
}

func hostKeys(facts *HostFacts) []hostKey {
	return []hostKey{
		{name: "id", text: &facts.ID},
		{name: "hostname", text: &facts.Hostname},
		{name: "os", object: []hostKey{
			{name: "type", text: &facts.OS.Type},
			{name: "family", text: &facts.OS.Family},
			{name: "platform", text: &facts.OS.Platform},
			{name: "name", text: &facts.OS.Name},
			{name: "version", text: &facts.OS.Version},
			{name: "full", text: &facts.OS.Full},
			{name: "kernel", text: &facts.OS.Kernel},
		}},
		{name: "architecture", text: &facts.Architecture},
		{name: "boot_id", text: &facts.BootID},
		{name: "agent_id", text: &facts.AgentID},
	}
}

// hostReader walks through a JSON text token by token: json.Unmarshal does not
// say where an unknown key is and takes keys that occur twice.
type hostReader struct {
	file   string
	text   []byte
	tokens *json.Decoder
}

// checkSyntax says that the text is one JSON value and nothing else.
func (r *hostReader) checkSyntax() error {
	for at := 0; at < len(r.text); {
		char, size := utf8.DecodeRune(r.text[at:])
		if char == utf8.RuneError && size == 1 {
			return r.defect(at, "not UTF-8", "save the file as UTF-8")
		}
		at += size
	}
	var value json.RawMessage
	err := json.Unmarshal(r.text, &value)
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		at := int(syntax.Offset) - 1
		if strings.HasPrefix(err.Error(), "unexpected end") {
			at = len(r.text)
		}
		return r.defect(at, "not JSON: "+err.Error(), `give an object such as {"id": "…", "hostname": "…", "os": {"name": "…"}}`)
	}
	return err
}

// object reads an object that has keys, and sets their texts.
func (r *hostReader) object(keys []hostKey) error {
	token, at, err := r.next()
	if err != nil {
		return err
	}
	if token != json.Delim('{') {
		return r.defect(at, "this must be an object and is "+hostKind(token), `write {"…": "…"}`)
	}
	seen := make(map[string]bool)
	for {
		token, at, err = r.next()
		if err != nil || token == json.Delim('}') {
			return err
		}
		name, _ := token.(string)
		if seen[name] {
			return r.defect(at, fmt.Sprintf("the key %q occurs twice", name), "remove one of them")
		}
		seen[name] = true
		if err := r.member(name, at, keys); err != nil {
			return err
		}
	}
}

// member reads the value of the key that starts at the offset given.
func (r *hostReader) member(name string, at int, keys []hostKey) error {
	index := slices.IndexFunc(keys, func(key hostKey) bool { return key.name == name })
	if index < 0 {
		return r.defect(at, fmt.Sprintf("the key %q is not known", name), hostKeyHint(name, keys))
	}
	if keys[index].object != nil {
		return r.object(keys[index].object)
	}
	token, at, err := r.next()
	if err != nil {
		return err
	}
	text, ok := token.(string)
	if !ok {
		return r.defect(at, fmt.Sprintf("%q must be a text and is %s", name, hostKind(token)), "put it in double quotes")
	}
	*keys[index].text = text
	return nil
}

func hostKeyHint(name string, keys []hostKey) string {
	names := make([]string, len(keys))
	for i, key := range keys {
		names[i] = key.name
	}
	if near, ok := diag.Nearest(name, names); ok {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return "the keys are " + strings.Join(names, ", ")
}

// next returns the next token and the offset at which it starts.
func (r *hostReader) next() (json.Token, int, error) {
	start := int(r.tokens.InputOffset())
	token, err := r.tokens.Token()
	if err != nil { // the syntax was checked; this is for what it did not see
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, 0, r.defect(start, err.Error(), "")
	}
	skipped := bytes.TrimLeft(r.text[start:], " \t\r\n,:")
	return token, len(r.text) - len(skipped), nil
}

func (r *hostReader) defect(at int, message, hint string) error {
	line, column, source := diag.Position(string(r.text), at)
	return &diag.Error{File: r.file, Line: line, Column: column, Message: message, Hint: hint, Source: source}
}

// hostKind is what a JSON value is called in a message.
func hostKind(token json.Token) string {
	switch token.(type) {
	case json.Delim:
		if token == json.Delim('[') {
			return "a list"
		}
		return "an object"
	case string:
		return "a text"
	case json.Number:
		return "a number"
	case bool:
		return "true or false"
	default:
		return "null"
	}
}
