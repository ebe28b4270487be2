package stricttoml

import (
	"errors"
	"fmt"
	"strings"

	"github.com/BurntSushi/toml"
)

// syntaxError describes what the parser refused.
func (d *decoder) syntaxError(err error) error {
	var parse toml.ParseError
	if !errors.As(err, &parse) {
		return fmt.Errorf("%s: %w", d.file, err)
	}
	d.report(parse.Position.Start, "not valid TOML: "+parse.Message, syntaxHint(parse.Message))
	return d.err()
}

// syntaxHint says what to do about a message of the parser, for the mistakes
// that people make.
func syntaxHint(message string) string {
	hints := []struct{ part, hint string }{
		{"invalid escape", `write the text in '…' or ''' … ''', where \ is an ordinary character`},
		{"strings cannot contain newlines", `close the quote, or write text of several lines in """ … """ or ''' … '''`},
		{"newlines not allowed within inline tables", "write the table on one line or under a [header] of its own"},
		{`expected '"""'`, `the text is not closed with """`},
		{`expected "'''"`, `the text is not closed with '''`},
		{"has already been defined", "remove one of the two"},
		{"was already created", "a name can be one table or a list of tables, not both"},
		{"expected value but found", "text needs quotes"},
		{"invalid UTF-8", "save the file as UTF-8"},
		{"NULL bytes", "save the file as UTF-8"},
	}
	for _, one := range hints {
		if strings.Contains(message, one.part) {
			return one.hint
		}
	}
	return ""
}
