package detect

import (
	"fmt"
	"slices"
	"strings"

	"tripline/internal/diag"
	"tripline/internal/stricttoml"
)

// validator checks the values of a rule file's [rule] table.
type validator struct {
	file string
	data []byte
	rule *Definition
	errs []error
}

// errorAt describes a defect at the value of a key of [rule]; where the key is
// missing, at the table or else at the start of the file.
func (v *validator) errorAt(key, hint, format string, args ...any) *diag.Error {
	message := fmt.Sprintf(format, args...)
	defect := stricttoml.ErrorAt(v.file, v.data, message, hint, "rule", key)
	if defect.Line == 0 {
		defect = stricttoml.ErrorAt(v.file, v.data, message, hint, "rule")
	}
	if defect.Line == 0 {
		defect.Line, defect.Column = 1, 1
	}
	return defect
}

func (v *validator) errorf(key, hint, format string, args ...any) {
	v.errs = append(v.errs, v.errorAt(key, hint, format, args...))
}

func (v *validator) validate() {
	v.required("rule_id", v.rule.RuleID, "give the rule an identifier that never changes, such as a UUID")
	v.required("name", v.rule.Name, "give the rule a name")
	v.required("type", v.rule.Type, `write type = "eql"`)
	v.knownType()
	if v.rule.Type == "eql" {
		v.required("query", v.rule.Query, "write the EQL query of the rule")
		if language := v.rule.Language; language != "" && language != "eql" {
			v.errorf("language", `write language = "eql"`, "a rule of type eql cannot have the language %q", language)
		}
	}
	v.severity()
	if score := v.rule.RiskScore; score < 0 || score > 100 {
		v.errorf("risk_score", "write a number from 0 to 100", "risk_score %d is out of range", score)
	}
	if v.rule.Version < 1 {
		v.errorf("version", "write a whole number from 1 on", "version %d is out of range", v.rule.Version)
	}
	if v.rule.MaxSignals < 1 {
		v.errorf("max_signals", "write a whole number from 1 on", "max_signals %d is out of range", v.rule.MaxSignals)
	}
}

func (v *validator) required(key, value, hint string) {
	switch {
	case strings.TrimSpace(value) != "":
	case v.has(key):
		v.errorf(key, hint, "%s is empty", key)
	default:
		v.errorf(key, hint, "%s is missing in [rule]", key)
	}
}

func (v *validator) has(key string) bool {
	_, _, ok := stricttoml.KeyPosition(v.data, "rule", key)
	return ok
}

// severity accepts a missing severity: not every rule is rated.
func (v *validator) severity() {
	if value := v.rule.Severity; v.has("severity") && !slices.Contains(Severities(), value) {
		v.errorf("severity", "write "+strings.Join(Severities(), ", "), "severity %q is unknown", value)
	}
}

func (v *validator) knownType() {
	types := []string{"eql", "esql", "machine_learning", "new_terms", "query", "saved_query", "threat_match", "threshold"}
	if v.rule.Type == "" || slices.Contains(types, v.rule.Type) {
		return
	}
	hint := `write type = "eql"`
	if near, ok := diag.Nearest(v.rule.Type, types); ok {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	v.errorf("type", hint, "rule type %q is unknown", v.rule.Type)
}
