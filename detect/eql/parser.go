package eql

import "fmt"

// Parse reads a query. The error is a *diag.Error with the place in text.
func Parse(text string) (*Query, error) {
	if len(text) > MaxQueryBytes {
		return nil, errorAt(text, MaxQueryBytes, "split it into several rules", "query is longer than %d bytes", MaxQueryBytes)
	}
	p := &parser{lexer: lexer{text: text}}
	if err := p.advance(); err != nil {
		return nil, err
	}
	return p.parseQuery()
}

// parser reads statements by recursive descent, one token ahead.
type parser struct {
	lexer lexer
	// tok is the token that is looked at and not yet consumed.
	tok token
	// depth is how many expressions enclose the current one.
	depth int
}

// advance consumes the current token.
func (p *parser) advance() error {
	tok, err := p.lexer.next()
	if err != nil {
		return err
	}
	p.tok = tok
	return nil
}

// lookAhead returns the token after the current one without consuming either;
// an error in it is reported when it is consumed.
func (p *parser) lookAhead() token {
	ahead := p.lexer
	tok, err := ahead.next()
	if err != nil {
		return token{}
	}
	return tok
}

// accept consumes the current token if it is this keyword or symbol.
func (p *parser) accept(text string) (bool, error) {
	if !p.tok.is(text) {
		return false, nil
	}
	return true, p.advance()
}

// expect consumes this keyword or symbol, which has to come here.
func (p *parser) expect(text, where string) error {
	found, err := p.accept(text)
	if err != nil || found {
		return err
	}
	return p.unexpected(fmt.Sprintf("%q %s", text, where), "")
}

// unexpected is the error for a current token that is not what the grammar
// wants here.
func (p *parser) unexpected(wanted, hint string) error {
	if hint == "" {
		hint = confusion(p.tok)
	}
	return p.errorAt(p.tok.pos, hint, "expected %s, found %s", wanted, p.tok)
}

// confusion guesses what was meant by a token in the wrong place.
func confusion(found token) string {
	switch {
	case found.is("="):
		return `write "==" to compare`
	case found.kind == tokenKeyword:
		return "a field or category with the name of a keyword is written in backticks or quotes"
	case found.kind != tokenIdentifier:
		return ""
	}
	switch found.text {
	case "AND", "OR", "NOT", "IN", "WHERE", "SEQUENCE", "BY", "WITH", "UNTIL", "LIKE", "ANY", "TRUE", "FALSE", "NULL":
		return "keywords are written in lower case"
	}
	return ""
}

func (p *parser) errorAt(pos Pos, hint, format string, args ...any) error {
	return errorAt(p.lexer.text, pos, hint, format, args...)
}

func (p *parser) parseQuery() (*Query, error) {
	if p.tok.kind == tokenEnd {
		return nil, p.errorAt(p.tok.pos, `write a query such as process where user.id == "0"`, "query is empty")
	}
	statement, err := p.parseStatement()
	if err != nil {
		return nil, err
	}
	query := &Query{Text: p.lexer.text, Statement: statement}
	for p.tok.is("|") {
		pipe, err := p.parsePipe()
		if err != nil {
			return nil, err
		}
		query.Pipes = append(query.Pipes, pipe)
	}
	if p.tok.kind != tokenEnd {
		return nil, p.errorAt(p.tok.pos, p.trailingHint(statement), "unexpected %s after the query", p.tok)
	}
	return query, nil
}

// trailingHint says what may be wrong when a statement is followed by more.
func (p *parser) trailingHint(statement Statement) string {
	if hint := confusion(p.tok); hint != "" && !p.tok.is("with") && !p.tok.is("by") {
		return hint
	}
	if _, ok := statement.(*EventQuery); ok {
		return `conditions are joined by "and" and "or"`
	}
	return `each stage is written [category where condition]; "until" comes last`
}

func (p *parser) parseStatement() (Statement, error) {
	pos := p.tok.pos
	switch {
	case p.tok.is("sequence"):
		return p.parseSequence()
	case p.tok.is("sample"):
		by, stages, until, err := p.parseKeyedStages("sample")
		if err == nil && until != nil {
			err = p.errorAt(until.Pos, "", "a sample takes no until")
		}
		return &Sample{Pos: pos, By: by, Stages: stages}, err
	case p.tok.is("join"):
		by, stages, until, err := p.parseKeyedStages("join")
		return &Join{Pos: pos, By: by, Stages: stages, Until: until}, err
	default:
		filter, err := p.parseFilter()
		return &EventQuery{Filter: filter}, err
	}
}

// parseKeyedStages reads a sample or join: its keyword, keys and stages.
func (p *parser) parseKeyedStages(keyword string) ([]Expression, []*Stage, *Stage, error) {
	if err := p.advance(); err != nil {
		return nil, nil, nil, err
	}
	by, err := p.parseBy()
	if err != nil {
		return nil, nil, nil, err
	}
	if p.tok.is("with") {
		return nil, nil, nil, p.errorAt(p.tok.pos, "only a sequence has a maxspan", "a %s takes no with", keyword)
	}
	stages, until, err := p.parseStages(keyword)
	return by, stages, until, err
}

// parseFilter reads: category where condition.
func (p *parser) parseFilter() (*Filter, error) {
	filter := &Filter{Pos: p.tok.pos}
	switch {
	case p.tok.is("any"):
		filter.Any = true
	case p.tok.kind == tokenIdentifier, p.tok.kind == tokenString:
		filter.Category = p.tok.text
		if filter.Category == "" {
			return nil, p.errorAt(p.tok.pos, `write "any" for events of every category`, "category is empty")
		}
	default:
		return nil, p.unexpected(`an event category, "any" or "sequence"`, "")
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	hint := `an event query is written: category where condition`
	if p.tok.is(".") {
		hint = "a query starts with the event category: process where …"
	}
	if !p.tok.is("where") {
		return nil, p.unexpected(`"where" after the event category`, hint)
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	condition, err := p.parseExpression()
	filter.Condition = condition
	return filter, err
}

// parsePipe reads: | name argument, argument.
func (p *parser) parsePipe() (*Pipe, error) {
	if err := p.advance(); err != nil {
		return nil, err
	}
	if p.tok.kind != tokenIdentifier {
		return nil, p.unexpected(`the name of a pipe after "|"`, "")
	}
	pipe := &Pipe{Pos: p.tok.pos, Name: p.tok.text}
	if err := p.advance(); err != nil {
		return nil, err
	}
	if p.tok.kind == tokenEnd || p.tok.is("|") {
		return pipe, nil
	}
	arguments, err := p.parseExpressions()
	pipe.Arguments = arguments
	return pipe, err
}

// parseBy reads join keys, if the current token is "by".
func (p *parser) parseBy() ([]Expression, error) {
	found, err := p.accept("by")
	if err != nil || !found {
		return nil, err
	}
	return p.parseExpressions()
}

// parseExpressions reads one or more expressions with commas between them.
func (p *parser) parseExpressions() ([]Expression, error) {
	var list []Expression
	for {
		expression, err := p.parseExpression()
		if err != nil {
			return nil, err
		}
		list = append(list, expression)
		more, err := p.accept(",")
		if err != nil || !more {
			return list, err
		}
	}
}
