package stricttoml

import (
	"strconv"
	"strings"

	"tripline/internal/diag"
)

// byteOrderMark may begin a file; editors neither show nor count it.
const byteOrderMark = "\ufeff"

// KeyPosition finds the value of a key, given as the names from the top of the
// document to the key; a decimal number selects an element of an array, from 0:
// KeyPosition(data, "rule", "threat", "1", "tactic"). Line and column count
// from 1, the column in characters.
//
// The position of a string is that of its first content character: behind the
// opening quotes, and on the next line where a multi-line string begins with a
// newline, which TOML trims. From there, places in the text and in the file
// correspond character by character, unless a string in double quotes has
// escapes. A table that has no value of its own is found at its key.
func KeyPosition(data []byte, key ...string) (line, column int, ok bool) {
	text := decodable(data)
	n, ok := find(text, key)
	if !ok {
		return 0, 0, false
	}
	line, column, _ = diag.Position(text, n.content)
	return line, column, true
}

// ErrorAt makes the error for a value that is well formed but not acceptable.
// The key is given as in KeyPosition. Where the file does not hold it, because
// the value is a default, the error has no position.
func ErrorAt(file string, data []byte, message, hint string, key ...string) *diag.Error {
	defect := &diag.Error{File: file, Message: message, Hint: hint}
	text := decodable(data)
	if n, ok := find(text, key); ok {
		defect.Line, defect.Column, defect.Source = diag.Position(text, n.at())
	}
	return defect
}

// find looks a key up in a text.
func find(text string, key []string) (*node, bool) {
	n, _ := scan(text)
	for _, name := range key {
		next, ok := n.table[name]
		if index, err := strconv.Atoi(name); !ok && err == nil && index >= 0 && index < len(n.array) {
			next, ok = n.array[index], true
		}
		if !ok {
			return nil, false
		}
		n = next
	}
	return n, len(key) > 0
}

// decodable is the text of a file without its byte order mark.
func decodable(data []byte) string {
	return strings.TrimPrefix(string(data), byteOrderMark)
}
