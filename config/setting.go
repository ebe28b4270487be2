package config

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// section is one table of the configuration file. The sections and their
// settings are the source of three things that must agree: the checks,
// sensor.toml and docs/configuration.md.
type section struct {
	// name is the table's name, such as "output.syslog".
	name string
	// about is what holds for all of its settings, in the words of setting.about.
	about string
	// list says that the file may have the table several times, [[name]].
	list     bool
	settings []setting
}

// setting is one key of the configuration file.
type setting struct {
	key string
	// about says in Markdown what the setting does. sensor.toml has the same
	// words as a comment, where links have only their text.
	about string
	// limit says what is allowed; nil where every value of the type is.
	limit limit
	// example is a value for a setting of a list, as TOML, with a comment.
	example string
}

// limit says which values of a setting are allowed.
type limit interface {
	// defect says what is wrong with a value and what to write instead. The
	// message is empty where nothing is wrong.
	defect(value reflect.Value) (message, hint string)
	// String says what is allowed; empty where setting.about does.
	String() string
}

// check adds what the limits of one section find.
func (p *problems) check(c *Config, s *section) {
	names := strings.Split(s.name, ".")
	at := reflect.ValueOf(c).Elem()
	for _, name := range names {
		at = fieldOf(at, name)
	}
	if !s.list {
		p.checkTable(at, s, names)
		return
	}
	for i := range at.Len() {
		p.checkTable(at.Index(i), s, append(names[:len(names):len(names)], strconv.Itoa(i)))
	}
}

func (p *problems) checkTable(table reflect.Value, s *section, names []string) {
	for _, one := range s.settings {
		if one.limit == nil {
			continue
		}
		if message, hint := one.limit.defect(fieldOf(table, one.key)); message != "" {
			p.add(message, hint, append(names[:len(names):len(names)], one.key)...)
		}
	}
}

// fieldOf is the field of a struct that TOML knows by a name; the zero Value
// where there is none.
func fieldOf(of reflect.Value, name string) reflect.Value {
	for i := range of.NumField() {
		if of.Type().Field(i).Tag.Get("toml") == name {
			return of.Field(i)
		}
	}
	return reflect.Value{}
}

// choices allows one of some words.
type choices []choice

// choice is a word with what it means; empty where it explains itself.
type choice struct{ word, about string }

// words makes choices that explain themselves.
func words(all ...string) choices {
	made := make(choices, 0, len(all))
	for _, one := range all {
		made = append(made, choice{word: one})
	}
	return made
}

func (c choices) defect(value reflect.Value) (message, hint string) {
	allowed := make([]string, 0, len(c))
	for _, one := range c {
		allowed = append(allowed, one.word)
	}
	return oneOf(value.String(), allowed)
}

// String lists the words where they explain themselves; the others are listed
// with what they mean.
func (c choices) String() string {
	all := make([]string, 0, len(c))
	for _, one := range c {
		if one.about != "" {
			return ""
		}
		all = append(all, "`"+strconv.Quote(one.word)+"`")
	}
	return strings.Join(all, ", ")
}

// bounds allows a range of numbers, sizes or spans of time.
type bounds struct {
	low, high int64 // both allowed; high 0 for no end
	// zero says that 0 is allowed too.
	zero bool
	hint string
	// show writes a value as the file has it.
	show func(int64) string
}

// within is the range of a size.
func within(low, high Size) bounds {
	return bounds{low: int64(low), high: int64(high), show: func(n int64) string { return Size(n).String() }}
}

// between is the range of a whole number.
func between(low, high int64, hint string) bounds {
	return bounds{low: low, high: high, hint: hint, show: func(n int64) string { return strconv.FormatInt(n, 10) }}
}

// lasting is the range of a span of time.
func lasting(low, high Duration, hint string) bounds {
	return bounds{low: int64(low), high: int64(high), hint: hint, show: func(n int64) string { return Duration(n).String() }}
}

// orZero allows 0 too.
func (b bounds) orZero(hint string) bounds {
	b.zero, b.hint = true, hint
	return b
}

func (b bounds) defect(value reflect.Value) (message, hint string) {
	var n int64
	if value.CanUint() {
		n = int64(value.Uint()) // no setting has 64 bits without a sign
	} else {
		n = value.Int()
	}
	switch {
	case b.zero && n == 0, n >= b.low && (b.high == 0 || n <= b.high):
		return "", ""
	case b.high == 0:
		return fmt.Sprintf("must be at least %s, not %s", b.show(b.low), b.show(n)), b.hint
	}
	return fmt.Sprintf("must be between %s and %s, not %s", b.show(b.low), b.show(b.high), b.show(n)), b.hint
}

func (b bounds) String() string {
	text := b.show(b.low) + " to " + b.show(b.high)
	switch {
	case b.high == 0:
		text = "at least " + b.show(b.low)
	case b.low == 0:
		text = "up to " + b.show(b.high)
	}
	if b.zero {
		return "0, or " + text
	}
	return text
}

// rule is a limit that is a function: it says what is wrong with a text, and
// what to write instead.
type rule struct {
	allowed string
	check   func(string) (message, hint string)
}

func (r rule) defect(value reflect.Value) (message, hint string) { return r.check(value.String()) }

func (r rule) String() string { return r.allowed }

// path refuses what no file can be called.
func path() rule {
	return rule{"a path, or empty", func(value string) (message, hint string) {
		if strings.ContainsRune(value, 0) {
			return "must not contain a NUL character", ""
		}
		return "", ""
	}}
}

// filePath is path for what must be a file.
func filePath() rule {
	return rule{"the path of a file, or empty", func(value string) (message, hint string) {
		if strings.HasSuffix(value, "/") {
			return "must name a file, not a folder", ""
		}
		return path().check(value)
	}}
}

// filled refuses text that says nothing.
func filled(message, hint string) rule {
	return rule{"not empty", func(value string) (string, string) {
		if strings.TrimSpace(value) == "" {
			return message, hint
		}
		return "", ""
	}}
}
