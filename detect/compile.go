package detect

import (
	"maps"
	"slices"

	"tripline/detect/eql"
	"tripline/internal/diag"
)

// CompileOptions say how rules are compiled. The zero value is what ECS needs.
type CompileOptions struct {
	// CategoryField is the field that an event category is compared with;
	// "event.category" by default.
	CategoryField string
	// ActionField is the field by whose constant values the engine chooses the
	// rules that an event meets and that Need.Actions is about; "event.action"
	// by default.
	ActionField string
	// Finite says that the events have an end, after which Engine.Finish is
	// called. Samples and pipes need it: without it a query that has one is
	// refused with an *UnsupportedError.
	Finite bool
	// excludes says that an event for which the query holds does not count.
	excludes bool
}

// Compiled is a rule that is ready to meet events. It does not change and may
// be shared.
type Compiled struct {
	rule     *Rule
	category Field
	// categoryName is the name of the category field.
	categoryName string
	// action is the field that the engine's index uses; hasAction is false
	// when the schema has none.
	action    Field
	hasAction bool
	sequence  bool
	sample    bool
	// negatives says that a sequence has negative stages.
	negatives bool
	plan      plan
	pipes     []pipe
	// stages has one element for an event query, and an element for every run
	// of a sequence's stages.
	stages []stage
	until  *stage
	// maxSpan is in milliseconds, 0 for none.
	maxSpan    int64
	fields     []string
	exceptions []*Exception
}

// stage is a compiled [category where condition] by keys.
type stage struct {
	// category is the only category that can match, empty for any. The engine
	// compares it with that of the event before it asks matches.
	category string
	// actions are the only actions that can match, nil for any.
	actions []string
	matches predicate
	// alike says that events of one likeness all match or all do not.
	alike bool
	keys  []joinKey
	need  Need
	// repeated is true for the second and later runs of a stage.
	repeated bool
	// negative is true for a stage whose event must be absent.
	negative bool
}

// stage is the stage of a number; until comes after the last.
func (c *Compiled) stage(number int) *stage {
	if number == len(c.stages) {
		return c.until
	}
	return &c.stages[number]
}

// Rule returns the rule that was compiled.
func (c *Compiled) Rule() *Rule { return c.rule }

// Fields lists the names of the schema's fields that the rule reads, sorted.
func (c *Compiled) Fields() []string { return slices.Clone(c.fields) }

// Compile prepares a rule for the live events of a schema, whose category field is
// event.category or the one that the rule names. The error joins a *diag.Error for
// each defect of the query, with its place in the rule's file. A rule without a
// defect that cannot be evaluated over such events is a *NotRunnableError: it reads
// fields that they do not have, or has samples or pipes, which only events that
// have an end allow, so that an *UnsupportedError is inside.
func Compile(rule *Rule, schema Schema) (*Compiled, error) {
	if reason := rule.runnableLive(schema); reason != nil {
		return nil, reason
	}
	compiled, err := CompileWith(rule, schema, CompileOptions{CategoryField: rule.EventCategoryOverride})
	if err != nil {
		return nil, rule.notCompiled(err, schema)
	}
	if reason := rule.runnableEvents(compiled, schema); reason != nil {
		return nil, reason
	}
	return compiled, nil
}

// CompileWith prepares a rule for any kind of events. It heeds no key of the rule
// but its query; the error joins a *diag.Error for each defect of that, with its
// place in the rule's file, or is an *UnsupportedError.
func CompileWith(rule *Rule, schema Schema, options CompileOptions) (*Compiled, error) {
	if options.CategoryField == "" {
		options.CategoryField = "event.category"
	}
	if options.ActionField == "" {
		options.ActionField = "event.action"
	}
	compiled, err := compileQuery(rule.Query, schema, options)
	if err != nil {
		return nil, rule.locate(err)
	}
	compiled.rule = rule
	return compiled, nil
}

// compiler turns one query's syntax tree into predicates.
type compiler struct {
	query  *eql.Query
	schema Schema
	// actionField is the name of the field that Need.Actions is about.
	actionField string
	category    Field
	// finite says that the events have an end.
	finite bool
	// excludes says that what is being compiled keeps an event from counting if
	// it is true.
	excludes bool
	regex    regexCompiler
	// fields are the names of the fields that are read.
	fields map[string]struct{}
	// unlike says that one of them may differ between events of one likeness.
	unlike bool
}

func compileQuery(text string, schema Schema, options CompileOptions) (*Compiled, error) {
	query, err := eql.Parse(text)
	if err != nil {
		return nil, err
	}
	if err := eql.Check(query, checkedFields{schema}); err != nil {
		return nil, err
	}
	c := &compiler{query: query, schema: schema, actionField: options.ActionField, finite: options.Finite, excludes: options.excludes, fields: make(map[string]struct{})}
	category, ok := schema.Field(options.CategoryField)
	if !ok {
		return nil, &diag.Error{Message: "events have no field " + options.CategoryField, Hint: "name the field that holds the event category"}
	}
	c.category = category
	compiled := &Compiled{category: category, categoryName: options.CategoryField}
	compiled.action, compiled.hasAction = schema.Field(options.ActionField)
	if err := c.statement(compiled); err != nil {
		return nil, err
	}
	c.fields[options.CategoryField] = struct{}{}
	compiled.fields = slices.Sorted(maps.Keys(c.fields))
	return compiled, nil
}

// statement fills in the stages and pipes of compiled.
func (c *compiler) statement(compiled *Compiled) error {
	var err error
	switch statement := c.query.Statement.(type) {
	case *eql.EventQuery:
		compiled.stages = make([]stage, 1)
		err = c.filter(&compiled.stages[0], statement.Filter)
	case *eql.Sequence:
		err = c.sequence(compiled, statement)
	case *eql.Sample:
		err = c.sample(compiled, statement)
	default:
		err = &diag.Error{Message: "statement is not supported"}
	}
	if err != nil {
		return err
	}
	compiled.pipes, err = c.pipes()
	return err
}

// unsupported is the error for what only events that have an end allow.
func (c *compiler) unsupported(pos eql.Pos, feature string) error {
	return &UnsupportedError{Feature: feature, Err: c.query.ErrorAt(pos, "search recorded events with it",
		"%s needs events that have an end, and a live stream has none", feature)}
}

func (c *compiler) sequence(compiled *Compiled, sequence *eql.Sequence) error {
	compiled.sequence = true
	compiled.maxSpan = sequence.MaxSpan.Milliseconds()
	for _, source := range sequence.Stages {
		one, err := reversed(c, source.Negative, func() (*stage, error) { return c.stage(sequence.By, source) })
		if err != nil {
			return err
		}
		for run := range source.Runs {
			one.repeated = run > 0
			compiled.stages = append(compiled.stages, *one)
		}
	}
	compiled.plan = newPlan(compiled.stages)
	compiled.negatives = compiled.hasNegative()
	if sequence.Until == nil {
		return nil
	}
	var err error
	compiled.until, err = reversed(c, true, func() (*stage, error) { return c.stage(sequence.By, sequence.Until) })
	return err
}

func (c *compiler) sample(compiled *Compiled, sample *eql.Sample) error {
	if !c.finite {
		return c.unsupported(sample.Pos, "sample")
	}
	if len(sample.Stages) > maxSampleStages {
		return c.query.ErrorAt(sample.Pos, "", "sample has more than %d stages", maxSampleStages)
	}
	compiled.sample = true
	for _, source := range sample.Stages {
		one, err := c.stage(sample.By, source)
		if err != nil {
			return err
		}
		compiled.stages = append(compiled.stages, *one)
	}
	return nil
}

func (c *compiler) stage(shared []eql.Expression, source *eql.Stage) (*stage, error) {
	s := &stage{negative: source.Negative}
	if err := c.filter(s, source.Filter); err != nil {
		return nil, err
	}
	for _, list := range [][]eql.Expression{shared, source.By} {
		for _, expression := range list {
			key, err := c.joinKey(expression)
			if err != nil {
				return nil, err
			}
			s.keys = append(s.keys, key)
		}
	}
	return s, nil
}

func (c *compiler) joinKey(expression eql.Expression) (joinKey, error) {
	source, ok := expression.(*eql.Field)
	if !ok {
		return joinKey{}, c.query.ErrorAt(expression.Position(), "write the name of a field", "a join key must be a field")
	}
	field, known := c.field(source)
	return joinKey{field: field.ID, known: known, optional: source.Optional}, nil
}

// field looks a field up and notes that it is read; false for an optional
// field that the schema does not have.
func (c *compiler) field(source *eql.Field) (Field, bool) {
	field, ok := c.schema.Field(source.Name)
	if ok {
		c.fields[source.Name] = struct{}{}
		c.unlike = c.unlike || !field.Alike
	}
	return field, ok
}

// filter compiles a category and its condition into s.
func (c *compiler) filter(s *stage, filter *eql.Filter) error {
	c.unlike = false
	condition, err := c.condition(filter.Condition)
	if err != nil {
		return err
	}
	s.matches, s.alike = condition.test, !c.unlike
	if !filter.Any {
		s.category = filter.Category
	}
	s.need = c.need(filter)
	s.actions = c.exactActions(filter.Condition)
	return nil
}

// isOrHas reports whether a value is a text or a list that has it.
func (v Value) isOrHas(text string) bool {
	if v.kind == KindString {
		return v.Text() == text
	}
	for _, one := range v.Elements() {
		if one.kind == KindString && one.Text() == text {
			return true
		}
	}
	return false
}

// checkedFields shows a Schema to the checker.
type checkedFields struct{ schema Schema }

// FieldType returns the type of a field.
func (f checkedFields) FieldType(name string) (eql.Type, bool) {
	field, ok := f.schema.Field(name)
	if !ok {
		return eql.TypeUnknown, false
	}
	switch field.Type {
	case TypeString:
		return eql.TypeString, true
	case TypeInt:
		return eql.TypeInteger, true
	case TypeFloat:
		return eql.TypeDecimal, true
	case TypeBool:
		return eql.TypeBool, true
	case TypeDate:
		return eql.TypeDate, true
	default:
		return eql.TypeUnknown, true
	}
}

// FieldNames lists every name that a suggestion may name.
func (f checkedFields) FieldNames() []string {
	return f.schema.FieldNames()
}
