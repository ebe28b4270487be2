package hunt

import (
	"encoding/json"
	"math"
	"strconv"

	"tripline/detect"
)

// Match is a rule that matched. It is valid until the callback that received it
// returns.
type Match struct {
	// Rule is the rule, or what NewRule made of a query.
	Rule *detect.Rule
	// Documents are the matched documents as they were read, in the order of
	// the stages; nil for a negative stage.
	Documents [][]byte
	// Times are the timestamps of the documents in nanoseconds since the Unix
	// epoch; zero for a negative stage.
	Times []int64
	// Events are the same documents as the engine saw them; nil for a negative
	// stage.
	Events []detect.Event
	// JoinKeys are what the documents of a sequence or sample share; a missing
	// optional key is the zero Value.
	JoinKeys []detect.Value
}

// AppendJSON appends the match as one line of JSON without a line ending:
//
//	{"rule":…,"events":[…],"join_keys":[…]}
//
// The rule is its rule_id, null for a query that is in no rule file.
func (m *Match) AppendJSON(to []byte) []byte {
	to = append(to, `{"rule":`...)
	if m.Rule.RuleID == "" {
		to = append(to, "null"...)
	} else {
		to = appendJSONText(to, m.Rule.RuleID)
	}
	to = append(to, `,"events":[`...)
	for i, document := range m.Documents {
		if i > 0 {
			to = append(to, ',')
		}
		if document == nil {
			to = append(to, "null"...)
			continue
		}
		to = append(to, document...)
	}
	to = append(to, `],"join_keys":`...)
	to = m.AppendJoinKeys(to)
	return append(to, '}')
}

// AppendJoinKeys appends the join keys as a JSON array.
func (m *Match) AppendJoinKeys(to []byte) []byte {
	to = append(to, '[')
	for i, key := range m.JoinKeys {
		if i > 0 {
			to = append(to, ',')
		}
		to = appendJSONValue(to, key)
	}
	return append(to, ']')
}

func appendJSONValue(to []byte, value detect.Value) []byte {
	switch value.Kind() {
	case detect.KindString:
		return appendJSONText(to, value.Text())
	case detect.KindInt:
		return strconv.AppendInt(to, value.Int(), 10)
	case detect.KindFloat:
		if f := value.Float(); !math.IsNaN(f) && !math.IsInf(f, 0) {
			return strconv.AppendFloat(to, f, 'g', -1, 64)
		}
	case detect.KindBool:
		return strconv.AppendBool(to, value.Bool())
	}
	return append(to, "null"...)
}

func appendJSONText(to []byte, text string) []byte {
	encoded, err := json.Marshal(text)
	if err != nil { // which no string gives
		return append(to, "null"...)
	}
	return append(to, encoded...)
}
