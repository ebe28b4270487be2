package eql

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Print writes the query on one line in a normal form. Parse reads it back to
// an equal tree, apart from positions.
func Print(query *Query) string {
	var p printer
	switch statement := query.Statement.(type) {
	case *EventQuery:
		p.filter(statement.Filter)
	case *Sequence:
		p.stages("sequence", statement.By, statement.MaxSpan, statement.Stages, statement.Until)
	case *Sample:
		p.stages("sample", statement.By, 0, statement.Stages, nil)
	case *Join:
		p.stages("join", statement.By, 0, statement.Stages, statement.Until)
	}
	for _, pipe := range query.Pipes {
		p.text.WriteString(" | " + pipe.Name)
		if len(pipe.Arguments) > 0 {
			p.text.WriteByte(' ')
			p.list(pipe.Arguments)
		}
	}
	return p.text.String()
}

// PrintExpression writes an expression as Print does.
func PrintExpression(expression Expression) string {
	var p printer
	p.expression(expression, precedenceOr)
	return p.text.String()
}

type printer struct {
	text strings.Builder
}

func (p *printer) stages(keyword string, by []Expression, span time.Duration, stages []*Stage, until *Stage) {
	p.text.WriteString(keyword)
	p.by(by)
	if span > 0 {
		p.text.WriteString(" with maxspan=" + formatSpan(span))
	}
	for _, stage := range stages {
		p.text.WriteByte(' ')
		p.stage(stage)
	}
	if until != nil {
		p.text.WriteString(" until ")
		p.stage(until)
	}
}

// formatSpan writes a duration in the largest unit that holds it exactly.
func formatSpan(span time.Duration) string {
	units := [...]struct {
		name   string
		length time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}}
	for _, unit := range units {
		if span%unit.length == 0 {
			return fmt.Sprintf("%d%s", span/unit.length, unit.name)
		}
	}
	return fmt.Sprintf("%dms", span/time.Millisecond)
}

func (p *printer) stage(stage *Stage) {
	if stage.Negative {
		p.text.WriteByte('!')
	}
	p.text.WriteByte('[')
	p.filter(stage.Filter)
	p.text.WriteByte(']')
	p.by(stage.By)
	if stage.Runs > 1 {
		fmt.Fprintf(&p.text, " with runs=%d", stage.Runs)
	}
}

func (p *printer) by(keys []Expression) {
	if len(keys) > 0 {
		p.text.WriteString(" by ")
		p.list(keys)
	}
}

func (p *printer) filter(filter *Filter) {
	switch {
	case filter.Any:
		p.text.WriteString("any")
	case isName(filter.Category):
		p.text.WriteString(filter.Category)
	default:
		p.text.WriteString(quote(filter.Category))
	}
	p.text.WriteString(" where ")
	p.expression(filter.Condition, precedenceOr)
}

// isName reports whether a name needs no quotes.
func isName(name string) bool {
	if name == "" || !isIdentifierStart(name[0]) || isKeyword(name) {
		return false
	}
	for i := 1; i < len(name); i++ {
		if !isIdentifierPart(name[i]) {
			return false
		}
	}
	return true
}

// quote writes a string literal.
func quote(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case !strconv.IsPrint(r):
			fmt.Fprintf(&b, `\u{%02x}`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// fieldName writes a field name, in backticks where a part of it needs them.
func fieldName(name string) string {
	for part := range strings.SplitSeq(name, ".") {
		if !isName(part) {
			return "`" + strings.ReplaceAll(name, "`", "``") + "`"
		}
	}
	return name
}
