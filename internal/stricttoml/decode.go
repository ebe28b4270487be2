package stricttoml

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/BurntSushi/toml"

	"tripline/internal/diag"
)

// maxDefects bounds how many defects of one file are described: who opened the
// wrong file does not want to read all of it again as errors.
const maxDefects = 50

// Decode reads the TOML text data into the struct that into points to. The
// name of the file serves messages only.
//
// Fields are matched by their toml tags, exactly, and keep their value where the
// text has no such key. Decode understands structs, pointers, slices, maps with
// string keys, strings, booleans, numbers, and types that implement
// encoding.TextUnmarshaler; fields of type any, also as the elements of a map or
// a slice, take what the text has. Fields of embedded structs are not promoted.
//
// Syntax errors, values of a wrong type or outside of their field's range and
// keys that the struct does not know are each a *diag.Error. Several are joined
// with errors.Join in the order of the file. What is not defective has been
// decoded also when others are, unless the syntax is wrong.
func Decode(file string, data []byte, into any) error {
	target := reflect.ValueOf(into)
	if target.Kind() != reflect.Pointer || target.IsNil() || target.Elem().Kind() != reflect.Struct {
		return fmt.Errorf("stricttoml: cannot decode into %T, only into a pointer to a struct", into)
	}
	d := &decoder{file: file, text: decodable(data)}
	index, tooDeep := scan(d.text)
	if tooDeep >= 0 {
		d.report(tooDeep, fmt.Sprintf("tables and arrays nest deeper than %d levels here", maxDepth), "")
		return d.err()
	}
	tree := make(map[string]any)
	if _, err := toml.Decode(d.text, &tree); err != nil {
		return d.syntaxError(err)
	}
	d.structure(place{node: index}, tree, target.Elem())
	return d.err()
}

// defect is an error whose offset is kept, to bring them into the file's order.
type defect struct {
	offset        int
	message, hint string
}

// decoder holds the state of one call of Decode.
type decoder struct {
	file    string
	text    string
	defects []defect
}

func (d *decoder) report(offset int, message, hint string) {
	d.defects = append(d.defects, defect{offset, message, hint})
}

// err turns what was reported into the error that Decode returns.
func (d *decoder) err() error {
	slices.SortStableFunc(d.defects, func(a, b defect) int { return cmp.Compare(a.offset, b.offset) })
	errs := make([]error, 0, min(len(d.defects), maxDefects+1))
	for i, one := range d.defects {
		if i == maxDefects {
			errs = append(errs, &diag.Error{
				File:    d.file,
				Message: fmt.Sprintf("%d more errors are not shown", len(d.defects)-i),
			})
			break
		}
		line, column, source := diag.Position(d.text, one.offset)
		errs = append(errs, &diag.Error{
			File: d.file, Line: line, Column: column,
			Message: one.message, Hint: one.hint, Source: source,
		})
	}
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}
