package eql

import (
	"math"
	"strconv"
	"time"
)

// parseSequence reads: sequence by keys with maxspan=N stages until stage.
func (p *parser) parseSequence() (Statement, error) {
	sequence := &Sequence{Pos: p.tok.pos}
	if err := p.advance(); err != nil {
		return nil, err
	}
	by, err := p.parseBy()
	if err != nil {
		return nil, err
	}
	sequence.By = by
	if p.tok.is("with") {
		if sequence.MaxSpan, err = p.parseMaxSpan(); err != nil {
			return nil, err
		}
		if p.tok.is("by") {
			return nil, p.errorAt(p.tok.pos, `write: sequence by … with maxspan=…`, `"by" must come before "with"`)
		}
	}
	sequence.Stages, sequence.Until, err = p.parseStages("sequence")
	return sequence, err
}

// parseMaxSpan reads: with maxspan=N.
func (p *parser) parseMaxSpan() (time.Duration, error) {
	const form = `write a duration such as maxspan=30s; its units are ms s m h d`
	if err := p.advance(); err != nil {
		return 0, err
	}
	if err := p.expect("maxspan", `after "with"`); err != nil {
		return 0, err
	}
	if err := p.expect("=", "after maxspan"); err != nil {
		return 0, err
	}
	number := p.tok
	if number.kind != tokenInteger {
		return 0, p.unexpected("a positive whole number", form)
	}
	if err := p.advance(); err != nil {
		return 0, err
	}
	unit, ok := timeUnit(p.tok)
	if !ok {
		return 0, p.unexpected("a unit of time after "+number.text, form)
	}
	n, err := strconv.ParseInt(number.text, 10, 64)
	if err != nil || n > math.MaxInt64/int64(unit) {
		return 0, p.errorAt(number.pos, "", "maxspan is too long")
	}
	if n == 0 {
		return 0, p.errorAt(number.pos, form, "maxspan must be longer than zero")
	}
	return time.Duration(n) * unit, p.advance()
}

func timeUnit(tok token) (time.Duration, bool) {
	if tok.kind != tokenIdentifier {
		return 0, false
	}
	switch tok.text {
	case "ms":
		return time.Millisecond, true
	case "s":
		return time.Second, true
	case "m":
		return time.Minute, true
	case "h":
		return time.Hour, true
	case "d":
		return 24 * time.Hour, true
	}
	return 0, false
}

// parseStages reads the stages of a statement and its until.
func (p *parser) parseStages(keyword string) (stages []*Stage, until *Stage, err error) {
	total, first := 0, p.tok.pos
	for p.tok.is("[") || p.tok.is("![") {
		stage, err := p.parseStage()
		if err != nil {
			return nil, nil, err
		}
		if total += stage.Runs; total > MaxStages {
			return nil, nil, p.errorAt(stage.Pos, "", "%s has more than %d stages", keyword, MaxStages)
		}
		stages = append(stages, stage)
	}
	if len(stages) == 0 {
		return nil, nil, p.unexpected("a stage such as [process where true]", "")
	}
	if total < 2 {
		return nil, nil, p.errorAt(first, "add a stage, or write an event query: category where condition",
			"a %s needs at least two stages", keyword)
	}
	found, err := p.accept("until")
	if err != nil || !found {
		return stages, nil, err
	}
	if !p.tok.is("[") {
		return nil, nil, p.unexpected(`a stage after "until"`, "until takes one stage: until [process where true]")
	}
	if until, err = p.parseStage(); err == nil && until.Runs != 1 {
		err = p.errorAt(until.Pos, "", "the stage of until takes no runs")
	}
	return stages, until, err
}

// parseStage reads: [filter] by keys with runs=N.
func (p *parser) parseStage() (*Stage, error) {
	stage := &Stage{Pos: p.tok.pos, Negative: p.tok.is("!["), Runs: 1}
	if err := p.advance(); err != nil {
		return nil, err
	}
	var err error
	if stage.Filter, err = p.parseFilter(); err != nil {
		return nil, err
	}
	if !p.tok.is("]") {
		return nil, p.unexpected(`"]" at the end of the stage`, p.operatorHint())
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	if stage.By, err = p.parseBy(); err != nil {
		return nil, err
	}
	if p.tok.is("with") {
		stage.Runs, err = p.parseRuns()
	}
	if err == nil && p.tok.is("by") {
		err = p.errorAt(p.tok.pos, `write: […] by … with runs=…`, `"by" must come before "with"`)
	}
	return stage, err
}

// operatorHint says what may be missing between two conditions.
func (p *parser) operatorHint() string {
	if hint := confusion(p.tok); hint != "" {
		return hint
	}
	return `conditions are joined by "and" and "or"`
}

// parseRuns reads: with runs=N.
func (p *parser) parseRuns() (int, error) {
	if err := p.advance(); err != nil {
		return 0, err
	}
	if p.tok.kind != tokenIdentifier || p.tok.text != "runs" {
		return 0, p.unexpected(`"runs" after "with"`, "maxspan belongs to the sequence, before its first stage")
	}
	if err := p.advance(); err != nil {
		return 0, err
	}
	if err := p.expect("=", "after runs"); err != nil {
		return 0, err
	}
	if p.tok.kind != tokenInteger {
		return 0, p.unexpected("a whole number", "")
	}
	n, err := strconv.Atoi(p.tok.text)
	if err != nil || n < 1 || n > MaxRuns {
		return 0, p.errorAt(p.tok.pos, "", "runs must be between 1 and %d", MaxRuns)
	}
	return n, p.advance()
}
