package eql_test

import (
	"testing"

	"tripline/detect/eql"
)

// testFields is a small set of fields for the checker.
type testFields map[string]eql.Type

func (f testFields) FieldType(name string) (eql.Type, bool) {
	t, ok := f[name]
	return t, ok
}

func (f testFields) FieldNames() []string {
	names := make([]string, 0, len(f))
	for name := range f {
		names = append(names, name)
	}
	return names
}

var checkFields = testFields{
	"process.executable": eql.TypeString,
	"process.entity_id":  eql.TypeString,
	"process.pid":        eql.TypeInteger,
	"user.id":            eql.TypeString,
	"load":               eql.TypeDecimal,
	"flag":               eql.TypeBool,
	"@timestamp":         eql.TypeDate,
	"anything":           eql.TypeUnknown,
}

func TestCheck(t *testing.T) {
	tests := []struct{ name, query, want string }{
		{"strings", `a where user.id == "0" and user.id in ("0", "1") and user.id : "x*" and user.id >= "a"`, ""},
		{"numbers", `a where process.pid == 1 and process.pid < 2.5 and load in (1, 2.5) and 0 <= process.pid`, ""},
		{"booleans", `a where flag and flag == true and not flag`, ""},
		{"null", `a where user.id == null and null != process.pid and flag == null`, ""},
		{"unknown type", `a where anything == 1 and anything : "x" and anything`, ""},
		{"optional", `a where ?nothing == 1 and ?nothing : "x"`, ""},
		{"condition compared", `a where null == (process.pid > -1)`, ""},
		{"unknown field", `a where process.executible == "x"`, `1:9: unknown field "process.executible"; did you mean "process.executable"?`},
		{"unknown field unlike any other", `a where zzz == "x"`, `1:9: unknown field "zzz"; write ?zzz if events need not have it`},
		{"two errors", `a where x == 1 and y == 2`, "1:9: unknown field \"x\"; write ?x if events need not have it\n1:20: unknown field \"y\"; write ?y if events need not have it"},
		{"string with number", `a where user.id == 0`, `1:17: "==" cannot compare a string with an integer; write it as a string: "0"`},
		{"number with string", `a where process.pid == "1"`, `1:21: "==" cannot compare an integer with a string; write the number without quotes`},
		{"list", `a where user.id in ("0", 1)`, `1:26: "in" cannot compare a string with an integer; write it as a string: "1"`},
		{"pattern on a number", `a where process.pid : "1*"`, `1:21: ":" matches strings, not an integer; write "==" or "in"`},
		{"pattern is a number", `a where user.id : 1`, `1:19: the right side of ":" must be a string, not an integer`},
		{"field with field", `a where user.id == process.executable`, `1:17: one field cannot be compared with another`},
		{"order of booleans", `a where flag < true`, `1:14: booleans have no order; write "==" or "!="`},
		{"condition is a string", `a where user.id`, `1:9: condition is a string, not true or false; compare it: … == …`},
		{"operand is a string", `a where flag and user.id`, `1:18: operand of "and" is a string, not true or false; compare it: … == …`},
		{"unknown function", `a where endsWit(user.id, "x")`, `1:9: unknown function "endsWit"; did you mean endsWith?`},
		{"sum of strings", `a where user.id + 1 == 2`, `1:9: operand of "+" is a string, not a number`},
		{"keys agree", `sequence by user.id [a where true] by process.pid [b where true] by process.pid until [c where true] by process.pid`, ""},
		{
			"keys missing", `sequence by user.id [a where true] by process.pid [b where true]`,
			`1:51: stage has 0 join keys, the first stage has 1; every stage and until take the same number of keys`,
		},
		{
			"keys of until", `sequence [a where true] by user.id [b where true] by user.id until [c where true]`,
			`1:68: stage has 0 join keys, the first stage has 1; every stage and until take the same number of keys`,
		},
		{
			"key types", `sequence [a where true] by user.id [b where true] by process.pid`,
			`1:54: join key is an integer, the first stage's key in this position is a string`,
		},
		{"key is no field", `sequence by 1 [a where true] [b where true]`, `1:13: a join key must be a field; write the name of a field`},
		{
			"negative without maxspan", `sequence [a where true] ![b where true]`,
			`1:25: a sequence with a negative stage needs a maxspan; write: sequence with maxspan=…`,
		},
		{"only negative", `sequence with maxspan=1m ![a where true] ![b where true]`, `1:1: a sequence needs at least one stage that is not negative`},
		{"sample without keys", `sample [a where true] [b where true]`, `1:1: a sample needs join keys; write: sample by field`},
		{"join", `join [a where true] [b where true]`, `1:1: join is not supported; write a sequence or a sample`},
		{"pipes", `a where true | head 5 | tail 1`, ""},
		{"unknown pipe", `a where true | sort x`, `1:16: unknown pipe "sort"; EQL has the pipes head and tail`},
		{"pipe without number", `a where true | head`, `1:16: pipe head takes one whole number; write: | head 10`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			query, err := eql.Parse(test.query)
			if err != nil {
				t.Fatalf("Parse: %v", err)
			}
			got := ""
			if err := eql.Check(query, checkFields); err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("Check(%q)\n got %s\nwant %s", test.query, got, test.want)
			}
		})
	}
}
