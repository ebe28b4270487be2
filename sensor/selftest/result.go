package selftest

// Outcome is what became of a sample.
type Outcome string

// The outcomes.
const (
	// Detected and Missed are of samples of the behaviour.
	Detected Outcome = "detected"
	Missed   Outcome = "missed"
	// Quiet and Alerted are of what is not the behaviour.
	Quiet   Outcome = "silent"
	Alerted Outcome = "alerted"
	// Impossible says that the sample cannot be performed here, by nobody.
	Impossible Outcome = "impossible"
	// Failed says that the sample could not be performed or not be judged.
	Failed Outcome = "failed"
)

// Result says what became of one technique.
type Result struct {
	Technique string  `json:"technique"`
	What      string  `json:"what"`
	Expected  Outcome `json:"expected"`
	Outcome   Outcome `json:"outcome"`
	// Detected says that an alert was raised, wanted or not.
	Detected bool `json:"detected"`
	// OK says that the outcome is the expected one, or explained by the kernel.
	OK bool `json:"ok"`
	// Record is the kernel's record that reported the connection.
	Record string `json:"record,omitempty"`
	// Reason explains an outcome that is not the expected one.
	Reason string `json:"reason,omitempty"`
	// Milliseconds is how long a detection took.
	Milliseconds int64 `json:"milliseconds,omitempty"`
}

// Of begins the result of a technique.
func Of(t Technique) Result {
	result := Result{Technique: t.Name, What: t.What, Expected: Detected}
	if t.Silent {
		result.Expected = Quiet
	}
	return result
}

// Is ends a result.
func (r Result) Is(outcome Outcome, ok bool, reason string) Result {
	r.Outcome, r.OK, r.Reason = outcome, ok, reason
	r.Detected = outcome == Detected || outcome == Alerted
	return r
}
