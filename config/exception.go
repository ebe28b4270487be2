package config

import (
	"errors"
	"fmt"
	"strconv"

	"tripline/internal/diag"
	"tripline/internal/stricttoml"
)

// source is where an exception was read: the file and its text, and which of its
// exceptions it is, from 0.
type source struct {
	file  string
	data  []byte
	index int
}

// Locate returns the errors that err joins, each a *diag.Error about a place of the
// exception's condition, as errors about the file that the exception is in, with its
// name and the comment before what they say.
func (x *Exception) Locate(number int, err error) error {
	var located []error
	for _, one := range diag.Flatten(err) {
		var defect *diag.Error
		if x.from == nil || !errors.As(one, &defect) {
			located = append(located, fmt.Errorf("%s: %w", x.broken(number), one))
			continue
		}
		place := stricttoml.PlaceOf(x.from.data, "exceptions", strconv.Itoa(x.from.index), "condition")
		moved := place.Move(defect, x.from.file)
		moved.Message = x.broken(number) + ": " + moved.Message
		located = append(located, moved)
	}
	return errors.Join(located...)
}

func (x *Exception) broken(number int) string {
	return fmt.Sprintf("exception %d (%s) does not hold", number, x.Comment)
}

// NotLoaded is the error for an exception to a rule that is not there.
func (x *Exception) NotLoaded(number int) error {
	message := fmt.Sprintf("exception %d (%s) is for rule %q, which is not loaded", number, x.Comment, x.Rule)
	if x.from == nil {
		return errors.New(message)
	}
	return defectAt(x.from.file, x.from.data, message, "", "exceptions", strconv.Itoa(x.from.index), "rule")
}

// defectAt makes an error about a key of a file. Where the file does not hold the key
// it is about the table that would.
func defectAt(file string, data []byte, message, hint string, key ...string) *diag.Error {
	defect := stricttoml.ErrorAt(file, data, message, hint, key...)
	for n := len(key) - 1; n > 0 && defect.Line == 0; n-- {
		defect = stricttoml.ErrorAt(file, data, message, hint, key[:n]...)
	}
	return defect
}
