package stricttoml

import (
	"strings"
	"unicode/utf8"

	"tripline/internal/diag"
)

// TextPlace locates places of a text of several characters, such as an EQL query,
// in the file that holds it as a TOML string. The zero value is that of a text
// which is in no file.
type TextPlace struct {
	// data is the text of the file.
	data string
	// offset is where the content of the TOML string starts.
	offset int
}

// PlaceOf is the place of a string in the text of a TOML file; the key is given as
// in KeyPosition. It is the zero value where the file does not hold the key.
func PlaceOf(data []byte, key ...string) TextPlace {
	line, column, ok := KeyPosition(data, key...)
	if !ok {
		return TextPlace{}
	}
	text := decodable(data)
	return TextPlace{data: text, offset: offsetOf(text, line, column)}
}

// File is the text of the file, empty where there is none.
func (q TextPlace) File() string { return q.data }

// offsetOf converts a line and a column in characters, both from 1, to a byte
// offset.
func offsetOf(text string, line, column int) int {
	offset := 0
	for ; line > 1; line-- {
		end := strings.IndexByte(text[offset:], '\n')
		if end < 0 {
			return len(text)
		}
		offset += end + 1
	}
	for ; column > 1 && offset < len(text); column-- {
		_, size := utf8.DecodeRuneInString(text[offset:])
		offset += size
	}
	return offset
}

// Move returns an error about the text as one about the file of the given name.
func (q TextPlace) Move(defect *diag.Error, file string) *diag.Error {
	moved := *defect
	moved.File = file
	if q.data == "" || defect.Line == 0 {
		return &moved
	}
	offset := q.fileOffset(defect.Line, defect.Column)
	moved.Line, moved.Column, moved.Source = diag.Position(q.data, offset)
	return &moved
}

// fileOffset converts a place of the text to an offset in the file, by
// walking the TOML string beside the text.
func (q TextPlace) fileOffset(line, column int) int {
	at, escapes := q.offset, q.hasEscapes()
	for atLine, atColumn := 1, 1; at < len(q.data) && (atLine < line || atLine == line && atColumn < column); {
		decoded, size := tomlCharacter(q.data[at:], escapes)
		at += size
		switch decoded {
		case nothing:
		case '\n':
			if atLine == line {
				return at - size
			}
			atLine, atColumn = atLine+1, 1
		default:
			atColumn++
		}
	}
	for escapes && at < len(q.data) {
		decoded, size := tomlCharacter(q.data[at:], escapes)
		if decoded != nothing {
			break
		}
		at += size
	}
	return at
}

// hasEscapes reports whether the TOML string is one in double quotes, by what
// precedes its content: the quotes and, in a string of several lines, perhaps
// a line break.
func (q TextPlace) hasEscapes() bool {
	before := strings.TrimSuffix(strings.TrimSuffix(q.data[:q.offset], "\n"), "\r")
	return strings.HasSuffix(before, `"`)
}

// nothing stands for a part of a TOML string that adds no character to it.
const nothing rune = -1

// tomlCharacter returns the first character of a TOML string's content, as far
// as it matters for counting lines and columns, and the length of its source.
func tomlCharacter(source string, escapes bool) (decoded rune, size int) {
	if !escapes || source[0] != '\\' || len(source) == 1 {
		return utf8.DecodeRuneInString(source)
	}
	switch source[1] {
	case 'n':
		return '\n', 2
	case 'u':
		return 'u', min(len(source), len(`\u0000`))
	case 'U':
		return 'U', min(len(source), len(`\U00000000`))
	case 'x':
		return 'x', min(len(source), len(`\x00`))
	case ' ', '\t', '\r', '\n': // the line goes on behind the white space
		return nothing, len(source) - len(strings.TrimLeft(source[1:], " \t\r\n"))
	}
	return rune(source[1]), 2
}
